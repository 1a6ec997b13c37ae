"""A copy of everything that an installation keeps, made while it is in use, and the way back.

The database is copied first, as it is at one moment; pictures, versions and sets are written once and never changed,
so that what the copied database speaks of is in the files copied after it. A PostgreSQL is backed up by its own tools.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leuk_core import __version__
from leuk_core.database import database_url
from leuk_core.errors import InvalidData
from leuk_core.private import make_private
from leuk_core.settings import settings

CONTENTS = "backup.json"
DATABASE = "leuk.sqlite"
LEFT_OUT = ("logs", ".cache")
"""Folders of the data folder that no copy needs."""

_UNFINISHED = (".part", ".unfinished", "-wal", "-shm", "-journal")
_TRIES = 3


@dataclass(frozen=True)
class Backup:
    """What a backup holds: when it was made, its files, their bytes, and whether the database is among them."""

    made: str
    files: int
    size: int
    database: bool


def back_up(folder: Path) -> Backup:
    """Copy the data folder into a new folder; what goes on meanwhile is in the copy wholly or not at all.

    Parameters
    ----------
    folder : Path
        Is made; stands only once the copy is complete.

    Raises
    ------
    InvalidData
        If the folder exists, lies within the data folder, or the disk is full.
    """
    source, folder = settings().data_dir.resolve(), folder.resolve()
    if folder.exists() or folder.is_relative_to(source):
        raise InvalidData(f"A backup needs a new folder outside of the data folder. Received: {folder}")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        make_private(unfinished)
        kept = _copied(source, unfinished)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        facts = {"program": __version__, "made": made, "database": DATABASE in kept, "files": kept}
        (unfinished / CONTENTS).write_text(json.dumps(facts, indent=1), "utf-8")
        unfinished.rename(folder)
    except OSError as error:
        raise InvalidData(f"The backup can't be written, and nothing of it is kept. Received: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    size = sum((folder / name).stat().st_size for name in kept)
    return Backup(made, len(kept), size, DATABASE in kept)


def restore(folder: Path, into: Path) -> Backup:
    """Bring a backup back into a new data folder, after every file was found to be what it was.

    Parameters
    ----------
    folder : Path
        Of `back_up`.
    into : Path
        New or empty; LEUK_DATA_DIR then names it.

    Raises
    ------
    InvalidData
        If it is no whole backup, or `into` holds anything.
    """
    try:
        facts = json.loads((folder / CONTENTS).read_text("utf-8"))
        kept: dict[str, str] = dict(facts["files"])
        made, database = str(facts["made"]), bool(facts["database"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidData(f"This is no backup: it has no {CONTENTS}. Received: {folder}") from error
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise InvalidData(f"A backup is restored into a new or empty folder. Received: {into}")
    root = folder.resolve()
    for name, digest in kept.items():
        path = root / name
        if not _plain(root, name) or not path.is_file() or _sha256(path) != digest:
            raise InvalidData(f"A file of the backup is gone or was changed: nothing was restored. Received: {name}")
    try:
        make_private(into)
        for name in kept:
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
    except OSError as error:
        shutil.rmtree(into, ignore_errors=True)
        raise InvalidData(f"The backup can't be restored, and nothing of it is kept. Received: {error}") from error
    return Backup(made, len(kept), sum((into / name).stat().st_size for name in kept), database)


def _plain(root: Path, name: str) -> bool:
    """Return whether a name leads below a folder, without a step back or a link on its way."""
    steps = Path(name)
    if not steps.parts or steps.anchor or ".." in steps.parts or "\0" in name:
        return False
    return (root / name).resolve() == root / name


def _copied(source: Path, target: Path) -> dict[str, str]:
    """Copy database, then files, until the files hold every picture that the copied database needs."""
    kept: dict[str, str] = {}
    for _ in range(_TRIES):
        if database_url().get_backend_name() == "sqlite" and (source / DATABASE).is_file():
            _copy_database(source / DATABASE, target / DATABASE)
            kept[DATABASE] = _sha256(target / DATABASE)
        for path in _files(source):
            name = path.relative_to(source).as_posix()
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile: what a job no longer needs
                shutil.copyfile(path, copy)
                kept[name] = _sha256(copy)
        if not (missing := _missing_pictures(target)):
            return kept
    raise InvalidData(
        f"Pictures of cases are gone from the data folder. Received: {len(missing)}, such as {missing[0]}"
    )


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if inside.parts[0] in LEFT_OUT or path.name == DATABASE or path.name.endswith(_UNFINISHED):
            continue
        if path.is_file() and not path.is_symlink():
            yield path


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file as it is at one moment, while others write to it."""
    target.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(source)) as one,
        contextlib.closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)


def _missing_pictures(target: Path) -> list[str]:
    if not (target / DATABASE).is_file():
        return []
    with contextlib.closing(sqlite3.connect(target / DATABASE)) as connection:
        try:
            needed = [row[0] for row in connection.execute("SELECT DISTINCT pixels_sha256 FROM case_fields")]
        except sqlite3.OperationalError:  # no case was ever made
            return []
    return [name for name in needed if not (target / "pictures" / name[:2] / f"{name}.png").is_file()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
