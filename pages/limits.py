"""Limits: what it is meant for, what it can't do, what was tried on foreign cells, how to read an answer, licences."""

from __future__ import annotations

import streamlit as st

from components.frame import page
from components.limits import foreign_html, known_limits, licences, persons_html

LEAD = "What this is meant for, what it can't do, and what was measured of that."


def main() -> None:
    page("Limits", LEAD)
    meant, cannot = st.columns(2, border=True)
    meant.markdown(
        "**Meant for**\n\n"
        "- research and teaching on stained smears of blood and bone marrow\n"
        "- looking at single white cells, and asking how far a classifier can be trusted\n"
        "- training on cells of your own, with honest figures"
    )
    cannot.markdown(
        "**Not meant for, and not able to**\n\n"
        "- diagnose a person, rule out leukemia, or replace a hematologist, flow cytometry or genetics\n"
        "- count blasts: a cell is compared with training cells, one by one\n"
        "- answer about a microscope, stain or specimen that it has not learnt from: it says “undecided”, or is wrong"
    )
    st.subheader("How it does on persons it never saw", anchor=False)
    st.html(persons_html())
    st.subheader("What it answers on foreign cells", anchor=False)
    st.html(foreign_html())
    st.subheader("How to read an answer", anchor=False)
    st.markdown(
        "1. **First the doubt.** With one, there is no label; the probability is then not to be used.\n"
        "2. **Then the label**: “resembles ALL cells” speaks of the training cells, never of the patient.\n"
        "3. **Then the probability**, in a set with the share of classes that stands under it.\n"
        "4. **Then who else gets that label**: under many cells stands how many normal ones would too.\n"
        "5. **Never one cell alone.** Persons differ more than models do."
    )
    known_limits()
    licences()


main()
