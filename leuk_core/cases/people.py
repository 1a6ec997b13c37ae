"""Who acts: a typed name becomes an id, so that what is kept for ever holds no name."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from leuk_core.cases.schema import PEOPLE
from leuk_core.errors import InvalidParameter

LONGEST_NAME = 100


def person_of(connection: Connection, name: str) -> str:
    """Return the id of a person, who is added where the name is new.

    Raises
    ------
    InvalidParameter
        If there is no name, or it is too long or not printable.
    """
    kept = line("by", name, LONGEST_NAME)
    if not kept:
        raise InvalidParameter("`by` must name the person who acts. Received: an empty name")
    added = {"id": f"p-{secrets.token_hex(5)}", "name": kept, "added": datetime.now(UTC)}
    add_unless_there(connection, PEOPLE, added)
    return str(connection.execute(select(PEOPLE.c.id).where(PEOPLE.c.name == kept)).scalar_one())


def add_unless_there(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Add a row unless one that must be unique is there already."""
    add = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(add(table).values(row).on_conflict_do_nothing())


def line(what: str, given: str, longest: int) -> str:
    """Return one line of text without blanks around it.

    Raises
    ------
    InvalidParameter
        If it is longer than allowed or holds something that can't be printed.

    Examples
    --------
    >>> line("stain", " May-Grünwald  Giemsa ", 100)
    'May-Grünwald Giemsa'
    """
    kept = " ".join(given.split())
    if len(kept) > longest or not kept.isprintable():
        raise InvalidParameter(f"`{what}` must be one line of at most {longest} characters. Received: {given[:120]!r}")
    return kept
