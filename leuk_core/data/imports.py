"""Imported sets: labelled cells of the clinic's own that versions are trained and compared on.

data/sets/<id>/set.json        what it is and where its pictures lie
data/sets/<id>/<name>/         pictures of an unpacked zip or a copy; those of a folder or manifest stay where they are
data/sets/<id>/audit.json, reserved.json   see `imports_audit` and `reserved`
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from leuk_core.access import Role, allow
from leuk_core.data.audit.background import allowed
from leuk_core.data.cells import LabelledCells, Progress
from leuk_core.data.copied import write_cells
from leuk_core.data.layouts import open_cells
from leuk_core.data.unzip import unzip
from leuk_core.errors import InvalidData
from leuk_core.full_disk import space_for
from leuk_core.private import make_private
from leuk_core.settings import settings
from leuk_core.training.run import write_json

ZIP, FOLDER, COPY = "zip", "folder", "copy"
_UNFINISHED = ".unpacking-"
_FORGOTTEN_S = 86_400.0


@dataclass(frozen=True)
class ImportedSet:
    """What is known of an imported set.

    Parameters
    ----------
    id : str
        Name of its folder: name and contents.
    name : str
        For people.
    kind : {"zip", "copy", "folder"}
        Whether its pictures lie in its own folder, unpacked or copied, or elsewhere on the server.
    path : str
        The folder or manifest that is opened; never shown outside this machine.
    layout : str
        How it was recognised, see `leuk_core.data.cells.LabelledCells`.
    sha256 : str
        Identity of its contents: names, classes, subjects and files.
    created : str
        Date and time of the import, UTC.
    images, subjects : dict of str to int
        By class; a subject with cells of two classes counts in both. No subjects where they aren't known.
    notes : tuple of str
        What was noticed while reading.
    """

    id: str
    name: str
    kind: str
    path: str
    layout: str
    sha256: str
    created: str
    images: dict[str, int]
    subjects: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where what is known of it is kept."""
        return sets_dir() / self.id

    @property
    def n(self) -> int:
        """Number of cells."""
        return sum(self.images.values())

    @property
    def subjects_known(self) -> bool:
        """Whether every cell names its subject."""
        return bool(self.subjects)


def sets_dir() -> Path:
    """Return the folder of all imported sets."""
    return settings().data_dir / "sets"


def import_zip(
    source: Path | IO[bytes], name: str, expected: Sequence[str] | None = None, progress: Progress | None = None
) -> ImportedSet:
    """Import a zip: unpack it safely, read it in whichever layout it has, keep it.

    Parameters
    ----------
    source : Path or binary file
        The zip, as uploaded.
    name : str
        For people, such as the name of the file.
    expected : sequence of str or None
        Class names that must be there, and no others.
    progress : callable or None
        Called with (done, total, words).

    Returns
    -------
    ImportedSet
        The one that is kept already where the same cells were imported before.

    Raises
    ------
    RefusedCells
        With a row for each entry or picture that can't be used.
    InvalidData
        If it is no zip, too large, or holds nothing of the kind.
    """
    allow(Role.TRAINER, "bring in labelled cells")
    return _own(name, ZIP, lambda inside: unzip(source, inside, progress), expected, progress)


def import_cells(
    cells: LabelledCells, name: str, expected: Sequence[str] | None = None, progress: Progress | None = None
) -> ImportedSet:
    """Import cells from elsewhere in the program, such as reviewed cases, as they are now: a copy is kept.

    Parameters
    ----------
    cells : LabelledCells
        The cells.
    name : str
        For people.
    expected, progress
        As in `import_zip`.

    Raises
    ------
    RefusedCells
        With a row for each class or picture that can't be used.
    InvalidData
        If there is none, or no space for the copy.
    """
    allow(Role.TRAINER, "bring in labelled cells")
    return _own(name, COPY, lambda inside: write_cells(cells, inside, progress), expected, progress)


def import_folder(path: str, expected: Sequence[str] | None = None, progress: Progress | None = None) -> ImportedSet:
    """Import a folder on this server, or a manifest in it; its pictures stay where they are.

    Parameters
    ----------
    path : str
        Below the folders that may be opened (`LEUK_DATA_ROOTS`).
    expected, progress
        As in `import_zip`.

    Raises
    ------
    RefusedCells
        With a row for each picture or line that can't be used.
    InvalidData
        If it lies elsewhere, or holds nothing of the kind.
    """
    allow(Role.TRAINER, "bring in labelled cells")
    root = allowed(path)
    cells = open_cells(root, expected)
    found = _described(cells, _words(root.parent.name if root.is_file() else root.name), FOLDER, root, progress)
    known = _known(found)
    if known is not None and known.kind != FOLDER:
        return known
    if known is None:
        _require_room()
    found = found if known is None else replace(known, path=found.path)
    with space_for("this set"):
        make_private(settings().data_dir)
        write_json(found.folder / "set.json", asdict(found))
    return found


def import_manifest(path: str, expected: Sequence[str] | None = None, progress: Progress | None = None) -> ImportedSet:
    """Import a manifest on this server; see `import_folder`.

    Raises
    ------
    InvalidData
        If it is no file, or as there.
    """
    allow(Role.TRAINER, "bring in labelled cells")
    if not allowed(path).is_file():
        raise InvalidData(f"A manifest is a file: import a folder as a folder. Received: {path}")
    return import_folder(path, expected, progress)


def list_sets() -> list[ImportedSet]:
    """Return the imported sets, the newest first."""
    found = (_read(path.parent) for path in sets_dir().glob("*/set.json"))
    return sorted((one for one in found if one is not None), key=lambda one: one.created, reverse=True)


def find_set(id: str) -> ImportedSet:  # noqa: A002 - as everywhere in these rooms
    """Return an imported set.

    Raises
    ------
    InvalidData
        If there is none of this id.
    """
    found = _read(sets_dir() / id) if re.fullmatch(r"\w[\w.-]*", id) else None
    if found is None:
        raise InvalidData(f"There is no such imported set: import it again. Received: {id!r}")
    return found


def open_set(id: str, *, unchanged: bool = False) -> LabelledCells:  # noqa: A002
    """Return the cells of an imported set.

    Parameters
    ----------
    id : str
        Of the set.
    unchanged : bool
        Also read every file, and refuse the set where anything is not as it was imported.

    Raises
    ------
    InvalidData
        If there is no such set, or its pictures are gone or were changed.
    """
    found = find_set(id)
    if found.kind == FOLDER and Path(found.path).resolve() != Path(found.path):
        raise InvalidData(
            f"The folder of {found.name} was replaced by a link: import it again. Received: a path that leads elsewhere"
        )
    cells = open_cells(found.path)
    if unchanged and fingerprint(cells) != found.sha256:
        raise InvalidData(
            f"The pictures or labels of {found.name} are not what they were when it was imported: import it again. "
            f"Received: {found.path}"
        )
    return LabelledCells(cells, found.name, cells.layout, cells.notes)


def forget_set(id: str) -> None:  # noqa: A002
    """Delete what is kept of a set, with the pictures of an unpacked zip; which side its subjects are on stays known.

    Raises
    ------
    InvalidData
        If there is no such set.
    """
    allow(Role.TRAINER, "forget sets of cells")
    shutil.rmtree(find_set(id).folder)


def fingerprint(cells: LabelledCells, progress: Progress | None = None) -> str:
    """Return the SHA-256 of a set's contents: names, classes, subjects, further columns and files."""
    digest = hashlib.sha256()
    for done, cell in enumerate(cells, start=1):
        file = hashlib.sha256(cell.read()).hexdigest()
        digest.update(json.dumps([cell.name, cell.label, cell.subject, dict(cell.extra), file]).encode())
        if progress is not None:
            progress(done, len(cells), "reading pictures")
    return digest.hexdigest()


def _own(
    name: str,
    kind: str,
    fill: Callable[[Path], object],
    expected: Sequence[str] | None,
    progress: Progress | None,
) -> ImportedSet:
    """Keep a set of which `fill` writes the pictures; it is there as a whole or not at all."""
    words = _words(name)
    _require_room()
    _sweep()
    unfinished = sets_dir() / f"{_UNFINISHED}{uuid.uuid4().hex}"
    try:
        inside = unfinished / _slug(words)
        with space_for("this set"):
            make_private(settings().data_dir)
            inside.mkdir(parents=True)
            fill(inside)
            found = _described(open_cells(inside, expected), words, kind, inside, progress)
            known = _known(found)
            if known is not None:
                return known
            found = replace(found, path=str(found.folder / inside.name))
            write_json(unfinished / "set.json", asdict(found))
            os.replace(unfinished, found.folder)  # noqa: PTH105 - a set is whole or absent
        return found
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _require_room() -> None:
    if (count := len(list_sets())) >= (limit := settings().max_sets):
        raise InvalidData(
            f"At most {limit:,} sets of cells are kept (LEUK_MAX_SETS): forget one first. Received: {count:,}"
        )


def _described(cells: LabelledCells, name: str, kind: str, path: Path, progress: Progress | None) -> ImportedSet:
    sha256 = fingerprint(cells, progress)
    known = cells.subjects_known
    return ImportedSet(
        id=f"{_slug(name)}-{sha256[:8]}",
        name=name,
        kind=kind,
        path=str(path),
        layout=cells.layout,
        sha256=sha256,
        created=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        images={label: cells.labels.count(label) for label in cells.classes},
        subjects={label: _persons(cells, label) for label in cells.classes} if known else {},
        notes=cells.notes,
    )


def _persons(cells: LabelledCells, label: str) -> int:
    return len({cell.subject for cell in cells if cell.label == label})


def _known(found: ImportedSet) -> ImportedSet | None:
    """Return the set of the same contents that is kept already, whatever its name."""
    return next((one for one in list_sets() if one.sha256 == found.sha256), None)


def _read(folder: Path) -> ImportedSet | None:
    try:
        facts: dict[str, Any] = json.loads((folder / "set.json").read_text("utf-8"))
        if facts["kind"] != FOLDER:  # the whole data folder may have moved
            facts["path"] = str(folder / Path(facts["path"]).name)
        return ImportedSet(**{**facts, "notes": tuple(facts["notes"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _words(name: str) -> str:
    words = " ".join(re.sub(r"\.zip$", "", name, flags=re.IGNORECASE).split())[:100]
    if not words:
        raise InvalidData(f"A set needs a name. Received: {name!r}")
    return words


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:40] or "set"


def _sweep() -> None:
    """Delete what imports left that were killed long ago."""
    for path in sets_dir().glob(f"{_UNFINISHED}*"):
        if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
            shutil.rmtree(path, ignore_errors=True)
