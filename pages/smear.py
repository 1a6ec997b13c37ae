"""Smear: fields of one case in, a reviewed differential out."""

from __future__ import annotations

import streamlit as st

from components.case_choice import ask_person, choose_case, chosen_case, new_case
from components.frame import page
from components.plain import plain
from components.smear_bench import bench
from components.smear_intake import drop_fields, show_told
from components.smear_same_place import same_place
from leuk_core import PROJECT_ROOT
from leuk_core.access import signature
from leuk_core.cases import CaseState, list_fields
from leuk_core.cells.differential import FIRST_LINE

STYLE = PROJECT_ROOT / "components" / "smear.css"


def main() -> None:
    page(
        "Smear", f"**{FIRST_LINE}** White cells of whole fields are found, sorted and counted; you have the last word."
    )
    st.html(STYLE)
    case = chosen_case()
    begun = case is not None and bool(list_fields(case.id))
    left, middle, right = st.columns([1, 1.8, 0.6], vertical_alignment="bottom")
    with left:
        by = ask_person()
    with middle:
        choose_case(case)
    if case is not None and case.state is CaseState.CONFIRMED:
        by_whom = plain(signature(case.confirmed_by))
        st.info(f"{plain(case.name)} is {by_whom}: nothing is changed in it any more.", icon=":material/lock:")
        st.page_link("pages/cases.py", label="Look at it, take its report away", icon=":material/folder_shared:")
        return
    if not by:
        st.info("Give your name or initials first: it stands beside what you decide.", icon=":material/person:")
        return
    if case is None:
        new_case(by)
        return
    if not begun:
        drop_fields(case, by, begun=False)
        return
    with right.popover("Add fields", icon=":material/add_photo_alternate:", width="stretch"):
        drop_fields(case, by, begun=True)
    show_told()
    same_place(case.id, by)
    bench(case.id, by)


main()
