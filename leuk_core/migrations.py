"""Numbered steps that bring the tables of a room to what the program needs: each is done once, all or none.

A step that was released is never changed: what is needed later is a further step at the end of the room's list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from leuk_core.database import DatabaseUnavailable, Utc, database_url, transaction

Step = Callable[[Connection], None]

MIGRATIONS = Table(
    "migrations",
    MetaData(),
    Column("room", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
)
"""Which steps of which room were done."""


def migrate(room: str, steps: Sequence[Step]) -> None:
    """Do the steps of a room that the present database has not had yet; nothing after the first call for a database.

    Parameters
    ----------
    room : str
        Whose tables these are, such as "cases".
    steps : sequence of callable
        In order; each gets the connection of the one transaction that holds them all.

    Raises
    ------
    DatabaseUnavailable
        If the database can't be used, or a newer version of the program has changed it.
    """
    _migrated(database_url(), room, tuple(steps))


@lru_cache(maxsize=16)
def _migrated(_url: URL, room: str, steps: tuple[Step, ...]) -> None:
    _create_table()
    with transaction() as connection:
        _hold_others_off(connection)
        done = connection.execute(select(func.max(MIGRATIONS.c.number)).where(MIGRATIONS.c.room == room)).scalar() or 0
        if done > len(steps):
            raise DatabaseUnavailable(
                "The database was changed by a newer version of this program: update the program, or restore a backup "
                f"of the data folder. Received: step {done} of {room!r}, this version knows {len(steps)}"
            )
        for number, step in enumerate(steps[done:], start=done + 1):
            step(connection)
            connection.execute(insert(MIGRATIONS).values(room=room, number=number, at=datetime.now(UTC)))


def _create_table() -> None:
    for last in (False, True):
        try:
            with transaction() as connection:
                connection.execute(CreateTable(MIGRATIONS, if_not_exists=True))
        except (DBAPIError, DatabaseUnavailable):  # PostgreSQL: another process has just made it
            if last:
                raise
        else:
            return


def _hold_others_off(connection: Connection) -> None:
    """Let no other process migrate until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE migrations IN EXCLUSIVE MODE"))
    else:
        connection.execute(update(MIGRATIONS).where(MIGRATIONS.c.number < 0).values(number=0))  # SQLite: any write
