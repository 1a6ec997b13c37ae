"""Cells from elsewhere in the program, copied into a folder with a manifest that tells what is known of each."""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

from leuk_core.data.cells import LabelledCells, Progress
from leuk_core.data.manifest import COLUMNS

MANIFEST = "manifest.csv"
CALLED = "cell"
"""Column of the manifest that holds what a cell was called where it came from."""


def write_cells(cells: LabelledCells, folder: Path, progress: Progress | None = None) -> None:
    """Write the picture of each cell, and a manifest beside them.

    Parameters
    ----------
    cells : LabelledCells
        The cells; numbered in their order.
    folder : Path
        An empty one.
    progress : callable or None
        Called with (done, total, words).

    Raises
    ------
    InvalidData
        If a picture can't be read.
    """
    known = sorted({name for cell in cells for name in cell.extra} - {*COLUMNS, "source", CALLED})
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow([*COLUMNS, "source", CALLED, *known])
        for number, cell in enumerate(cells, start=1):
            path = folder / f"{number:06d}{PurePosixPath(cell.name).suffix.casefold()}"
            path.write_bytes(cell.read())
            facts = (path.name, cell.label, cell.subject or "", cell.split or "", cell.source, cell.name)
            lines.writerow([*facts, *(cell.extra.get(name, "") for name in known)])
            if progress is not None:
                progress(number, len(cells), "copying pictures")
