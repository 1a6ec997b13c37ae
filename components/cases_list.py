"""The list of cases: searched, filtered by state, one of them chosen."""

from __future__ import annotations

import streamlit as st

from components.case_choice import open_case
from leuk_core.access import signature
from leuk_core.cases import Case, CaseState, CaseSummary, list_classes, search_cases
from leuk_core.cases.counting import blasts_called

TEXT, STATE, TABLE = "leuk.cases.text", "leuk.cases.state", "leuk.cases.table"
ANY = "any state"
MOST = 200


def show_list(chosen: Case | None) -> None:
    """Draw the search and the list; a click on a row opens that case."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("Search", key=TEXT, placeholder="part of a name, stain, microscope, specimen")
        state = st.segmented_control("State", [ANY, *CaseState], key=STATE, default=ANY, required=True)
        if st.button("New case", icon=":material/create_new_folder:"):
            open_case(None)
            st.switch_page("pages/smear.py")
    found = search_cases(text, None if state == ANY else CaseState(str(state)), limit=MOST)
    if not found:
        what = "No case fits this search." if text or state != ANY else "No case yet: drop fields on the page Smear."
        st.info(what, icon=":material/folder_open:")
        return
    classes = list_classes()
    ids = [entry.case.id for entry in found]

    def pick() -> None:
        rows = st.session_state[key].selection.rows
        open_case(ids[rows[0]] if rows else None)

    key = f"{TABLE}.{hash(tuple(ids))}"
    st.dataframe(
        [_record(entry, blasts_called(entry.called, classes)) for entry in found],
        key=key,
        on_select=pick,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [ids.index(chosen.id)]}} if chosen and chosen.id in ids else None,
        hide_index=True,
        height="content" if len(found) < 8 else 320,
        column_config={"blasts by persons": st.column_config.TextColumn(width="medium")},
    )
    if len(found) == MOST:
        st.caption(f"The {MOST} that were changed last; search for others.")


def _record(entry: CaseSummary, blasts: str) -> dict[str, str | int]:
    case = entry.case
    amended = f", {case.amendments} amendments" if case.amendments else ""
    return {
        "case": case.name,
        "state": f"{case.state}{amended}",
        "date": f"{case.changed:%Y-%m-%d %H:%M}",
        "specimen": str(case.specimen),
        "fields": entry.fields,
        "cells": f"{entry.cells - entry.open} of {entry.cells} reviewed",
        "blasts by persons": blasts,
        "by": signature(case.confirmed_by) if case.confirmed_by else f"made by {case.created_by}",
    }
