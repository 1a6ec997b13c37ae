"""The one database: a SQLite file in the data folder, or what LEUK_DATABASE_URL names (PostgreSQL)."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.schema import CreateTable

from leuk_core.errors import InvalidParameter, LeukError
from leuk_core.private import make_private, make_private_file
from leuk_core.settings import settings

BUSY_S = 20.0
"""A writer waits so long for another one (SQLite)."""

METADATA = MetaData()
"""Every table of the program."""


class DatabaseUnavailable(LeukError):
    """The database can't be reached, read or written at the moment."""


class Utc(TypeDecorator[datetime]):
    """A date and time in UTC, kept without its zone, as every database can."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Drop the zone."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Add it again."""
        return value and value.replace(tzinfo=UTC)


def database_url() -> URL:
    """Return the address of the database.

    Raises
    ------
    InvalidParameter
        If LEUK_DATABASE_URL is not one.
    """
    given = settings().database_url
    if given is None:
        return URL.create("sqlite", database=str(settings().data_dir.absolute() / "leuk.sqlite"))
    try:
        url = make_url(given.get_secret_value())
    except (ArgumentError, ValueError):
        url = None
    if url is None or ("@" in f"{url.host}{url.database}" and url.get_backend_name() != "sqlite"):
        raise InvalidParameter(
            "`LEUK_DATABASE_URL` must read like postgresql://user:password@host/name, with %40 for an @ in the "
            "password, %2F for a /. Received: something else (not repeated here, since it may hold a password)"
        )
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


@contextlib.contextmanager
def transaction() -> Iterator[Connection]:
    """Give a connection whose changes are kept all together, or not at all.

    Write first where a change depends on what was read: SQLite then holds other writers off.

    Raises
    ------
    DatabaseUnavailable
        If the database can't be used.
    """
    with _said():
        engine = _engine(database_url())
        _tables_exist(engine, len(METADATA.tables))
        with engine.begin() as connection:
            yield connection


@lru_cache(maxsize=2)
def _engine(url: URL) -> Engine:
    """Return the engine of a database; `_engine.cache_clear()` forgets it."""
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        make_private(settings().data_dir)
        if settings().database_url is None:
            with contextlib.suppress(OSError):  # SQLite then says what is wrong
                make_private_file(Path(url.database))
    try:
        engine = create_engine(url, pool_pre_ping=not sqlite, connect_args={"timeout": BUSY_S} if sqlite else {})
    except (ImportError, NoSuchModuleError) as error:
        raise InvalidParameter(
            f"The driver of this database is not installed; for PostgreSQL: .venv/bin/pip install 'psycopg[binary]'. "
            f"Received: {_shown(url)} ({error})"
        ) from error
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


@lru_cache(maxsize=4)
def _tables_exist(engine: Engine, known: int) -> None:  # noqa: ARG001 - a room that is entered later brings its tables
    """Create the tables that are missing, once for each number of tables that this process knows of."""
    _create_tables(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Let readers and one writer work side by side."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _create_tables(engine: Engine) -> None:
    """Create the tables that are missing; another process may be doing the same."""
    for table in METADATA.sorted_tables:
        for last in (False, True):
            try:
                with engine.begin() as connection:
                    connection.execute(CreateTable(table, if_not_exists=True))
                break
            except DBAPIError:
                if last:
                    raise


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """Say what a database refuses in one sentence."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        reason = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        url = database_url()
        for secret in filter(None, (url.password, url.query.get("password"), url.query.get("sslpassword"))):
            reason = reason.replace(str(secret), "***")
        raise DatabaseUnavailable(
            f"The database can't be used now; nothing was changed. Received: {reason} ({_shown(url)})"
        ) from error


def _shown(url: URL) -> str:
    """Return an address without its password, and without options, among which another password may be."""
    return url.set(query={}).render_as_string(hide_password=True)
