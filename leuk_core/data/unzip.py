"""Unpacking a zip that a stranger made: every entry is judged before a byte of it is written."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO

from leuk_core.data.cells import LEAVES, Problem, Progress, RefusedCells
from leuk_core.errors import InvalidData
from leuk_core.full_disk import space_for
from leuk_core.settings import settings

NESTED = "archive inside the archive"
LINK = "link"
BOMB = "unpacks to far more than it holds"
DAMAGED = "damaged or protected"
TWICE = "listed twice"

_ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".lz", ".lzma", ".cab", ".jar"}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY = b"PK\x01\x02"  # with which each line of an archive's list begins
_LEFT_BEHIND = {"__macosx", "thumbs.db", "desktop.ini"}
_SMALL = 1_000_000  # bytes under which no entry is worth calling a bomb
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack a chunk whole, however much it holds
_LONGEST_NAME = 512
_MOST_PARTS = 32
_AT_ONCE = 1_000_000


def unzip(source: Path | IO[bytes], folder: Path, progress: Progress | None = None) -> int:
    """Unpack an archive into an empty folder; whatever it holds stays below that folder.

    Parameters
    ----------
    source : Path or binary file
        The zip.
    folder : Path
        Where it goes; made if it isn't there.
    progress : callable or None
        Called with (done, total, words).

    Returns
    -------
    int
        Number of files written. Hidden files and what systems leave behind are not.

    Raises
    ------
    RefusedCells
        With a row for each entry that is absolute, climbs out, is a link, an archive, a bomb, damaged, protected, or
        packed by another method than deflate.
    InvalidData
        If it is no zip, holds too many files or bytes (`max_set_files`, `max_set_gb`, `max_zip_ratio` in the settings),
        or there is no space for it.

    Notes
    -----
    What was written before a fault showed is left for the caller to delete.
    """
    try:
        with space_for("this archive"), _opened(source) as file:
            _check_listed(file)
            archive = zipfile.ZipFile(file)
            wanted = _judged(archive)
            for done, (entry, name) in enumerate(wanted, start=1):
                _write(archive, entry, folder / name)
                if progress is not None:
                    progress(done, len(wanted), "unpacking")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise InvalidData(f"This file is not a zip that can be read to its end. Received: {error}") from error
    except OSError as error:
        raise InvalidData(f"This archive cannot be unpacked. Received: {error.strerror or error}") from error
    return len(wanted)


@contextlib.contextmanager
def _opened(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(source, Path):
        yield source
        return
    with source.open("rb") as file:
        yield file


def _check_listed(file: IO[bytes]) -> None:
    """Refuse an archive that lists too many files, before the list is read into memory and whatever it says of itself.

    Nothing is parsed: the signs with which an entry of the list begins are counted in the whole file.
    """
    limit = settings().max_set_files
    count, last = 0, b""
    file.seek(0)
    while count <= limit and (chunk := file.read(_AT_ONCE)):
        count += (last + chunk).count(_ENTRY)
        last = chunk[1 - len(_ENTRY) :]
    if count > limit:
        raise _too_many(f"{count:,} or more")


def _too_many(received: str) -> InvalidData:
    limit = settings().max_set_files
    return InvalidData(f"An archive may hold at most {limit:,} files (LEUK_MAX_SET_FILES). Received: {received}")


def _judged(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Return the files to write, each with its place; refuse the archive where anything is wrong with any entry."""
    entries = archive.infolist()
    limits = settings()
    if len(entries) > limits.max_set_files:
        raise _too_many(f"{len(entries):,}")
    total, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if total > limits.max_set_gb * 1e9:
        raise InvalidData(
            f"An archive may unpack to at most {limits.max_set_gb:g} GB (LEUK_MAX_SET_GB). "
            f"Received: {total / 1e9:.1f} GB"
        )
    rows: list[Problem] = []
    wanted = []
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        fault = _fault(entry, name)
        if fault is not None:
            rows.append(Problem(entry.filename[:200], *fault))
        elif not entry.is_dir() and not _left_behind(name):
            wanted.append((entry, name))
    rows += _in_each_others_way([name for _, name in wanted])
    if not rows and total > max(_SMALL, packed * limits.max_zip_ratio):
        rows.append(Problem("the archive", BOMB, f"{total:,} bytes from {packed:,}"))
    if rows:
        raise RefusedCells("The archive", rows)
    return wanted


def _fault(entry: zipfile.ZipInfo, name: PurePosixPath) -> tuple[str, str] | None:
    if fault := _name_fault(entry.orig_filename, name):
        return LEAVES, fault
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return LINK, "a link or device, expected files and folders only"
    if name.suffix.casefold() in _ARCHIVES:
        return NESTED, "unpack it first, or import it by itself"
    if entry.flag_bits & 0x1:
        return DAMAGED, "it is protected by a password"
    if entry.compress_type not in _READ:
        return DAMAGED, f"packed by method {entry.compress_type}: pack it again as an ordinary zip (deflate)"
    limit = settings().max_zip_ratio
    if entry.file_size > max(_SMALL, entry.compress_size * limit):
        return BOMB, f"{entry.file_size:,} bytes from {entry.compress_size:,}, at most {limit:g} times as many"
    return None


def _name_fault(written: str, name: PurePosixPath) -> str | None:
    if not name.parts or any(ord(character) < 32 for character in written):
        return f"not a name of a file: {written[:80]!r}"
    if len(written) > _LONGEST_NAME or len(name.parts) > _MOST_PARTS:
        return f"a name of {len(written):,} characters in {len(name.parts):,} parts: {written[:80]!r}"
    if name.is_absolute() or re.match(r"[A-Za-z]:", str(name)) or ".." in name.parts:
        return "expected a path inside the archive"
    return None


def _in_each_others_way(names: list[PurePosixPath]) -> list[Problem]:
    """Return a row for each name that another one would overwrite, also where case does not count."""
    counts = Counter(str(name).casefold() for name in names)
    rows = [Problem(name, TWICE, f"{count} entries of this name") for name, count in counts.items() if count > 1]
    ordered = sorted(name.replace("/", "\0") for name in counts)  # what is in a folder then follows it at once
    rows += [
        Problem(name.replace("\0", "/"), TWICE, "both a file and a folder")
        for name, following in pairwise(ordered)
        if following.startswith(f"{name}\0")
    ]
    return rows


def _left_behind(name: PurePosixPath) -> bool:
    return any(part.startswith(".") or part.casefold() in _LEFT_BEHIND for part in name.parts)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(entry) as packed, path.open("xb") as file:
            head = packed.read(4)
            if head in _ZIP:
                raise RefusedCells("The archive", [Problem(entry.filename, NESTED, "a zip under another name")])
            file.write(head)
            shutil.copyfileobj(packed, file, _AT_ONCE)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise RefusedCells("The archive", [Problem(entry.filename, DAMAGED, str(error))]) from error
