"""Make a case, change what is known of it, add and take out fields, draw cells, delete a case."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from leuk_core.access import Role, allow
from leuk_core.cases import trail
from leuk_core.cases.acting import Act, acting
from leuk_core.cases.classes import require_class
from leuk_core.cases.people import line, person_of
from leuk_core.cases.pictures import as_png, store_picture, sweep_pictures
from leuk_core.cases.read import case_in, cells_in
from leuk_core.cases.records import (
    AlreadyInCase,
    Box,
    Case,
    CaseCell,
    CaseField,
    CaseState,
    CellState,
    Change,
    ChangedMeanwhile,
    MachineAnswer,
    NewCell,
    Specimen,
    cell_values,
)
from leuk_core.cases.schema import ACTIONS, AMENDMENTS, CASES, CELLS, CHANGES, FIELDS, READINGS, transaction
from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage

_NAME = re.compile(r"\w[\w .:/-]{0,63}")
_DRAWN_FROM = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no 0 and O, 1, I and L


def create_case(
    by: str,
    name: str | None = None,
    *,
    specimen: Specimen = Specimen.BLOOD,
    stain: str = "",
    microscope: str = "",
    microns_per_pixel: float | None = None,
) -> Case:
    """Make an empty case.

    Parameters
    ----------
    by : str
        Name of the person.
    name : str or None
        Pseudonym, 1 to 64 letters, digits, blanks and . : / - _; None draws one.
    specimen : Specimen
        What was smeared.
    stain, microscope : str
        As people write them.
    microns_per_pixel : float or None
        Scale of the microscope's pictures.

    Raises
    ------
    InvalidParameter
        If something is out of its range, or the name is taken.
    """
    given = f"case {''.join(secrets.choice(_DRAWN_FROM) for _ in range(6))}" if name is None else line("name", name, 64)
    now, case_id = datetime.now(UTC), f"c-{secrets.token_hex(6)}"
    facts = _facts(given, specimen, stain, microscope, microns_per_pixel)
    by = allow(Role.REVIEWER, "make cases", by)
    with transaction() as connection:
        person = person_of(connection, by)
        row = {"id": case_id, **facts, "state": CaseState.DRAFT, "revision": 1, "last_field": 0, "last_cell": 0}
        try:
            connection.execute(insert(CASES).values(**row, created=now, changed=now, created_by=person))
        except IntegrityError as error:
            raise _taken(given) from error
        act = Act(connection, case_id, "create", person, 1, now, changes=[Change("case", 0, None, facts)])
        act.codes = {"specimen": str(specimen)}
        act.settle()
        return case_in(connection, case_id)


def describe_case(
    seen: Case,
    by: str,
    *,
    name: str,
    specimen: Specimen,
    stain: str = "",
    microscope: str = "",
    microns_per_pixel: float | None = None,
) -> Case:
    """Change what is known of a case as a whole: all of it as it shall be.

    Raises
    ------
    InvalidParameter
        If something is out of its range, or the name is taken.
    ChangedMeanwhile
        If somebody else described it otherwise since it was `seen`.
    CaseConfirmed
        If it is confirmed.
    """
    facts = _facts(line("name", name, 64), specimen, stain, microscope, microns_per_pixel)
    with acting(seen.id, by, "describe") as act:
        now = case_in(act.connection, seen.id)
        before = _facts(now.name, now.specimen, now.stain, now.microscope, now.microns_per_pixel)
        if before != _facts(seen.name, seen.specimen, seen.stain, seen.microscope, seen.microns_per_pixel):
            raise ChangedMeanwhile(
                "Nothing was done: what is known of this case was changed meanwhile. Look at it as it is now, then "
                f"repeat. Received: {seen.name}, at revision {seen.revision} of {now.revision - 1}"
            )
        try:
            act.connection.execute(update(CASES).where(CASES.c.id == seen.id).values(facts))
        except IntegrityError as error:
            raise _taken(name) from error
        act.changes.append(Change("case", 0, before, facts))
        act.codes = {"specimen": str(specimen)}
    with transaction() as connection:
        return case_in(connection, seen.id)


def add_field(
    case_id: str,
    by: str,
    image: SmearImage,
    cells: Sequence[NewCell] = (),
    *,
    microns_per_pixel: float | None = None,
    scale_source: str = "unknown",
) -> tuple[CaseField, list[CaseCell]]:
    """Add a picture with the cells that were found on it; both are kept, or neither.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the person.
    image : SmearImage
        The decoded picture; its pixels alone are kept.
    cells : sequence of NewCell
        What the detector has found, with the machine's answers.
    microns_per_pixel, scale_source : float or None, str
        The scale that the answers were given with, and where it comes from.

    Raises
    ------
    AlreadyInCase
        If the same pixels are a field of this case.
    CaseConfirmed
        If the case is confirmed.
    """
    png, values = as_png(image), [cell_values(cell) for cell in cells]
    scale = _scale(microns_per_pixel)
    with acting(case_id, by, "add-field") as act:
        same = FIELDS.c.case_id == case_id, FIELDS.c.pixels_sha256 == image.pixels_sha256
        if known := act.connection.execute(select(FIELDS).where(*same)).one_or_none():
            raise AlreadyInCase(
                f"This picture is field {known.number} of the case already"
                f"{', taken out: put it back' if known.removed else ''}. Received: the same pixels again",
                known.number, removed=known.removed,
            )  # fmt: skip
        trail.hold(act.connection)
        store_picture(image.pixels_sha256, png)
        number = _next(act.connection, case_id, "last_field", 1)[0]
        field = CaseField(
            case_id, number, image.pixels_sha256, image.name[-255:], image.width, image.height, scale, scale_source,
            removed=False,
        )  # fmt: skip
        act.connection.execute(
            insert(FIELDS).values({column.name: getattr(field, column.name) for column in FIELDS.columns})
        )
        act.changes.append(Change("field", number, None, {"removed": False}))
        found = _insert_cells(act, number, values, "machine")
        act.codes = {"field": number, "pixels": image.pixels_sha256, "cells": len(found)}
    return field, found


def remove_field(case_id: str, by: str, number: int) -> None:
    """Take a field out, and its cells with it; `restore_field` and `undo` put it back.

    Raises
    ------
    InvalidParameter
        If the case has no such field.
    ChangedMeanwhile
        If somebody else has just done so.
    CaseConfirmed
        If the case is confirmed.
    """
    with acting(case_id, by, "remove-field") as act:
        switch_field(act, number, removed=True)


def restore_field(case_id: str, by: str, number: int) -> None:
    """Put a field back that was taken out; raises as `remove_field` does."""
    with acting(case_id, by, "restore-field") as act:
        switch_field(act, number, removed=False)


def switch_field(act: Act, number: int, *, removed: bool) -> None:
    """Take a field out or put it back within an action."""
    row = FIELDS.c.case_id == act.case_id, FIELDS.c.number == number
    changed = act.connection.execute(
        update(FIELDS).where(*row, FIELDS.c.removed.is_(not removed)).values(removed=removed)
    ).rowcount
    if not changed:
        if act.connection.execute(select(FIELDS.c.number).where(*row)).scalar() is None:
            raise InvalidParameter(f"`number` must be a field of this case. Received: {number}")
        raise ChangedMeanwhile(
            f"Nothing was done: the field is {'taken out' if removed else 'back'} already. Received: field {number}"
        )
    act.changes.append(Change("field", number, {"removed": not removed}, {"removed": removed}))
    act.codes |= {"field": number}


def add_cell(
    case_id: str,
    by: str,
    field: int,
    box: Box,
    answer: MachineAnswer | None = None,
    type: str | None = None,  # noqa: A002
) -> CaseCell:
    """Add a cell that the machine has missed.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the person.
    field : int
        Number of the field.
    box : tuple of float
        As drawn: left, top, right, bottom, in pixels of the field.
    answer : MachineAnswer or None
        What the machine says of this box.
    type : str or None
        Class code, where the person says it at once.

    Raises
    ------
    InvalidParameter
        If there is no such field or class, or the box has no area on the field.
    CaseConfirmed
        If the case is confirmed.
    """  # fmt: skip
    with acting(case_id, by, "add-cell") as act:
        row = FIELDS.c.case_id == case_id, FIELDS.c.number == field, FIELDS.c.removed.is_(False)
        on = act.connection.execute(select(FIELDS).where(*row)).one_or_none()
        if on is None:
            raise InvalidParameter(f"`field` must be a field of this case. Received: {field}")
        x0, y0, x1, y1 = box
        inside = max(0.0, x0), max(0.0, y0), min(float(on.width), x1), min(float(on.height), y1)
        values = cell_values(NewCell(inside, answer or MachineAnswer(), touching_edge=inside != tuple(map(float, box))))
        if type is not None:
            said = answer and (answer.type or answer.likeliest)
            require_class(act.connection, type)
            values |= {
                "state": str(CellState.CONFIRMED if type == said else CellState.RECLASSIFIED),
                "reviewed_type": type, "reviewer": act.person,
            }  # fmt: skip
        (cell,) = _insert_cells(act, field, [values], "person")
        act.codes = {"field": field, "cell": cell.number, "to": type}
    return cell


def delete_case(case_id: str, by: str) -> None:
    """Delete a case for ever, whatever its state: its rows, and the pictures that no other case needs.

    In the trail a row "delete" remains, beside what was done before, in ids and codes.

    Raises
    ------
    InvalidParameter
        If there is no such case.
    NotAllowed
        If the person who is signed in is no administrator.
    """
    by = allow(Role.ADMIN, "delete cases", by)
    with transaction() as connection:
        person = person_of(connection, by)
        row = update(CASES).where(CASES.c.id == case_id).values(revision=CASES.c.revision + 1)
        if not connection.execute(row).rowcount:
            case_in(connection, case_id)  # says why
        for table in (CHANGES, ACTIONS, AMENDMENTS, READINGS, CELLS, FIELDS):
            connection.execute(delete(table).where(table.c.case_id == case_id))
        connection.execute(delete(CASES).where(CASES.c.id == case_id))
        trail.record(connection, "delete", person, case_id)
    sweep_pictures()


def _insert_cells(act: Act, field: int, values: Iterable[dict[str, Any]], found_by: str) -> list[CaseCell]:
    rows = list(values)
    if not rows:
        return []
    numbers = _next(act.connection, act.case_id, "last_cell", len(rows))
    place = {"case_id": act.case_id, "field": field, "found_by": found_by, "version": act.number}
    fresh = {"state": str(CellState.OPEN), "reviewed_type": None, "reviewer": None}
    full = {number: place | fresh | given | {"number": number} for number, given in zip(numbers, rows, strict=True)}
    act.connection.execute(insert(CELLS), list(full.values()))
    act.changes += [Change("cell", number, None, {name: row[name] for name in fresh}) for number, row in full.items()]
    return cells_in(act.connection, act.case_id, CELLS.c.number.between(numbers[0], numbers[-1]))


def _next(connection: Connection, case_id: str, column: str, count: int) -> range:
    """Hand out numbers of fields or cells."""
    row = CASES.c.id == case_id
    connection.execute(update(CASES).where(row).values({column: CASES.c[column] + count}))
    last = connection.execute(select(CASES.c[column]).where(row)).scalar_one()
    return range(last - count + 1, last + 1)


def _facts(
    name: str, specimen: Specimen, stain: str, microscope: str, microns_per_pixel: float | None
) -> dict[str, Any]:  # fmt: skip
    if not _NAME.fullmatch(name):
        raise InvalidParameter(
            "`name` must be a pseudonym of 1 to 64 letters, digits, blanks and . : / - _, beginning with a letter or "
            f"digit. Received: {name!r}"
        )
    if specimen not in tuple(Specimen):
        raise InvalidParameter(f"`specimen` must be one of {', '.join(Specimen)}. Received: {specimen!r}")
    return {
        "name": name, "specimen": str(specimen), "stain": line("stain", stain, 100),
        "microscope": line("microscope", microscope, 100), "microns_per_pixel": _scale(microns_per_pixel),
    }  # fmt: skip


def _scale(microns_per_pixel: float | None) -> float | None:
    if microns_per_pixel is not None and not 0.001 <= microns_per_pixel <= 100:
        raise InvalidParameter(
            f"`microns_per_pixel` must lie between 0.001 and 100 micrometres. Received: {microns_per_pixel}"
        )
    return microns_per_pixel


def _taken(name: str) -> InvalidParameter:
    return InvalidParameter(f"`name` is taken by another case: choose a different one. Received: {name!r}")
