"""Points out fields that show the same place, and the cells that were so found twice."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from components.smear_ahead import ahead
from components.smear_cells import Held, held, tell
from leuk_core.cases import CellState, list_fields, load_case, set_aside
from leuk_core.cases.same_place import SamePlace, of_one_picture, repeated_cells

EVERY_S = 2.0
SHOWN = 6


def same_place(case_id: str, by: str) -> None:
    """Draw what was found once it is known; the whole page is then drawn anew, and its cells are marked."""
    known = held(load_case(case_id))
    if ahead().done(case_id, known.fields):
        _found(known, by)
    else:
        st.fragment(_wait, run_every=EVERY_S)(case_id)


def _wait(case_id: str) -> None:
    if ahead().done(case_id, list_fields(case_id)):
        st.rerun()


def _found(known: Held, by: str) -> None:
    found = ahead().places(known.case.id)
    twice = repeated_cells(found, known.cells)
    places = _worth_telling(found, known, twice)
    if not places:
        return
    pairs = f"{len(places)} pairs of fields show" if len(places) > 1 else "Two fields show"
    cells = (
        f"{len(twice)} cell{'s are' if len(twice) != 1 else ' is'} on both, marked 2×"
        if twice
        else "no cell counts twice"
    )
    with st.container(horizontal=True, vertical_alignment="center", key="leuk-smear-twice"):
        st.warning(f"{pairs} the same place: {cells}. {_words(places)}", icon=":material/layers:")
        if twice:
            st.button("Count them once", key="leuk.smear.once", on_click=_once, args=(known, by, tuple(twice)),
                      help="The repeats are set aside as not counted; key u takes that back.")  # fmt: skip


def _worth_telling(found: tuple[SamePlace, ...], known: Held, twice: Mapping[int, int]) -> tuple[SamePlace, ...]:
    """Return pairs of fields; parts of one large picture only where a cell was drawn on both."""
    fields, cells = ({entry.number: entry for entry in entries} for entries in (known.fields, known.cells))
    doubled = {frozenset((cells[out].field, cells[kept].field)) for out, kept in twice.items()}
    return tuple(
        place
        for place in found
        if frozenset((place.first, place.second)) in doubled
        or not of_one_picture(fields[place.first], fields[place.second])
    )


def _words(places: tuple[SamePlace, ...]) -> str:
    parts = [f"{place.first} and {place.second} ({place.shared:.0%})" for place in places[:SHOWN]]
    return f"Fields {', '.join(parts)}{' and others' if len(places) > SHOWN else ''}."


def _once(known: Held, by: str, numbers: tuple[int, ...]) -> None:
    cells = [cell for cell in known.cells if cell.number in numbers]
    tell(lambda: set_aside(cells, by, CellState.NOT_COUNTED))
