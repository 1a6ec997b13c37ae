"""What a reviewer does with cells: confirm, reclassify, set aside, remove; and take the last of it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import func, select

from leuk_core.cases.acting import Act, acting
from leuk_core.cases.classes import require_class
from leuk_core.cases.editing import switch_field
from leuk_core.cases.read import cells_in
from leuk_core.cases.records import (
    CaseCell,
    CellState,
    ChangedMeanwhile,
    MachineAnswer,
    answer_values,
)
from leuk_core.cases.schema import ACTIONS, CELLS, CHANGES
from leuk_core.errors import InvalidParameter

UNDOABLE = (
    "confirm", "reclassify", "set-aside", "remove-cells", "reopen", "add-cell", "remove-field", "restore-field",
)  # fmt: skip
"""Kinds of actions that `undo` takes back."""


def confirm_cells(cells: Iterable[CaseCell], by: str) -> list[CaseCell]:
    """Agree with the machine: each cell gets the class that it is suggested for.

    Parameters
    ----------
    cells : iterable of CaseCell
        Of one case, as the person has seen them.
    by : str
        Name of the person.

    Returns
    -------
    list of CaseCell
        The cells as they are now.

    Raises
    ------
    InvalidParameter
        If the machine has suggested nothing for one of them.
    ChangedMeanwhile
        If one of them is no longer as it was seen; nothing was done then.
    CaseConfirmed
        If the case is confirmed.
    """

    def said(cell: CaseCell) -> str:
        if cell.suggested is None:
            raise InvalidParameter(
                f"The machine says nothing about this cell: give it a class. Received: cell {cell.number}"
            )
        return cell.suggested

    return _review(cells, by, "confirm", said)


def reclassify_cells(cells: Iterable[CaseCell], by: str, type: str) -> list[CaseCell]:  # noqa: A002
    """Give cells a class, whatever the machine said; raises as `confirm_cells` does, and for an unknown class code."""
    return _review(cells, by, "reclassify", lambda _: type)


def set_aside(cells: Iterable[CaseCell], by: str, state: CellState) -> list[CaseCell]:
    """Say of cells that they are unidentified, or are not counted; raises as `confirm_cells` does."""
    if state not in (CellState.UNIDENTIFIED, CellState.NOT_COUNTED):
        raise InvalidParameter(f"`state` must be unidentified or not counted. Received: {state!r}")
    return _review(cells, by, "set-aside", lambda _: None, state)


def remove_cells(cells: Iterable[CaseCell], by: str) -> list[CaseCell]:
    """Say that there are no cells in these boxes; raises as `confirm_cells` does."""
    return _review(cells, by, "remove-cells", lambda _: None, CellState.REMOVED)


def reopen_cells(cells: Iterable[CaseCell], by: str) -> list[CaseCell]:
    """Take back what was said of cells; raises as `confirm_cells` does."""
    return _review(cells, by, "reopen", lambda _: None, CellState.OPEN)


def answer_cells(case_id: str, by: str, answers: Mapping[int, MachineAnswer]) -> list[CaseCell]:
    """Write down what the machine says now, by cell number, such as under another scale; reviews stay.

    Raises
    ------
    InvalidParameter
        If the case has no such cell.
    CaseConfirmed
        If the case is confirmed.
    """
    with acting(case_id, by, "answer") as act:
        found = cells_in(act.connection, case_id, CELLS.c.number.in_(answers))
        if not found or len(found) < len(answers):
            raise InvalidParameter(
                f"`answers` must be for cells of this case. Received: {len(answers)}, of which {len(found)} exist"
            )
        act.change_cells({number: answer_values(answer) for number, answer in answers.items()}, found)
        models = sorted({answer.model for answer in answers.values()})
        act.codes = {"cells": sorted(answers), "models": models}
        return cells_in(act.connection, case_id, CELLS.c.number.in_(answers))


def undo(case_id: str, by: str) -> list[CaseCell]:
    """Take back the last action of this person in this case that was not taken back yet.

    Returns
    -------
    list of CaseCell
        The cells that changed, as they are now; none where a field was taken out or put back.

    Raises
    ------
    InvalidParameter
        If there is nothing to take back.
    ChangedMeanwhile
        If somebody else has changed since what this would take back; nothing was done then.
    CaseConfirmed
        If the case is confirmed.
    """
    with acting(case_id, by, "undo") as act:
        number = _last(act)
        if number is None:
            raise InvalidParameter(f"There is nothing of yours to undo in this case. Received: by={by!r}")
        rows = act.connection.execute(
            select(CHANGES).where(CHANGES.c.case_id == case_id, CHANGES.c.action == number)
        ).all()
        act.undoes = number
        act.codes = {"undoes": number}
        for row in rows:
            if row.what == "field":
                switch_field(act, row.number, removed=row.before["removed"])
        back = {row.number: (row.before, row.after) for row in rows if row.what == "cell"}
        return _restore(act, back)


def _last(act: Act) -> int | None:
    undone = select(ACTIONS.c.undoes).where(ACTIONS.c.case_id == act.case_id, ACTIONS.c.undoes.is_not(None))
    own = ACTIONS.c.case_id == act.case_id, ACTIONS.c.person == act.person, ACTIONS.c.kind.in_(UNDOABLE)
    found: int | None = act.connection.execute(
        select(func.max(ACTIONS.c.number)).where(*own, ACTIONS.c.number.not_in(undone))
    ).scalar()
    return found


def _restore(act: Act, back: Mapping[int, tuple[dict[str, Any] | None, dict[str, Any]]]) -> list[CaseCell]:
    if not back:
        return []
    found = cells_in(act.connection, act.case_id, CELLS.c.number.in_(back))
    changed = tuple(cell for cell in found if _review_of(cell) != back[cell.number][1])
    if changed:
        raise ChangedMeanwhile(
            f"Nothing was undone: {len(changed)} of these {len(found)} cells were changed since, by "
            f"{', '.join(sorted({cell.reviewer or 'somebody' for cell in changed}))}. "
            f"Received: cells {', '.join(str(cell.number) for cell in changed[:10])}",
            changed,
        )
    gone = {"state": str(CellState.REMOVED), "reviewed_type": None, "reviewer": act.person}
    act.change_cells({number: before or gone for number, (before, _) in back.items()}, found)
    return cells_in(act.connection, act.case_id, CELLS.c.number.in_(back))


def _review(
    cells: Iterable[CaseCell],
    by: str,
    kind: str,
    called: Callable[[CaseCell], str | None],
    state: CellState | None = None,
) -> list[CaseCell]:
    seen = list(cells)
    if len({cell.case_id for cell in seen}) != 1:
        raise InvalidParameter(f"`cells` must hold cells of one case. Received: {len(seen)} cells")
    case_id = seen[0].case_id
    with acting(case_id, by, kind) as act:
        found = act.seen(seen)
        values = {}
        for cell in found:
            to = called(cell)
            new = state or (CellState.CONFIRMED if to == cell.suggested else CellState.RECLASSIFIED)
            reviewer = None if new is CellState.OPEN else act.person
            values[cell.number] = {"state": str(new), "reviewed_type": to, "reviewer": reviewer}
        for code in {given["reviewed_type"] for given in values.values()} - {None}:
            require_class(act.connection, str(code))
        act.change_cells(values, found)
        act.codes = {"cells": [[cell.number, cell.shown, _told(values[cell.number])] for cell in found]}
        return cells_in(act.connection, case_id, CELLS.c.number.in_(values))


def _review_of(cell: CaseCell) -> dict[str, Any]:
    return {"state": str(cell.state), "reviewed_type": cell.reviewed_type, "reviewer": cell.reviewer_id}


def _told(values: Mapping[str, Any]) -> str:
    """Return a code for what a cell was called."""
    return values["reviewed_type"] or values["state"].replace(" ", "-")
