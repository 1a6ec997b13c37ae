"""The cells of the case on the page, as this session has seen them, and what a person does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from components.plain import plain
from leuk_core.cases import (
    Case,
    CaseCell,
    CaseField,
    CellClass,
    CellState,
    ChangedMeanwhile,
    confirm_cells,
    list_cells,
    list_classes,
    list_fields,
    load_case,
    reclassify_cells,
    remove_cells,
    set_aside,
    undo,
)
from leuk_core.errors import LeukError

HELD, SAID, DONE = "leuk.smear.held", "leuk.smear.said", "leuk.smear.done"
NOTHING_SAID = "nothing said"
KEYS = (
    "neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil", "ig", "erythroblast", "myeloblast", "lymphoblast",
)  # fmt: skip
"""Classes of the keys 1 to 9; the first that people count, and the two that the machine has not."""


SET_ASIDE = (str(CellState.UNIDENTIFIED), str(CellState.NOT_COUNTED), NOTHING_SAID)


@dataclass(frozen=True)
class Held:
    """What this session knows of a case: read anew whenever anybody has done anything in it."""

    case: Case
    fields: tuple[CaseField, ...]
    cells: tuple[CaseCell, ...]
    classes: tuple[CellClass, ...]

    @property
    def names(self) -> dict[str, str]:
        """Names of classes by code."""
        return {entry.code: entry.name for entry in self.classes}

    def group_name(self, code: str) -> str:
        """Return the name under which the gallery shows a class or what was set aside."""
        return self.names.get(code, code)

    def name(self, code: str | None) -> str:
        """Return a class's name for people."""
        return self.names.get(code, code) if code else NOTHING_SAID


def held(case: Case) -> Held:
    """Return what there is in a case; from memory while nothing has changed in it."""
    known: Held | None = st.session_state.get(HELD)
    classes = tuple(list_classes())
    if known is None or known.case != case or known.classes != classes:
        known = Held(case, tuple(list_fields(case.id)), tuple(list_cells(case.id)), classes)
        st.session_state[HELD] = known
    return known


def asked(part: str) -> Iterator[Mapping[str, Any]]:
    """Give what the browser asks for in its order; each once, however often it is asked for.

    Parameters
    ----------
    part : str
        Key of a part of `PARTS`. Its `acted` holds a queue of actions with growing numbers, `id`, of which the browser
        does not know yet that they were done.
    """
    acted = (st.session_state.get(part) or {}).get("acted") or {}
    for what in sorted(acted.get("queue", ()), key=lambda what: what["id"]):
        if what["id"] > st.session_state.get(DONE, 0):
            st.session_state[DONE] = what["id"]
            yield what


def act(case_id: str, by: str, what: Mapping[str, Any]) -> None:
    """Do what the person asked for; what came of it, if anything, is told with the next drawing.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the person.
    what : mapping
        From the browser: `what`, `to` (a class), `cells` as (number, version seen).
    """
    try:
        changed = _do(case_id, by, what)
    except ChangedMeanwhile as error:
        st.session_state[SAID] = ("warning", str(error))
    except LeukError as error:
        st.session_state[SAID] = ("error", str(error))
    else:
        _patch(case_id, changed)


def _do(case_id: str, by: str, what: Mapping[str, Any]) -> list[CaseCell]:
    kind = what.get("what")
    if kind == "undo":
        return undo(case_id, by)
    known = held(load_case(case_id))
    versions = {int(number): int(version) for number, version in what.get("cells", ())}
    cells = [
        replace(cell, version=versions[cell.number])
        for cell in known.cells
        if cell.number in versions and cell.case_id == case_id
    ]
    if kind == "confirm":  # what a person has said already stays
        return confirm_cells([cell for cell in cells if cell.state is CellState.OPEN and cell.suggested], by)
    if kind == "reclassify":
        return reclassify_cells(cells, by, str(what.get("to")))
    if kind == "remove":
        return remove_cells(cells, by)
    return set_aside(cells, by, CellState(str(kind)))


def _patch(case_id: str, changed: Sequence[CaseCell]) -> None:
    """Put changed cells in their place where nobody else has done anything; otherwise everything is read anew."""
    known: Held | None = st.session_state.get(HELD)
    now = load_case(case_id)
    if not changed or known is None or now.revision != known.case.revision + 1:
        st.session_state.pop(HELD, None)
        return
    by_number = {cell.number: cell for cell in known.cells} | {cell.number: cell for cell in changed}
    kept = tuple(by_number[number] for number in sorted(by_number) if by_number[number].state is not CellState.REMOVED)
    st.session_state[HELD] = replace(known, case=now, cells=kept)


def tell(do: Callable[[], object]) -> None:
    """Do something to a case; why it was not done is told with the next drawing, which reads everything anew."""
    try:
        do()
    except LeukError as error:
        st.session_state[SAID] = ("error", str(error))
    st.session_state.pop(HELD, None)


def show_said() -> None:
    """Show once why something was not done."""
    kind, words = st.session_state.pop(SAID, ("", ""))
    if kind == "warning":
        st.warning(plain(words), icon=":material/group:")
    elif kind:
        st.error(plain(words), icon=":material/error:")


def group_of(cell: CaseCell) -> str:
    """Return the class under which the gallery shows a cell, or what was said instead of one."""
    if cell.state in (CellState.UNIDENTIFIED, CellState.NOT_COUNTED):
        return str(cell.state)
    return cell.shown or NOTHING_SAID


def sent(known: Held, words: str) -> dict[str, Any]:
    """Return what the browser gets of a case besides its cells."""
    return {
        "classes": [[entry.code, entry.name] for entry in known.classes],
        "keys": list(KEYS), "words": words, "case": known.case.id,
        "done": st.session_state.get(DONE, 0),
    }  # fmt: skip


def sent_cell(cell: CaseCell, known: Held, twice: Mapping[int, int]) -> dict[str, Any]:
    """Return a cell as the browser gets it, without its picture; `twice` says which cells are others as well."""
    highest = max(cell.answer.probabilities.values(), default=None)
    machine = f"machine: {known.name(cell.answer.type) if cell.answer.type else 'undecided'}"
    if highest is not None:
        machine += f", likeliest {known.name(cell.answer.likeliest)} {highest:.2f}"
    said = f"{cell.state}{f' {known.name(cell.reviewed_type)}' if cell.reviewed_type else ''}"
    who = f"{said} by {cell.reviewer}; " if cell.reviewer else ""
    doubts = " ".join(words for _, words in cell.answer.doubts)
    again = f" Perhaps cell {twice[cell.number]} once more, on another field." if cell.number in twice else ""
    return {
        "n": cell.number, "v": cell.version, "field": cell.field, "box": cell.box, "state": str(cell.state),
        "name": known.group_name(group_of(cell)), "doubts": bool(cell.answer.doubts),
        "twice": cell.number in twice,
        "title": f"{who}{machine}{f'. {doubts}' if doubts else ''}{again}",
    }  # fmt: skip
