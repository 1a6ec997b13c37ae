"""Manifest: a CSV table that lists pictures with label, subject and split."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from leuk_core.data.cells import (
    LEAVES,
    UNREADABLE,
    LabelledCell,
    LabelledCells,
    Problem,
    RefusedCells,
    class_problems,
    name_problems,
    picture_fault,
)
from leuk_core.errors import InvalidData

COLUMNS = ("path", "label", "subject", "split")
SPLITS = ("train", "validation", "test")


def read_manifest(path: str | Path, expected: Sequence[str] | None = None) -> LabelledCells:
    """Read a manifest with the columns `path,label,subject,split`.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8, with commas or semicolons and a header line. `path` is relative to the manifest and stays inside
        its folder; `subject` is taken as written; `split` is train, validation, test or empty. `subject` and `split`
        may be missing (said in `notes`); further columns are kept in `extra` (named in `notes`), and a column `source`
        names where a picture comes from.
    expected : sequence of str, optional
        Class names that must be there, and no others.

    Returns
    -------
    LabelledCells
        In the order of the lines.

    Raises
    ------
    RefusedCells
        With a row for each line or class that cannot be used.
    InvalidData
        If the file is no such table.
    """
    manifest = Path(path)
    root = manifest.resolve().parent
    columns, lines = _read_table(manifest)
    rows: list[Problem] = []
    cells: list[LabelledCell] = []
    listed: dict[str, int] = {}
    for number, line in lines:
        found = _line_problems(line, root)
        name = _posix(line["path"])
        if not found and listed.setdefault(name, number) != number:
            found.append(("listed twice", f"{line['path']}, also in line {listed[name]}"))
        rows += [Problem(f"line {number}", cause, received) for cause, received in found]
        if line["label"] and not any(cause == LEAVES for cause, _ in found):
            cells.append(_cell(line, name, root))  # an unreadable picture still counts with its class
    rows += class_problems([cell.label for cell in cells], expected, manifest.name) + name_problems(cells)
    if rows:
        raise RefusedCells(f"`{manifest.name}`", rows)
    return LabelledCells(cells, root.name, "manifest", _notes(columns))


def _read_table(manifest: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidData(f"A manifest must be a CSV file in UTF-8. Received: {manifest.name}, {error}") from error
    except OSError as error:
        raise InvalidData(f"The manifest cannot be read. Received: {error}") from error
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval="")
    try:
        table = [(reader.line_num, line) for line in reader]
    except csv.Error as error:
        raise InvalidData(f"A manifest must be a CSV file. Received: {manifest.name}, {error}") from error
    columns = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS[:2] if name not in columns]
    if missing or not table:
        raise InvalidData(
            "A manifest needs the columns `path` and `label` and at least one line. "
            f"Received: {manifest.name} with the columns {', '.join(columns) or 'none'} and {len(table)} lines"
        )
    return columns, ((n, {k.strip(): v.strip() for k, v in line.items() if k}) for n, line in table)


def _line_problems(line: dict[str, str], root: Path) -> list[tuple[str, str]]:
    problems = []
    if not line["label"]:
        problems.append(("no label", f"an empty label for {line['path']}"))
    if line.get("split", "") not in ("", *SPLITS):
        problems.append(("unknown split", f"{line['split']!r}, expected {', '.join(SPLITS)} or empty"))
    problems += _path_problems(line["path"], root)
    return problems


def _path_problems(written: str, root: Path) -> list[tuple[str, str]]:
    if not written or "\0" in written:
        return [("no path", "an empty path" if not written else repr(written))]
    relative = PurePosixPath(_posix(written))
    drive = len(written) > 1 and written[1] == ":"
    if relative.is_absolute() or drive or ".." in relative.parts:
        return [(LEAVES, f"{written}, expected a path inside the manifest's folder")]
    if not (root / relative).resolve().is_relative_to(root):
        return [(LEAVES, f"{written}, a link to {(root / relative).resolve()}")]
    fault = picture_fault(root / relative)
    return [] if fault is None else [(UNREADABLE, f"{written}: {fault}")]


def _cell(line: dict[str, str], name: str, root: Path) -> LabelledCell:
    return LabelledCell(
        name=name,
        label=line["label"],
        subject=line.get("subject") or None,
        source=line.get("source") or root.name,
        split=line.get("split") or None,
        path=(root / name).resolve(),
        extra={column: value for column, value in line.items() if column not in COLUMNS},
    )


def _notes(columns: list[str]) -> list[str]:
    missing = [name for name in COLUMNS if name not in columns]
    further = [name for name in columns if name not in COLUMNS and name]
    notes = []
    if missing:
        notes.append(f"the manifest has no column {', '.join(missing)}")
    if further:
        notes.append(f"further columns kept: {', '.join(further)}")
    return notes


def _posix(written: str) -> str:
    return str(PurePosixPath(written.replace("\\", "/")))
