"""A second reader: what another person calls the cells of a case, kept beside it, and how far the two agree.

A second reading changes nothing in the case, so that it may be done on a confirmed one as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from leuk_core.access import Role, allow
from leuk_core.cases import trail
from leuk_core.cases.classes import require_class
from leuk_core.cases.people import person_of
from leuk_core.cases.read import case_in, cells_in
from leuk_core.cases.records import CALLED, CaseCell, CellState
from leuk_core.cases.schema import FIELDS, PEOPLE, READINGS, transaction
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.kappa import cohens_kappa
from leuk_core.evaluation.resampling import Estimate

ASIDE = {"unidentified": CellState.UNIDENTIFIED, "not-counted": CellState.NOT_COUNTED}
"""What a reader may say besides a class."""


@dataclass(frozen=True)
class Agreement:
    """How far two readers of a case agree.

    Parameters
    ----------
    second : str
        Name of the second reader.
    n : int
        Cells that both have called; what the second reader reviewed in the case itself is left out.
    same : Estimate
        Share of them that both called the same, with its exact 95 % interval.
    kappa : Estimate
        Cohen's kappa with its 95 % interval.
    differences : tuple of (str, str, int)
        What the first and the second called, and how many cells, most first.
    """

    second: str
    n: int
    same: Estimate
    kappa: Estimate
    differences: tuple[tuple[str, str, int], ...]

    @property
    def words(self) -> str:
        """Everything but the differences, as people read it."""
        if not self.n:
            return f"{self.second} has called no cell that another person has reviewed."
        told = f"Cohen's kappa {self.kappa.words()}" if self.kappa.value is not None else "kappa not known (one class)"
        return f"{self.second}: the same call for {self.same.words(1, percent=True)} of {self.n} cells, {told}"


def read_cells(case_id: str, by: str, calls: Mapping[int, str]) -> int:
    """Keep what a second reader calls cells; an earlier call by the same person for the same cell is replaced.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the second reader.
    calls : mapping of int to str
        Number of a cell to a class code, "unidentified" or "not-counted".

    Returns
    -------
    int
        How many cells the person has called so far.

    Raises
    ------
    InvalidParameter
        If there is no such cell or class, or the person has reviewed one of the cells; nothing is kept then.
    """
    by = allow(Role.REVIEWER, "read cases", by)
    with transaction() as connection:
        trail.hold(connection)
        person, case = person_of(connection, by), case_in(connection, case_id)
        known = {cell.number: cell for cell in cells_in(connection, case_id) if cell.state is not CellState.REMOVED}
        for number, call in calls.items():
            if number not in known:
                raise InvalidParameter(f"`calls` must name cells of {case.name}. Received: cell {number}")
            if known[number].reviewer_id == person:
                raise InvalidParameter(
                    f"A second reader must be another person than the one who reviewed the cell. Received: cell "
                    f"{number}, reviewed by {known[number].reviewer}"
                )
            if call not in ASIDE:
                require_class(connection, call)
        own = READINGS.c.case_id == case_id, READINGS.c.person == person
        if calls:
            connection.execute(delete(READINGS).where(*own, READINGS.c.cell.in_(calls)))
            at = datetime.now(UTC)
            row = {"case_id": case_id, "person": person, "at": at}
            connection.execute(insert(READINGS), [row | {"cell": cell, "called": call} for cell, call in calls.items()])
            told = [[cell, call] for cell, call in sorted(calls.items())]
            trail.record(connection, "second-reading", person, case_id, cells=told)
        return len(connection.execute(select(READINGS.c.cell).where(*own)).all())


def calls_of(case_id: str, by: str) -> dict[int, str]:
    """Return what a person has called cells as a second reader, by number."""
    by = allow(Role.VIEWER, "look at cases", by)
    query = select(READINGS).join(PEOPLE, PEOPLE.c.id == READINGS.c.person).order_by(READINGS.c.cell)
    query = query.where(READINGS.c.case_id == case_id, PEOPLE.c.name == " ".join(by.split()))
    with transaction() as connection:
        return {row.cell: row.called for row in connection.execute(query)}


def agreements(case_id: str) -> list[Agreement]:
    """Return how far each second reader agrees with what was reviewed in the case, amendments left out.

    Raises
    ------
    InvalidParameter
        If there is no such case.
    """
    allow(Role.VIEWER, "look at cases")
    with transaction() as connection:
        case_in(connection, case_id)
        out = select(FIELDS.c.number).where(FIELDS.c.case_id == case_id, FIELDS.c.removed.is_(True))
        gone = set(connection.execute(out).scalars())
        reviewed = {cell.number: cell for cell in cells_in(connection, case_id) if cell.field not in gone}
        query = select(READINGS, PEOPLE.c.name).join(PEOPLE, PEOPLE.c.id == READINGS.c.person)
        rows = connection.execute(query.where(READINGS.c.case_id == case_id).order_by(READINGS.c.cell)).all()
    by_reader: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        pairs = by_reader.setdefault(row.name, [])
        cell = reviewed.get(row.cell)
        first = _call(cell) if cell is not None and cell.reviewer_id != row.person else None
        if first is not None:
            pairs.append((first, row.called))
    return [_agreement(name, pairs) for name, pairs in sorted(by_reader.items())]


def _agreement(name: str, pairs: list[tuple[str, str]]) -> Agreement:
    other = Counter(pair for pair in pairs if pair[0] != pair[1])
    return Agreement(
        second=name,
        n=len(pairs),
        same=exact_interval(len(pairs) - other.total(), len(pairs)),
        kappa=cohens_kappa([one for one, _ in pairs], [two for _, two in pairs]),
        differences=tuple((*pair, n) for pair, n in other.most_common()),
    )


def _call(cell: CaseCell) -> str | None:
    """Return what the first reader called a cell; None while it is open."""
    if cell.state in CALLED:
        return cell.reviewed_type
    return next((code for code, state in ASIDE.items() if state is cell.state), None)
