"""The cells of a case as pictures, by class: rows of a report, and one PNG file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leuk_core import RESEARCH_ONLY
from leuk_core.cases.gathered import Gathered
from leuk_core.cases.labelled import crop_cell, field_picture
from leuk_core.cases.records import CALLED, CaseCell, CellState
from leuk_core.reports.sheet import (
    DPI,
    LARGE,
    MARGIN,
    QUIET,
    SIZE,
    SMALL,
    WIDTH,
    Block,
    Canvas,
    draw_blocks,
    fitted,
    step,
    warning_foot,
)

MOST_CELLS = 600
SIDE, GAP = 138, 10
IN_ROW = (WIDTH - 2 * MARGIN + GAP) // (SIDE + GAP)


def gallery_png(found: Gathered, mark: str) -> bytes:
    """Return the cells as one picture, by class; "Description" inside the file holds warning and mark.

    Parameters
    ----------
    found : Gathered
        The case; of more than `MOST_CELLS` cells those that the reviewer changed come first.
    mark : str
        Of the trail's row that tells of this export.
    """
    info = PngInfo()
    info.add_itxt("Description", f"{RESEARCH_ONLY} Cells of {found.case.name}, trail {mark}.")
    out = io.BytesIO()
    Image.fromarray(gallery_pixels(found)).save(out, "PNG", dpi=(DPI, DPI), pnginfo=info)
    return out.getvalue()


def gallery_pixels(found: Gathered) -> np.ndarray:
    """Return the sheet with the cells by class, RGB; the warning stands at its head and its foot."""
    chosen = sorted(found.cells, key=lambda cell: cell.shown == cell.answer.type)[:MOST_CELLS]
    blocks = [_head(found, len(chosen)), *cell_rows(found, chosen), warning_foot(found.case.name, found.at, 1, 1)]
    canvas = Canvas(sum(block.height for block in blocks) + 2 * MARGIN)
    draw_blocks(canvas, blocks)
    return canvas.pixels


def cell_rows(found: Gathered, cells: Iterable[CaseCell]) -> Iterator[Block]:
    """Give blocks that show cells by class; under each its number, and what the machine had said otherwise."""
    names = found.names
    kept = list(cells)
    pictures = _cut_out(found, kept)
    ordered = sorted(kept, key=lambda cell: (_group(cell), cell.number))
    for title, group in groupby(ordered, key=_group):
        members = list(group)
        for first in range(0, len(members), IN_ROW):
            head = f"{names.get(title, title)}: {len(members)}" if first == 0 else ""
            yield _row(head, [(cell, pictures[cell.number]) for cell in members[first : first + IN_ROW]], names)


def _cut_out(found: Gathered, cells: Iterable[CaseCell]) -> dict[int, np.ndarray]:
    """Return the picture of each cell by number; field after field, so that each is read once."""
    fields = {field.number: field for field in found.fields}
    cut = {}
    for cell in sorted(cells, key=lambda cell: cell.field):
        field = fields[cell.field]
        pixels = field_picture(field.pixels_sha256).pixels
        cut[cell.number] = fitted(crop_cell(pixels, cell.box, field.microns_per_pixel), SIDE)
    return cut


def _group(cell: CaseCell) -> str:
    if cell.state in CALLED:
        return cell.reviewed_type or ""
    return "not reviewed" if cell.state is CellState.OPEN else str(cell.state)


def _row(head: str, members: Sequence[tuple[CaseCell, np.ndarray]], names: dict[str, str]) -> Block:
    top = step(SIZE) + 6 if head else 0

    def draw(canvas: Canvas, y: int) -> None:
        if head:
            canvas.text(MARGIN, y, head, bold=True)
        for place, (cell, shown) in enumerate(members):
            left = MARGIN + place * (SIDE + GAP)
            canvas.pixels[y + top : y + top + shown.shape[0], left : left + shown.shape[1]] = shown
            said = cell.answer.type
            other = cell.state in CALLED and said != cell.reviewed_type
            was = f" (was {names.get(said, said)[:4]}.)" if said and other else " (undec.)" if other else ""
            canvas.text(left, y + top + SIDE, f"{cell.number}{was}", 16, colour=QUIET)

    return Block(top + SIDE + step(SMALL) + 8, draw)


def _head(found: Gathered, shown: int) -> Block:
    def draw(canvas: Canvas, y: int) -> None:
        canvas.text(MARGIN, y, f"Cells of {found.case.name}", LARGE, bold=True)
        canvas.text(MARGIN, y + step(LARGE), RESEARCH_ONLY, bold=True)
        words = f"{shown} of {len(found.cells)} cells, {found.case.state}; in brackets what the machine had said"
        canvas.text(MARGIN, y + step(LARGE) + step(SIZE), words, SMALL, colour=QUIET)

    return Block(step(LARGE) + step(SIZE) + step(SMALL) + 20, draw)
