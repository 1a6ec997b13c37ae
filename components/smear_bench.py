"""The work on a case: its cells as a gallery, or its fields with boxes, beside the differential that grows."""

from __future__ import annotations

import streamlit as st

from components.differential import show_differential
from components.smear_ahead import ahead
from components.smear_cells import Held, held, show_said, tell
from components.smear_fields import VIEW, show_fields
from components.smear_gallery import show_gallery
from leuk_core.cases import Kind, load_case, own_class
from leuk_core.cases.counting import count_cells
from leuk_core.cases.same_place import repeated_cells

VIEWS = ("gallery", "fields")


@st.fragment
def bench(case_id: str, by: str) -> None:
    """Draw the work on a case; an action draws this part alone anew, the count first."""
    known = held(load_case(case_id))
    ahead().begin(known.case.id, known.cells, known.fields)
    with st.container():  # always there, so that what stands below keeps its place
        show_said()
    left, right = st.columns([1.9, 1], gap="small")
    with right:
        show_differential(count_cells(known.cells, known.case.specimen, known.classes), known.classes)
        st.page_link("pages/cases.py", label="Confirm the case, take its report away", icon=":material/task_alt:")
        st.caption(made_by(known))
    with left:
        top = st.container(horizontal=True, vertical_alignment="center")
        with top:
            st.session_state.setdefault(VIEW, VIEWS[0])
            view = st.segmented_control("Show", VIEWS, required=True, key=VIEW, label_visibility="collapsed")
            more = st.popover("More", icon=":material/more_horiz:")
        with more:
            _own_class()
        twice = repeated_cells(ahead().places(case_id), known.cells)
        if view == "fields":
            show_fields(known, by, twice)
        else:
            show_gallery(known, by, (top, more), twice)


def made_by(known: Held) -> str:
    """Say what found the cells and what sorted them: it is not the model that the sidebar names."""
    detectors = dict.fromkeys(cell.detector for cell in known.cells if cell.detector)
    models = dict.fromkeys(cell.answer.model for cell in known.cells if cell.answer.model)
    drawn = sum(cell.found_by == "person" for cell in known.cells)
    parts = [
        f"Found by {', '.join(detectors)}" if detectors else "",
        f"sorted by {', '.join(models)}" if models else "",
    ]
    said = ", ".join(filter(None, parts)) or "Nothing was found by the machine"
    return f"{said}; {drawn} cell{'' if drawn == 1 else 's'} drawn by a person." if drawn else f"{said}."


def _own_class() -> None:
    with st.form("leuk.smear.own", border=False):
        st.markdown("**A class of your own**")
        name = st.text_input("Name", max_chars=60)
        kind = st.selectbox("It counts as", [kind for kind in Kind if kind not in (Kind.ERYTHROBLAST, Kind.PLATELET)])
        st.caption("Can be given by its name then (key /), in every case of this installation.")
        if st.form_submit_button("Add"):
            tell(lambda: own_class(name, kind))
            st.rerun(scope="fragment")
