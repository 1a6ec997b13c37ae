"""Look at cases: one, many that fit a search, their fields, cells, actions and amendments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from leuk_core.access import Role, allow
from leuk_core.cases.records import (
    Action,
    Amendment,
    Case,
    CaseCell,
    CaseField,
    CaseState,
    CellState,
    Change,
    MachineAnswer,
    Specimen,
)
from leuk_core.cases.schema import ACTIONS, AMENDMENTS, CASES, CELLS, CHANGES, FIELDS, PEOPLE, TRAIL, transaction
from leuk_core.errors import InvalidParameter

_MAKER, _SIGNER = PEOPLE.alias("maker"), PEOPLE.alias("signer")


@dataclass(frozen=True)
class CaseSummary:
    """A case in a list.

    Parameters
    ----------
    case : Case
        The case.
    fields : int
        How many it has.
    states : dict of CellState to int
        How many cells are at what; removed ones left out.
    called : dict of str to int
        How many cells a person gave which class, as confirmed: amendments left out.
    """

    case: Case
    fields: int
    states: dict[CellState, int]
    called: dict[str, int]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Number of cells that nobody has reviewed."""
        return self.states.get(CellState.OPEN, 0)


def load_case(case_id: str) -> Case:
    """Return a case.

    Raises
    ------
    InvalidParameter
        If there is none of this id, or it was deleted.
    """
    allow(Role.VIEWER, "look at cases")
    with transaction() as connection:
        return case_in(connection, case_id)


def search_cases(text: str = "", state: CaseState | None = None, limit: int = 50, offset: int = 0) -> list[CaseSummary]:
    """Return the cases that fit, the last changed first.

    Parameters
    ----------
    text : str
        Part of the name, the stain, the microscope or the specimen; capitals don't matter.
    state : CaseState or None
        Only those at this state.
    limit, offset : int
        How many, after how many others.
    """
    allow(Role.VIEWER, "look at cases")
    query = _select_cases().order_by(CASES.c.changed.desc(), CASES.c.id).limit(limit).offset(offset)
    for word in text.split():
        held = (CASES.c.name, CASES.c.stain, CASES.c.microscope, CASES.c.specimen)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in held)))
    if state is not None:
        query = query.where(CASES.c.state == state)
    with transaction() as connection:
        cases = [_case(row) for row in connection.execute(query)]
        return _summaries(connection, cases)


def list_fields(case_id: str, *, removed: bool = False) -> list[CaseField]:
    """Return the fields of a case in order; with `removed` also those that were taken out."""
    allow(Role.VIEWER, "look at cases")
    query = select(FIELDS).where(FIELDS.c.case_id == case_id).order_by(FIELDS.c.number)
    if not removed:
        query = query.where(FIELDS.c.removed.is_(False))
    with transaction() as connection:
        return [CaseField(**row._asdict()) for row in connection.execute(query)]


def list_cells(
    case_id: str, field: int | None = None, *, removed: bool = False, amended: bool = False
) -> list[CaseCell]:
    """Return the cells of a case by number.

    Parameters
    ----------
    case_id : str
        The case.
    field : int or None
        Only those of this field.
    removed : bool
        Also the removed ones, and those of removed fields.
    amended : bool
        As the amendments of a confirmed case say; otherwise as it was confirmed.
    """
    allow(Role.VIEWER, "look at cases")
    with transaction() as connection:
        found = cells_in(connection, case_id, CELLS.c.field == field if field is not None else None)
        if not removed:
            out = FIELDS.c.case_id == case_id, FIELDS.c.removed.is_(True)
            hidden = set(connection.execute(select(FIELDS.c.number).where(*out)).scalars())
            found = [cell for cell in found if cell.state is not CellState.REMOVED and cell.field not in hidden]
        return _amended(found, _amendments(connection, case_id)) if amended else found


def list_amendments(case_id: str) -> list[Amendment]:
    """Return what was said about a case after it was confirmed, in order."""
    allow(Role.VIEWER, "look at cases")
    with transaction() as connection:
        return _amendments(connection, case_id)


def history(case_id: str, limit: int = 200) -> list[Action]:
    """Return the last actions in a case, the last one first, with what each did."""
    allow(Role.VIEWER, "look at cases")
    undoing = ACTIONS.alias()
    query = (
        select(ACTIONS, PEOPLE.c.name, undoing.c.number.label("undone_by"))
        .join(PEOPLE, PEOPLE.c.id == ACTIONS.c.person)
        .outerjoin(undoing, and_(undoing.c.case_id == ACTIONS.c.case_id, undoing.c.undoes == ACTIONS.c.number))
        .where(ACTIONS.c.case_id == case_id)
        .order_by(ACTIONS.c.number.desc())
        .limit(limit)
    )
    with transaction() as connection:
        rows = connection.execute(query).all()
        done: dict[int, list[Change]] = {row.number: [] for row in rows}
        within = CHANGES.c.case_id == case_id, CHANGES.c.action >= min(done, default=0)
        for change in connection.execute(select(CHANGES).where(*within).order_by(CHANGES.c.number)):
            if change.action in done:
                done[change.action].append(Change(change.what, change.number, change.before, change.after))
    return [
        Action(row.number, row.at, row.name, row.kind, row.undoes, row.undone_by is not None, tuple(done[row.number]))
        for row in rows
    ]


def case_in(connection: Connection, case_id: str) -> Case:
    """Return a case within a transaction."""
    row = connection.execute(_select_cases().where(CASES.c.id == case_id)).one_or_none()
    if row is None:
        gone = connection.execute(
            select(TRAIL.c.at).where(TRAIL.c.case_id == case_id, TRAIL.c.action == "delete")
        ).scalar()
        raise InvalidParameter(
            f"This case was deleted on {gone[:10]}. Received: {case_id!r}"
            if gone
            else f"There is no such case: search for it by its name. Received: {case_id!r}"
        )
    return _case(row)


def cells_in(connection: Connection, case_id: str, *which: ColumnElement[bool] | None) -> list[CaseCell]:
    """Return cells of a case within a transaction, by number."""
    query = select(CELLS, PEOPLE.c.name.label("reviewer_name")).outerjoin(PEOPLE, PEOPLE.c.id == CELLS.c.reviewer)
    query = query.where(CELLS.c.case_id == case_id, *(part for part in which if part is not None))
    return [_cell(row) for row in connection.execute(query.order_by(CELLS.c.number))]


def _select_cases() -> Select[Any]:
    amendments = select(func.count()).where(AMENDMENTS.c.case_id == CASES.c.id).scalar_subquery()
    return (
        select(
            CASES, _MAKER.c.name.label("maker"), _SIGNER.c.name.label("signer"), amendments.label("amendments")
        )
        .join(_MAKER, _MAKER.c.id == CASES.c.created_by)
        .outerjoin(_SIGNER, _SIGNER.c.id == CASES.c.confirmed_by)
    )  # fmt: skip


def _case(row: Row[Any]) -> Case:
    return Case(
        id=row.id, name=row.name, specimen=Specimen(row.specimen), stain=row.stain, microscope=row.microscope,
        microns_per_pixel=row.microns_per_pixel, state=CaseState(row.state), revision=row.revision,
        created=row.created, changed=row.changed, created_by=row.maker,
        confirmed=row.confirmed, confirmed_by=row.signer or "", amendments=row.amendments,
    )  # fmt: skip


def _cell(row: Row[Any]) -> CaseCell:
    doubts = tuple((code, words) for code, words in row.doubts)
    return CaseCell(
        case_id=row.case_id, number=row.number, field=row.field, box=(row.x0, row.y0, row.x1, row.y1),
        found_by=row.found_by, detector=row.detector, score=row.score, touching_edge=row.touching_edge,
        answer=MachineAnswer(row.machine_type, row.probabilities, doubts, row.model, row.recipe_hash),
        state=CellState(row.state), reviewed_type=row.reviewed_type, reviewer=row.reviewer_name or "",
        reviewer_id=row.reviewer, version=row.version,
    )  # fmt: skip


def _summaries(connection: Connection, cases: list[Case]) -> list[CaseSummary]:
    ids = [case.id for case in cases]
    kept = FIELDS.c.case_id.in_(ids), FIELDS.c.removed.is_(False)
    by_case = select(FIELDS.c.case_id, func.count()).where(*kept).group_by(FIELDS.c.case_id)
    fields: dict[str, int] = dict(connection.execute(by_case).all())
    counted = (
        select(CELLS.c.case_id, CELLS.c.state, CELLS.c.reviewed_type, func.count().label("n"))
        .join(FIELDS, and_(FIELDS.c.case_id == CELLS.c.case_id, FIELDS.c.number == CELLS.c.field))
        .where(*kept, CELLS.c.state != CellState.REMOVED)
        .group_by(CELLS.c.case_id, CELLS.c.state, CELLS.c.reviewed_type)
    )
    found = {case.id: CaseSummary(case, fields.get(case.id, 0), {}, {}) for case in cases}
    for row in connection.execute(counted):
        summary, state = found[row.case_id], CellState(row.state)
        summary.states[state] = summary.states.get(state, 0) + row.n
        if row.reviewed_type is not None:
            summary.called[row.reviewed_type] = summary.called.get(row.reviewed_type, 0) + row.n
    return list(found.values())


def _amendments(connection: Connection, case_id: str) -> list[Amendment]:
    query = select(AMENDMENTS, PEOPLE.c.name).join(PEOPLE, PEOPLE.c.id == AMENDMENTS.c.person)
    rows = connection.execute(query.where(AMENDMENTS.c.case_id == case_id).order_by(AMENDMENTS.c.number))
    return [
        Amendment(
            row.number, row.at, row.name, row.note,
            tuple((number, CellState(state), called) for number, state, called in row.cells),
        )
        for row in rows
    ]  # fmt: skip


def _amended(cells: list[CaseCell], amendments: list[Amendment]) -> list[CaseCell]:
    said = {
        number: (state, called, amendment.person)
        for amendment in amendments
        for number, state, called in amendment.cells
    }
    return [
        replace(cell, state=said[cell.number][0], reviewed_type=said[cell.number][1], reviewer=said[cell.number][2])
        if cell.number in said
        else cell
        for cell in cells
        if cell.number not in said or said[cell.number][0] is not CellState.REMOVED
    ]
