"""Which case this session works on, and who works: both outlive a refresh of the browser."""

from __future__ import annotations

import json

import streamlit as st

from components.frame import CASE
from components.plain import plain
from leuk_core import access
from leuk_core.cases import Case, CaseState, Specimen, create_case, load_case, search_cases
from leuk_core.errors import InvalidParameter, LeukError
from leuk_core.settings import settings

PERSON = "leuk.person"
ADDRESS = "case"
NEW = "a new case"
MOST = 200


def person() -> str:
    """Return the name of whoever reviews in this session: of the login, where there is one; empty where nobody is."""
    if access.person().signed_in:
        return access.person().name
    return str(st.session_state.get(PERSON) or "").strip()


def ask_person() -> str:
    """Draw the field for the reviewer's name, and return it: the last one typed on this installation stands in it.

    Where there is a login its name stands there, and none is typed.
    """
    if access.person().signed_in:
        st.text_input("Reviewer", person().removeprefix(access.SIGNED), disabled=True, help="As you signed in.")
        return person()
    if PERSON not in st.session_state:
        st.session_state[PERSON] = _remembered()
    st.text_input(
        "Reviewer",
        key=PERSON,
        persist_state="session",
        max_chars=100,
        on_change=_remember,
        placeholder="your name or initials",
        help="Stands beside every cell that you review, and under what you confirm.",
    )
    return person()


def chosen_case() -> Case | None:
    """Return the case of this session, by the page's address or by what was chosen last; None where there is none."""
    for asked in (st.query_params.get(ADDRESS), st.session_state.get(CASE)):
        if not asked:
            continue
        try:
            case = load_case(asked)
        except InvalidParameter as error:
            st.warning(plain(str(error)), icon=":material/folder_off:")
            open_case(None)
            return None
        open_case(case.id)
        return case
    return None


def open_case(case_id: str | None) -> None:
    """Work on a case from now on; None on none."""
    if case_id is None:
        st.session_state.pop(CASE, None)
        st.query_params.pop(ADDRESS, None)
        return
    st.session_state[CASE] = case_id
    if st.query_params.get(ADDRESS) != case_id:
        st.query_params[ADDRESS] = case_id


def choose_case(case: Case | None) -> None:
    """Draw the choice of a case that is not confirmed yet, or of a new one."""
    found = [entry.case for entry in search_cases(limit=MOST) if entry.case.state is not CaseState.CONFIRMED]
    if case is not None and case.id not in {entry.id for entry in found}:
        found.insert(0, case)
    names = {entry.id: f"{entry.name} ({entry.specimen}, {entry.state})" for entry in found}
    key = f"leuk.case.pick.{case.id if case else ''}"
    st.selectbox(
        "Case",
        [NEW, *names],
        index=list(names).index(case.id) + 1 if case else 0,
        format_func=lambda case_id: names.get(case_id, NEW),
        key=key,
        on_change=lambda: open_case(None if st.session_state[key] == NEW else st.session_state[key]),
        help="Every action is saved at once. A case stays here when the browser is closed.",
    )


def new_case(by: str) -> None:
    """Draw the form of a new case."""
    with st.form("leuk.case.new", border=True):
        left, middle, right = st.columns(3)
        name = left.text_input(
            "Pseudonym", max_chars=64, placeholder="drawn if left empty", help="No name of a patient, please."
        )
        specimen = middle.selectbox("Specimen", list(Specimen), format_func=str)
        scale = right.number_input(
            "µm per pixel", 0.02, 1.0, None, 0.001, "%.3f", placeholder="measured by the red cells",
            help="Of the microscope's pictures. Left empty, each field's scale comes from its file or its red cells.",
        )  # fmt: skip
        stain = left.text_input("Stain", max_chars=100, placeholder="such as May-Grünwald-Giemsa")
        microscope = middle.text_input("Microscope", max_chars=100, placeholder="such as 100x oil, camera X")
        if st.form_submit_button("Create the case", type="primary", icon=":material/create_new_folder:"):
            try:
                made = create_case(
                    by, name.strip() or None, specimen=specimen, stain=stain, microscope=microscope,
                    microns_per_pixel=scale,
                )  # fmt: skip
            except LeukError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            open_case(made.id)
            st.rerun()


def _remembered() -> str:
    try:
        return str(json.loads((settings().data_dir / "reviewer.json").read_text("utf-8"))["name"])[:100]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _remember() -> None:
    target = settings().data_dir / "reviewer.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part")
    draft.write_text(json.dumps({"name": person()}), "utf-8")
    draft.replace(target)
