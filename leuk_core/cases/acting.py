"""One action of a person in one case: one transaction, one row of the case's own history, one row of the trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from leuk_core.access import Role, allow
from leuk_core.cases import trail
from leuk_core.cases.people import person_of
from leuk_core.cases.read import case_in, cells_in
from leuk_core.cases.records import CaseCell, CaseConfirmed, CaseState, CellState, Change, ChangedMeanwhile
from leuk_core.cases.schema import ACTIONS, CASES, CELLS, CHANGES, FIELDS, transaction
from leuk_core.errors import InvalidParameter

EDITABLE = (CaseState.DRAFT, CaseState.REVIEWED)


@dataclass
class Act:
    """An action while it happens.

    Parameters
    ----------
    connection : Connection
        Of its transaction, which holds every other action in this case off.
    case_id, kind, person : str
        In which case, what is done, and the id of who does it.
    number : int
        The case's revision that it makes.
    at : datetime
        UTC.
    """

    connection: Connection
    case_id: str
    kind: str
    person: str
    number: int
    at: datetime
    undoes: int | None = None
    changes: list[Change] = field(default_factory=list)
    codes: dict[str, Any] = field(default_factory=dict)

    def seen(self, cells: Iterable[CaseCell]) -> list[CaseCell]:
        """Return the cells as they are, which are as the person has seen them.

        Raises
        ------
        InvalidParameter
            If there are none, or they belong to another case or don't exist.
        ChangedMeanwhile
            If one is no longer as it was seen.
        """
        known = {cell.number: cell for cell in cells if cell.case_id == self.case_id}
        found = cells_in(self.connection, self.case_id, CELLS.c.number.in_(known))
        if not found or len(found) < len(known):
            raise InvalidParameter(
                f"`cells` must hold cells of this case. Received: {len(known)} cells of it, {len(found)} exist"
            )
        if changed := tuple(cell for cell in found if cell.version != known[cell.number].version):
            who = ", ".join(sorted({cell.reviewer for cell in changed if cell.reviewer})) or "somebody"
            numbers = ", ".join(str(cell.number) for cell in changed[:10])
            raise ChangedMeanwhile(
                f"Nothing was done: {len(changed)} of these {len(found)} cells were changed meanwhile by {who}. Look "
                f"at them as they are now, then repeat. Received: cells {numbers}",
                changed,
            )
        return found

    def change_cells(self, values: Mapping[int, dict[str, Any]], before: Iterable[CaseCell]) -> None:
        """Write new values of cells, by number; `before` are those cells as they were."""
        names = sorted({name for given in values.values() for name in given})
        for cell in before:
            was = _facts(cell, names)
            self.changes.append(Change("cell", cell.number, was, values[cell.number]))
        row = CELLS.c.case_id == self.case_id, CELLS.c.number == bindparam("row_number")
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        self.connection.execute(
            update(CELLS).where(*row).values(new | {"version": self.number}),
            [
                {"row_number": number, **{f"new_{name}": given[name] for name in names}}
                for number, given in values.items()
            ],
        )

    def settle(self) -> None:
        """Write the action down, and whether any cell is open now."""
        written = {"case_id": self.case_id, "number": self.number, "at": self.at, "person": self.person}
        self.connection.execute(insert(ACTIONS).values(**written, kind=self.kind, undoes=self.undoes))
        if self.changes:
            self.connection.execute(
                insert(CHANGES),
                [
                    {"case_id": self.case_id, "action": self.number, "what": change.what, "number": change.number,
                     "before": change.before, "after": change.after}
                    for change in self.changes
                ],
            )  # fmt: skip
        trail.record(self.connection, self.kind, self.person, self.case_id, revision=self.number, **self.codes)
        counts = self.counts()
        state = CaseState.REVIEWED if counts and not counts.get(CellState.OPEN) else CaseState.DRAFT
        self.connection.execute(
            update(CASES).where(CASES.c.id == self.case_id, CASES.c.state.in_(EDITABLE)).values(state=state)
        )

    def counts(self) -> dict[CellState, int]:
        """Return how many cells are at what, without removed ones and those of removed fields."""
        query = (
            select(CELLS.c.state, func.count())
            .join(FIELDS, and_(FIELDS.c.case_id == CELLS.c.case_id, FIELDS.c.number == CELLS.c.field))
            .where(CELLS.c.case_id == self.case_id, FIELDS.c.removed.is_(False), CELLS.c.state != CellState.REMOVED)
            .group_by(CELLS.c.state)
        )
        return {CellState(state): n for state, n in self.connection.execute(query)}


@contextmanager
def acting(case_id: str, by: str, kind: str, *, confirmed: bool = False) -> Iterator[Act]:
    """Give an action that is kept whole when the block ends well, and leaves nothing when it raises.

    Parameters
    ----------
    case_id : str
        In which case.
    by : str
        Name of the person.
    kind : str
        What is done.
    confirmed : bool
        Whether it is done to confirmed cases; otherwise to all others.

    Raises
    ------
    CaseConfirmed
        If the case is confirmed, and this is not done to confirmed ones.
    InvalidParameter
        If there is no such case, or it is not confirmed yet.
    NotAllowed
        If the person who is signed in is no reviewer; a login's name counts, whatever `by` is.
    """
    by = allow(Role.REVIEWER, "change cases", by)
    now = datetime.now(UTC)
    states = (CaseState.CONFIRMED,) if confirmed else EDITABLE
    with transaction() as connection:
        person = person_of(connection, by)
        row = CASES.c.id == case_id
        taken = connection.execute(
            update(CASES).where(row, CASES.c.state.in_(states)).values(revision=CASES.c.revision + 1, changed=now)
        ).rowcount
        if not taken:
            raise _refusal(connection, case_id)
        number = connection.execute(select(CASES.c.revision).where(row)).scalar_one()
        act = Act(connection, case_id, kind, person, number, now)
        yield act
        act.settle()


def _refusal(connection: Connection, case_id: str) -> Exception:
    case = case_in(connection, case_id)
    if case.state is CaseState.CONFIRMED:
        return CaseConfirmed(
            f"This case is confirmed and can't be changed any more: add an amendment. Received: {case.name}, confirmed "
            f"by {case.confirmed_by}"
        )
    return InvalidParameter(f"Only a confirmed case can be amended. Received: {case.name}, which is {case.state}")


def _facts(cell: CaseCell, names: Iterable[str]) -> dict[str, Any]:
    """Return what a cell's row holds under some names."""
    x0, y0, x1, y1 = cell.box
    known: dict[str, Any] = {
        "state": str(cell.state), "reviewed_type": cell.reviewed_type, "reviewer": cell.reviewer_id,
        "machine_type": cell.answer.type, "probabilities": cell.answer.probabilities,
        "doubts": [list(doubt) for doubt in cell.answer.doubts],
        "model": cell.answer.model, "recipe_hash": cell.answer.recipe_hash,
        "x0": x0, "y0": y0, "x1": x1, "y1": y1,
    }  # fmt: skip
    return {name: known[name] for name in names}
