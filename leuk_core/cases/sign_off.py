"""Confirm a case, which freezes it; add amendments to a confirmed one; check that it still is what was confirmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from leuk_core.cases.acting import Act, acting
from leuk_core.cases.classes import require_class
from leuk_core.cases.pictures import load_picture
from leuk_core.cases.read import case_in
from leuk_core.cases.records import CALLED, Amendment, Case, CaseState, CellState, Change, ChangedMeanwhile
from leuk_core.cases.schema import AMENDMENTS, CASES, CELLS, FIELDS, TRAIL, transaction
from leuk_core.errors import InvalidParameter, LeukError

LONGEST_NOTE = 2000
_AMENDED_TO = (*CALLED, CellState.UNIDENTIFIED, CellState.NOT_COUNTED, CellState.REMOVED)


def confirm_case(seen: Case, by: str, *, accept_unidentified: bool = False) -> Case:
    """Confirm a case as it was seen; from then on it is never edited.

    Parameters
    ----------
    seen : Case
        As the person has looked at it.
    by : str
        Name of the person who confirms.
    accept_unidentified : bool
        Whether cells may stay unidentified.

    Raises
    ------
    InvalidParameter
        If there are no cells, some are open, or some are unidentified and that isn't accepted.
    ChangedMeanwhile
        If anything was done in the case since; nothing was confirmed then.
    CaseConfirmed
        If it is confirmed already.
    """
    with acting(seen.id, by, "confirm-case") as act:
        if act.number != seen.revision + 1:
            raise ChangedMeanwhile(
                "Nothing was confirmed: the case was changed meanwhile. Look at it as it is now, then repeat. "
                f"Received: {seen.name} at revision {seen.revision}, it is at {act.number - 1}"
            )
        _require_reviewed(act, accept_unidentified=accept_unidentified)
        content = _content_sha256(act.connection, seen.id)
        act.connection.execute(
            update(CASES)
            .where(CASES.c.id == seen.id)
            .values(state=CaseState.CONFIRMED, confirmed=act.at, confirmed_by=act.person, content_sha256=content)
        )
        act.changes.append(Change("case", 0, {"state": CaseState.REVIEWED}, {"state": CaseState.CONFIRMED}))
        act.codes = {"content": content, "cells": {_code(state): n for state, n in act.counts().items()}}
    with transaction() as connection:
        return case_in(connection, seen.id)


def amend_case(seen: Case, by: str, note: str, cells: Mapping[int, tuple[CellState, str | None]] | None = None) -> Case:
    """Add to a confirmed case what was found later; what was confirmed stays as it is.

    Parameters
    ----------
    seen : Case
        As the person has looked at it.
    by : str
        Name of the person.
    note : str
        What was found, and why; at most 2,000 characters. It is deleted with the case and never part of the trail.
    cells : mapping of int to (CellState, str or None), or None
        New state and class code of cells, by number.

    Raises
    ------
    InvalidParameter
        If there is no note, a cell doesn't exist or can't be so, or the case isn't confirmed.
    ChangedMeanwhile
        If somebody else has amended it since it was seen.
    """
    if not note.strip() or len(note) > LONGEST_NOTE or "\0" in note:  # PostgreSQL keeps no NUL
        raise InvalidParameter(
            f"`note` must say what was found, in at most {LONGEST_NOTE:,} characters of text. "
            f"Received: {len(note)} characters"
        )
    said = dict(cells or {})
    with acting(seen.id, by, "amend", confirmed=True) as act:
        if act.number != seen.revision + 1:
            raise ChangedMeanwhile(
                "Nothing was added: the case was amended meanwhile. Look at it as it is now, then repeat. "
                f"Received: {seen.name} at revision {seen.revision}, it is at {act.number - 1}"
            )
        known = set(act.connection.execute(select(CELLS.c.number).where(CELLS.c.case_id == seen.id)).scalars())
        for number, (state, called) in said.items():
            if number not in known or state not in _AMENDED_TO or (state in CALLED) != (called is not None):
                raise InvalidParameter(
                    "`cells` must give cells of this case a state and, where that is confirmed or reclassified, a "
                    f"class. Received: cell {number}, {state}, {called}"
                )
            if called is not None:
                require_class(act.connection, called)
        before = select(func.count()).where(AMENDMENTS.c.case_id == seen.id)
        number = act.connection.execute(before).scalar_one() + 1
        rows = [[cell, str(state), called] for cell, (state, called) in sorted(said.items())]
        row = {"case_id": seen.id, "number": number, "at": act.at, "person": act.person, "note": note, "cells": rows}
        act.connection.execute(insert(AMENDMENTS).values(row))
        told = [[cell, called or _code(state)] for cell, (state, called) in sorted(said.items())]
        act.codes = {"amendment": number, "cells": told}
    with transaction() as connection:
        return case_in(connection, seen.id)


def check_case(case_id: str, *, pictures: bool = True) -> list[str]:
    """Say in what a confirmed case differs from what was confirmed; nothing where it is the same.

    Parameters
    ----------
    case_id : str
        The case.
    pictures : bool
        Whether each picture is read and compared too.

    Raises
    ------
    InvalidParameter
        If there is no such case, or it isn't confirmed.
    """
    with transaction() as connection:
        case = case_in(connection, case_id)
        if case.state is not CaseState.CONFIRMED:
            raise InvalidParameter(f"Only confirmed cases can be checked. Received: {case.name}, which is {case.state}")
        now = _content_sha256(connection, case_id)
        row = TRAIL.c.case_id == case_id, TRAIL.c.action == "confirm-case"
        told = connection.execute(select(TRAIL.c.codes).where(*row)).scalars().all()
        of_case = FIELDS.c.case_id == case_id, FIELDS.c.removed.is_(False)
        fields = connection.execute(select(FIELDS.c.number, FIELDS.c.pixels_sha256).where(*of_case)).all()
    found = []
    if [json.loads(codes)["content"] for codes in told] != [now]:
        found.append("Fields, cells or what was said of them are not those that were confirmed.")
    for field in fields if pictures else ():
        try:
            load_picture(field.pixels_sha256)
        except LeukError as error:
            found.append(f"Field {field.number}: {error}")
    return found


def is_amended(amendments: list[Amendment]) -> bool:
    """Return whether any amendment changes a cell, and not only adds a note."""
    return any(amendment.cells for amendment in amendments)


def _code(state: CellState) -> str:
    return state.replace(" ", "-")


def _require_reviewed(act: Act, *, accept_unidentified: bool) -> None:
    counts = act.counts()
    if not counts:
        raise InvalidParameter("A case without cells can't be confirmed. Received: 0 cells")
    if still := counts.get(CellState.OPEN, 0):
        raise InvalidParameter(
            "Every cell must be reviewed before the case is confirmed. "
            f"Received: {still} open of {sum(counts.values())}"
        )
    if (unknown := counts.get(CellState.UNIDENTIFIED, 0)) and not accept_unidentified:
        raise InvalidParameter(
            "Unidentified cells must be accepted, or given a class, before the case is confirmed. "
            f"Received: {unknown} unidentified of {sum(counts.values())}"
        )


def _content_sha256(connection: Connection, case_id: str) -> str:
    """Return the hash of what is confirmed: fields, cells, what the machine and the persons said."""
    digest = hashlib.sha256()
    for row in _content(connection, case_id):
        digest.update(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _content(connection: Connection, case_id: str) -> Iterator[list[Any]]:
    case = CASES.c.specimen, CASES.c.stain, CASES.c.microscope, CASES.c.microns_per_pixel
    yield list(connection.execute(select(*case).where(CASES.c.id == case_id)).one())
    for table, left_out in ((FIELDS, {"case_id", "name"}), (CELLS, {"case_id", "version"})):
        told = [column for column in table.columns if column.name not in left_out]
        rows = connection.execute(select(*told).where(table.c.case_id == case_id).order_by(table.c.number))
        yield from (list(row) for row in rows)
