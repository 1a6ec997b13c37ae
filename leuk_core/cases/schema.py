"""Tables of cases, and the steps that made them. Rows of a case are numbered within it; its own row hands them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from leuk_core import database
from leuk_core.database import Utc
from leuk_core.migrations import migrate

_TABLES = MetaData()

PEOPLE = Table(
    "people",
    _TABLES,
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("added", Utc, nullable=False),
)
"""Who has ever acted, by the name that they typed; the trail knows them by id alone."""

OWN_CLASSES = Table(
    "own_classes",
    _TABLES,
    Column("code", String(32), primary_key=True),
    Column("name", String(60), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("folded", String(60), nullable=False),
)
"""Classes of cells that people added; the trail knows them by code alone."""

CASES = Table(
    "cases",
    _TABLES,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("specimen", String(16), nullable=False),
    Column("stain", String(100), nullable=False),
    Column("microscope", String(100), nullable=False),
    Column("microns_per_pixel", Double),
    Column("state", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("last_field", Integer, nullable=False),
    Column("last_cell", Integer, nullable=False),
    Column("created", Utc, nullable=False),
    Column("changed", Utc, nullable=False),
    Column("created_by", String(16), nullable=False),
    Column("confirmed", Utc),
    Column("confirmed_by", String(16)),
    Column("content_sha256", String(64)),
)
"""`revision` counts the actions; `content_sha256` is what was confirmed."""

FIELDS = Table(
    "case_fields",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("pixels_sha256", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("microns_per_pixel", Double),
    Column("scale_source", String(32), nullable=False),
    Column("removed", Boolean, nullable=False),
)

CELLS = Table(
    "case_cells",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("field", Integer, nullable=False),
    Column("x0", Double, nullable=False),
    Column("y0", Double, nullable=False),
    Column("x1", Double, nullable=False),
    Column("y1", Double, nullable=False),
    Column("found_by", String(16), nullable=False),
    Column("detector", String(128), nullable=False),
    Column("score", Double),
    Column("touching_edge", Boolean, nullable=False),
    Column("machine_type", String(32)),
    Column("probabilities", JSON, nullable=False),
    Column("doubts", JSON, nullable=False),
    Column("model", String(128), nullable=False),
    Column("recipe_hash", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reviewed_type", String(32)),
    Column("reviewer", String(16)),
    Column("version", Integer, nullable=False),
)
"""`version` is the number of the last action that changed the row."""

ACTIONS = Table(
    "case_actions",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("person", String(16), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("undoes", Integer),
)
"""Only ever added to; the number is the case's revision that it made."""

CHANGES = Table(
    "case_changes",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("action", Integer, primary_key=True),
    Column("what", String(8), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("before", JSON),
    Column("after", JSON),
)
"""What an action did to a cell, a field or the case's own facts; only ever added to."""

AMENDMENTS = Table(
    "case_amendments",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("person", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("cells", JSON, nullable=False),
)
"""What was said about a case after it was confirmed: `cells` holds cell number, state and class."""

READINGS = Table(
    "case_readings",
    _TABLES,
    Column("case_id", String(16), primary_key=True),
    Column("person", String(16), primary_key=True),
    Column("cell", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("called", String(32), nullable=False),
)
"""What second readers call cells: a class code, "unidentified" or "not-counted"."""

TRAIL = Table(
    "trail",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("action", String(24), nullable=False),
    Column("person", String(16), nullable=False),
    Column("case_id", String(16), nullable=False),
    Column("codes", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

TRAIL_HEAD = Table(
    "trail_head",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
)
"""One row: the last number and hash. Who changes it holds every other writer of the trail off."""


_FIRST = """
CREATE TABLE people (
    id VARCHAR(16) PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, added TIMESTAMP NOT NULL
);
CREATE TABLE own_classes (
    code VARCHAR(32) PRIMARY KEY, name VARCHAR(60) NOT NULL, kind VARCHAR(20) NOT NULL,
    folded VARCHAR(60) NOT NULL UNIQUE
);
CREATE TABLE cases (
    id VARCHAR(16) PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE, specimen VARCHAR(16) NOT NULL,
    stain VARCHAR(100) NOT NULL, microscope VARCHAR(100) NOT NULL, microns_per_pixel DOUBLE PRECISION,
    state VARCHAR(16) NOT NULL, revision INTEGER NOT NULL, last_field INTEGER NOT NULL, last_cell INTEGER NOT NULL,
    created TIMESTAMP NOT NULL, changed TIMESTAMP NOT NULL, created_by VARCHAR(16) NOT NULL REFERENCES people (id),
    confirmed TIMESTAMP, confirmed_by VARCHAR(16) REFERENCES people (id), content_sha256 VARCHAR(64)
);
CREATE INDEX cases_changed ON cases (changed);
CREATE TABLE case_fields (
    case_id VARCHAR(16) NOT NULL REFERENCES cases (id), number INTEGER NOT NULL, pixels_sha256 VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, microns_per_pixel DOUBLE PRECISION,
    scale_source VARCHAR(32) NOT NULL, removed BOOLEAN NOT NULL,
    PRIMARY KEY (case_id, number), UNIQUE (case_id, pixels_sha256)
);
CREATE INDEX case_fields_pixels ON case_fields (pixels_sha256);
CREATE TABLE case_cells (
    case_id VARCHAR(16) NOT NULL, number INTEGER NOT NULL, field INTEGER NOT NULL,
    x0 DOUBLE PRECISION NOT NULL, y0 DOUBLE PRECISION NOT NULL,
    x1 DOUBLE PRECISION NOT NULL, y1 DOUBLE PRECISION NOT NULL,
    found_by VARCHAR(16) NOT NULL, detector VARCHAR(128) NOT NULL, score DOUBLE PRECISION,
    touching_edge BOOLEAN NOT NULL, machine_type VARCHAR(32), probabilities JSON NOT NULL, doubts JSON NOT NULL,
    model VARCHAR(128) NOT NULL, recipe_hash VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL,
    reviewed_type VARCHAR(32), reviewer VARCHAR(16) REFERENCES people (id), version INTEGER NOT NULL,
    PRIMARY KEY (case_id, number), FOREIGN KEY (case_id, field) REFERENCES case_fields (case_id, number)
);
CREATE INDEX case_cells_state ON case_cells (case_id, state, field);
CREATE TABLE case_actions (
    case_id VARCHAR(16) NOT NULL REFERENCES cases (id), number INTEGER NOT NULL, at TIMESTAMP NOT NULL,
    person VARCHAR(16) NOT NULL REFERENCES people (id), kind VARCHAR(24) NOT NULL, undoes INTEGER,
    PRIMARY KEY (case_id, number), UNIQUE (case_id, undoes)
);
CREATE TABLE case_changes (
    case_id VARCHAR(16) NOT NULL, action INTEGER NOT NULL, what VARCHAR(8) NOT NULL, number INTEGER NOT NULL,
    before JSON, after JSON, PRIMARY KEY (case_id, action, what, number),
    FOREIGN KEY (case_id, action) REFERENCES case_actions (case_id, number)
);
CREATE TABLE case_amendments (
    case_id VARCHAR(16) NOT NULL REFERENCES cases (id), number INTEGER NOT NULL, at TIMESTAMP NOT NULL,
    person VARCHAR(16) NOT NULL REFERENCES people (id), note TEXT NOT NULL, cells JSON NOT NULL,
    PRIMARY KEY (case_id, number)
);
CREATE TABLE trail (
    number INTEGER PRIMARY KEY, at VARCHAR(32) NOT NULL, action VARCHAR(24) NOT NULL, person VARCHAR(16) NOT NULL,
    case_id VARCHAR(16) NOT NULL, codes TEXT NOT NULL, previous VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL
);
CREATE INDEX trail_case ON trail (case_id);
CREATE TABLE trail_head (number INTEGER PRIMARY KEY, hash VARCHAR(64) NOT NULL);
INSERT INTO trail_head (number, hash) VALUES (0, '')
"""

_SECOND = """
CREATE TABLE case_readings (
    case_id VARCHAR(16) NOT NULL, person VARCHAR(16) NOT NULL REFERENCES people (id), cell INTEGER NOT NULL,
    at TIMESTAMP NOT NULL, called VARCHAR(32) NOT NULL, PRIMARY KEY (case_id, person, cell),
    FOREIGN KEY (case_id, cell) REFERENCES case_cells (case_id, number)
)
"""


def _first(connection: Connection) -> None:
    for statement in _FIRST.split(";"):
        connection.execute(text(statement))


def _second(connection: Connection) -> None:
    connection.execute(text(_SECOND))


STEPS = (_first, _second)
"""Migrations of these tables, in order."""


@contextmanager
def transaction() -> Iterator[Connection]:
    """Give a connection to a database that has these tables; what it changes is kept all together, or not at all.

    Write first where a change depends on what was read: see `leuk_core.database.transaction`.

    Raises
    ------
    DatabaseUnavailable
        If the database can't be used.
    """
    migrate("cases", STEPS)
    with database.transaction() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous=FULL")  # what is answered as done outlives a power cut too
        yield connection
