"""One case: what is known of it, its differential, confirming it, files to take away, history."""

from __future__ import annotations

import streamlit as st

from components.case_choice import open_case
from components.cases_cells import show_cells
from components.differential import show_differential
from components.plain import plain
from components.second_reader import show_second_reader
from leuk_core.access import signature
from leuk_core.cases import (
    Case,
    CaseState,
    CellState,
    Specimen,
    amend_case,
    check_case,
    confirm_case,
    delete_case,
    describe_case,
    history,
    trail,
)
from leuk_core.cases.export import FORMS, export_case
from leuk_core.cases.gathered import Gathered, gather
from leuk_core.errors import LeukError

SAID = "leuk.cases.said"
AS_THEY_WERE = "as they were"
ASIDE = (str(CellState.UNIDENTIFIED), str(CellState.NOT_COUNTED), str(CellState.REMOVED))
MIMES = {
    "pdf": "application/pdf", "csv": "text/csv", "png": "image/png", "json": "application/fhir+json",
    "dcm": "application/dicom",
}  # fmt: skip
LABELS = {
    "pdf": "Report (PDF)",
    "differential": "Differential (CSV)",
    "csv": "Cells (CSV)",
    "parquet": "Cells (Parquet)",
    "gallery": "Gallery (PNG)",
    "fhir-r5": "FHIR R5",
    "fhir-r4b": "FHIR R4B",
    "dicom-gallery": "Gallery (DICOM)",
    "dicom-fields": "Fields (DICOM)",
}


def show_sheet(case: Case, by: str) -> None:
    """Draw a case."""
    found = gather(case.id)
    st.subheader(plain(found.case.name), anchor=False, divider="gray")
    _say()
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        _facts(found)
        if by:
            if found.case.state is CaseState.CONFIRMED:
                _amend(found, by)
            else:
                _confirm(found, by)
            _exports(found, by)
        else:
            st.info("Give your name or initials to confirm it or take files away.", icon=":material/person:")
    with right:
        if found.confirmed_count is not None:
            st.caption("As amended; the report shows it as it was confirmed, too.")
        show_differential(found.count, found.classes)
    show_cells(found)
    _amendments(found)
    show_second_reader(found, by)
    _history(found.case)
    if by and found.case.state is not CaseState.CONFIRMED:
        _describe(found.case, by)
    if by:
        _delete(found.case, by)


def _facts(found: Gathered) -> None:
    case = found.case
    parts = [
        f"**{plain(signature(case.confirmed_by))}**, {case.confirmed:%Y-%m-%d %H:%M} UTC"
        if case.confirmed
        else f"**{case.state}**, confirmed by nobody"
    ]
    parts.append(plain(", ".join(filter(None, (str(case.specimen), case.stain, case.microscope)))))
    parts.append(f"{found.count.n} cells on {len(found.fields)} fields, {found.count.n_reviewed} reviewed")
    parts.append(f"made by {plain(case.created_by)}, {case.created:%Y-%m-%d %H:%M} UTC")
    st.markdown("  \n".join(parts))
    if case.state is not CaseState.CONFIRMED:
        st.page_link("pages/smear.py", label="Go on with its cells", icon=":material/grid_view:")


def _confirm(found: Gathered, by: str) -> None:
    left = found.count.n - found.count.n_reviewed
    unknown = sum(cell.state is CellState.UNIDENTIFIED for cell in found.cells)
    accepted = st.checkbox(f"{unknown} cells may stay unidentified") if unknown else False
    still = "1 cell is still" if left == 1 else f"{left} cells are still"
    words = f"{still} to be reviewed" if left else "There is no cell to confirm." if not found.count.n else ""
    if st.button(
        f"Confirm as {plain(by)}",
        type="primary",
        icon=":material/task_alt:",
        disabled=bool(words) or bool(unknown and not accepted),
        help="From then on the case is never edited; amendments are added.",
    ):
        _do(lambda: confirm_case(found.case, by, accept_unidentified=accepted), f"Confirmed by {by}.")
    st.caption(words or "What is confirmed is what stands here now.")


def _amend(found: Gathered, by: str) -> None:
    with st.expander("Add an amendment", icon=":material/add_notes:"), st.form("leuk.cases.amend", border=False):
        note = st.text_area("What was found, and why", max_chars=2000)
        numbers = [cell.number for cell in found.cells]
        chosen = st.multiselect("Cells that it changes, if any (by number, as in the report)", numbers)
        names = found.names
        options = [AS_THEY_WERE, *names, *ASIDE]
        code = st.selectbox("They are now", options, format_func=lambda code: names.get(code, code))
        if st.form_submit_button("Add"):
            now = (CellState(code), None) if code in ASIDE else (CellState.RECLASSIFIED, code)
            said = dict.fromkeys(chosen, now) if code != AS_THEY_WERE else None
            _do(lambda: amend_case(found.case, by, note, said), "The amendment was added.")


def _exports(found: Gathered, by: str) -> None:
    case = found.case
    with st.container(horizontal=True):
        for form, (ending, _) in FORMS.items():
            slug = "".join(letter if letter.isalnum() else "-" for letter in case.name)
            st.download_button(
                LABELS[form],
                data=lambda form=form: export_case(case.id, by, form).data,
                file_name=f"{slug}-{ending}",
                mime=MIMES.get(ending.rsplit(".", 1)[1], "application/octet-stream"),
                on_click="ignore",
                key=f"leuk.cases.export.{form}",
            )
    st.caption("Each file is told in the trail and carries its mark. None holds a name that a picture's file had.")


def _amendments(found: Gathered) -> None:
    for one in found.amendments:
        cells = f" Cells {', '.join(str(number) for number, _, _ in one.cells)}." if one.cells else ""
        with st.container(border=True):
            st.text(f"Amendment {one.number}, {one.at:%Y-%m-%d %H:%M} UTC, {one.person}: {one.note}{cells}")


def _history(case: Case) -> None:
    with st.expander("History", icon=":material/history:"):
        st.dataframe(
            [
                {
                    "at (UTC)": f"{act.at:%Y-%m-%d %H:%M:%S}", "by": act.person, "what": act.kind,
                    "cells": sum(change.what == "cell" for change in act.changes),
                    "": "taken back" if act.undone else "",
                }
                for act in history(case.id)
            ],
            hide_index=True,
        )  # fmt: skip
        if st.button("Check the trail, and this case", icon=":material/verified:"):
            checked = trail.check()
            faults = list(checked.faults)
            if case.state is CaseState.CONFIRMED:
                faults += check_case(case.id)
            for fault in faults:
                st.error(fault, icon=":material/error:")
            if not faults:
                as_was = " This case is as it was confirmed." if case.state is CaseState.CONFIRMED else ""
                st.success(f"The trail is whole: {checked.n} rows.{as_was}", icon=":material/verified:")


def _describe(case: Case, by: str) -> None:
    with (
        st.expander("Correct what is known of it", icon=":material/edit:"),
        st.form("leuk.cases.describe", border=False),
    ):
        left, middle, right = st.columns(3)
        name = left.text_input("Pseudonym", case.name, max_chars=64, help="No name of a patient, please.")
        kinds = list(Specimen)
        specimen = middle.selectbox("Specimen", kinds, kinds.index(case.specimen), format_func=str)
        stain = left.text_input("Stain", case.stain, max_chars=100)
        microscope = middle.text_input("Microscope", case.microscope, max_chars=100)
        scale = right.number_input(
            "µm per pixel", 0.02, 1.0, case.microns_per_pixel, 0.001, "%.3f", placeholder="measured by the red cells",
            help="Counts for fields that are added from now on.",
        )  # fmt: skip
        if st.form_submit_button("Save"):
            known = {"specimen": specimen, "stain": stain, "microscope": microscope, "microns_per_pixel": scale}
            _do(lambda: describe_case(case, by, name=name, **known), "Saved.")


def _delete(case: Case, by: str) -> None:
    with st.expander("Delete this case", icon=":material/delete_forever:"):
        st.caption("For ever, with its pictures. In the trail ids and codes remain, and that it was deleted.")
        typed = st.text_input("Its name, to be sure", key=f"leuk.cases.delete.{case.id}")
        if st.button("Delete", disabled=typed.strip() != case.name):
            delete_case(case.id, by)
            open_case(None)
            st.session_state[SAID] = ("success", f"{case.name} was deleted.")
            st.rerun()


def _do(action: object, words: str) -> None:
    try:
        action()  # type: ignore[operator]
    except LeukError as error:
        st.session_state[SAID] = ("error", str(error))
    else:
        st.session_state[SAID] = ("success", words)
    st.rerun()


def _say() -> None:
    kind, words = st.session_state.pop(SAID, ("", ""))
    if kind:
        (st.success if kind == "success" else st.error)(plain(words))
