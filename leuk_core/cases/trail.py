"""The trail: what was done, when and by whom, only ever added to, each row bound to the one before by its hash.

It holds ids and codes alone, so that a case can be deleted while the trail stays whole: the row "delete" is then what
remains of it. A row that was changed, removed or put elsewhere breaks the chain. Whoever writes every row and the head
anew goes unseen; against that stands the mark (`12:ab34...`) that each export carries: `check(known=[mark])`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leuk_core.cases.people import person_of
from leuk_core.cases.schema import TRAIL, TRAIL_HEAD, transaction
from leuk_core.errors import InvalidParameter

_CODE = re.compile(r"[A-Za-z0-9._@:/+-]{0,128}")
_PARTITION = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail.

    Parameters
    ----------
    number : int
        1, 2, 3 and so on, without gaps.
    at : datetime
        UTC.
    action : str
        What was done: "reclassify", "confirm-case", "export", "delete", "promote" and the like.
    person : str
        Id of who did it.
    case_id : str
        Of which case; empty where it is about none.
    codes : dict
        What else is known, in ids, codes and numbers.
    previous, hash : str
        SHA-256 of the row before, and of this one with it.
    """

    number: int
    at: datetime
    action: str
    person: str
    case_id: str
    codes: dict[str, Any]
    previous: str
    hash: str

    @property
    def mark(self) -> str:
        """What an export carries, so that it can be held against the trail later."""
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the trail found: how many rows there are, the last mark, and a sentence for each fault."""

    n: int
    mark: str
    faults: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


def record(connection: Connection, action: str, person: str, case_id: str = "", **codes: Any) -> Entry:
    """Add a row within a transaction that does what it tells of.

    Parameters
    ----------
    connection : Connection
        Of `leuk_core.cases.schema.transaction`.
    action : str
        What was done.
    person : str
        Id by `person_of`.
    case_id : str
        Of which case.
    **codes
        Ids, codes, numbers, and lists and dictionaries of them.

    Raises
    ------
    InvalidParameter
        If something is no id and no code, such as a text with blanks.
    """
    for given in (action, person, case_id):
        _refuse_text(given)
    _refuse_text(codes)
    hold(connection)
    number, previous = connection.execute(select(TRAIL_HEAD.c.number, TRAIL_HEAD.c.hash)).one()
    row: dict[str, Any] = {
        "number": number + 1,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "action": action,
        "person": person,
        "case_id": case_id,
        "codes": json.dumps(codes, sort_keys=True, separators=(",", ":"), allow_nan=False),
        "previous": previous,
    }
    row["hash"] = _hash(row)
    connection.execute(insert(TRAIL).values(row))
    connection.execute(update(TRAIL_HEAD).values(number=row["number"], hash=row["hash"]))
    return _entry(row)


def note(action: str, by: str, **codes: Any) -> Entry:
    """Add a row about something that happens outside the database, such as the promotion of a model.

    Parameters
    ----------
    action : str
        What was done.
    by : str
        Name of the person.
    **codes
        See `record`.
    """
    with transaction() as connection:
        return record(connection, action, person_of(connection, by), **codes)


def hold(connection: Connection) -> None:
    """Let nobody else write the trail, nor add or sweep pictures, until this transaction ends."""
    connection.execute(update(TRAIL_HEAD).values(number=TRAIL_HEAD.c.number))


def entries(case_id: str | None = None, limit: int = 1000) -> list[Entry]:
    """Return the newest rows, newest first; with `case_id` those of one case, even of a deleted one."""
    query = select(TRAIL).order_by(TRAIL.c.number.desc()).limit(limit)
    if case_id is not None:
        query = query.where(TRAIL.c.case_id == case_id)
    with transaction() as connection:
        return [_entry(row._asdict()) for row in connection.execute(query)]


def check(known: Iterable[str] = ()) -> Checked:
    """Look whether every row is what it was and where it was.

    Parameters
    ----------
    known : iterable of str
        Marks that exports carry, such as "12:ab34...", which the trail must still hold.
    """
    awaited = dict(_read_mark(mark) for mark in known)
    found: list[str] = []
    last: dict[str, Any] = {"number": 0, "hash": ""}
    with transaction() as connection:
        while True:
            before = last["number"]
            for row in _rows(connection, before):
                found += _faults(row, last)
                last = row
                if row["number"] in awaited and awaited.pop(row["number"]) != row["hash"]:
                    found.append(f"Row {row['number']} is not the one that an export was made with.")
            head = connection.execute(select(TRAIL_HEAD.c.number, TRAIL_HEAD.c.hash)).one_or_none()
            if head is None or head.number <= last["number"] or last["number"] == before:
                break  # otherwise rows were added meanwhile
    if head is None or (head.number, head.hash) != (last["number"], last["hash"]):
        found.append(f"The trail ends at row {last['number']}, but its head tells of row {head and head.number}.")
    found += [f"Row {number}, which an export was made with, is gone." for number in sorted(awaited)]
    return Checked(last["number"], f"{last['number']}:{last['hash']}", tuple(found))


def _faults(row: dict[str, Any], last: dict[str, Any]) -> Iterator[str]:
    if row["number"] != last["number"] + 1:
        yield f"Between rows {last['number']} and {row['number']} something was removed or put elsewhere."
    if row["previous"] != last["hash"]:
        yield f"Row {row['number']} does not follow the row before it."
    if row["hash"] != _hash(row):
        yield f"Row {row['number']} was changed."


def _rows(connection: Connection, last: int) -> Iterator[dict[str, Any]]:
    """Give every row after one in order, with few of them in memory."""
    while True:
        query = select(TRAIL).where(TRAIL.c.number > last).order_by(TRAIL.c.number).limit(_PARTITION)
        part = connection.execute(query).all()
        if not part:
            return
        for row in part:
            yield row._asdict()
        last = part[-1].number


def _hash(row: dict[str, Any]) -> str:
    told = [row[name] for name in ("number", "at", "action", "person", "case_id", "codes", "previous")]
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row | {"at": datetime.fromisoformat(row["at"]), "codes": json.loads(row["codes"])})


def _read_mark(mark: str) -> tuple[int, str]:
    number, _, digest = mark.partition(":")
    if not number.isdecimal() or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise InvalidParameter(f"`known` must hold marks such as 12:ab34..., as exports carry them. Received: {mark!r}")
    return int(number), digest


def _refuse_text(given: Any) -> None:
    """Refuse what might be words of a person: the trail outlives what it tells of."""
    if isinstance(given, dict):
        for key, value in given.items():
            _refuse_text(key)
            _refuse_text(value)
    elif isinstance(given, list | tuple):
        for value in given:
            _refuse_text(value)
    elif isinstance(given, str):
        if not _CODE.fullmatch(given):
            raise InvalidParameter(f"The trail takes ids and codes, no text. Received: {given[:40]!r}")
    elif not (given is None or isinstance(given, bool | int | float)):
        raise InvalidParameter(f"The trail takes ids, codes and numbers. Received: {type(given).__name__}")
