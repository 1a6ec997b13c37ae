"""Cases: what was counted, by whom, confirmed or not; each with its report, history and files to take away."""

from __future__ import annotations

import streamlit as st

from components.case_choice import ask_person, chosen_case
from components.cases_list import show_list
from components.cases_sheet import show_sheet
from components.frame import page
from leuk_core import PROJECT_ROOT

LEAD = "Every case that was counted here: its differential, who reviewed it, and files to take away."


def main() -> None:
    page("Cases", LEAD)
    st.html(PROJECT_ROOT / "components" / "smear.css")
    case = chosen_case()
    show_list(case)
    if case is not None:
        by = ask_person()
        show_sheet(case, by)


main()
