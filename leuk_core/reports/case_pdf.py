"""The report of a case as a PDF of A4 pages: differential, what machine and person said, fields and cells, versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import cv2
import numpy as np

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.access import signature
from leuk_core.cases.classes import CellClass
from leuk_core.cases.counting import CaseCount
from leuk_core.cases.gathered import Gathered
from leuk_core.cases.labelled import field_picture
from leuk_core.cases.records import CaseCell, CaseField, CellState
from leuk_core.cells.differential import FIRST_LINE, TARGETS
from leuk_core.reports.case_gallery import cell_rows
from leuk_core.reports.case_tables import ClassRow, class_rows
from leuk_core.reports.sheet import (
    BLUE,
    EMPTY,
    INK,
    LARGE,
    MARGIN,
    PALE,
    QUIET,
    SIZE,
    SMALL,
    WIDTH,
    Block,
    Canvas,
    fitted,
    pages,
    pdf,
    step,
    warning_foot,
    wrapped,
)

MOST_FIELDS = 8
MOST_CELLS = 240
ROOM = WIDTH - 2 * MARGIN
_COLUMNS = {"name": 0, "machine": 330, "reviewed": 740, "bar": 1210}
_BAR = ROOM - _COLUMNS["bar"]
_FRAME = {True: (37, 105, 155), False: (194, 84, 10)}


def case_pdf(found: Gathered, mark: str) -> bytes:
    """Return the report.

    Parameters
    ----------
    found : Gathered
        The case.
    mark : str
        Of the trail's row that tells of this export.
    """
    title = f"Differential count: {found.case.name}"
    foot = partial(warning_foot, found.case.name, found.at)
    return pdf(list(pages(list(_blocks(found, mark, title)), foot)), title)


def _blocks(found: Gathered, mark: str, title: str) -> Iterator[Block]:
    yield _words(title, size=LARGE, bold=True)
    yield _words(RESEARCH_ONLY, bold=True, after=20)
    yield from (_fact(name, words) for name, words in _facts(found, mark))
    yield _words(FIRST_LINE, bold=True, before=24, after=10)
    if found.confirmed_count is not None:
        yield from _differential("As confirmed", found.confirmed_count, found.classes)
        yield from _differential("As amended", found.count, found.classes)
    else:
        yield from _differential("Differential", found.count, found.classes)
    yield from _changes(found)
    for amendment in found.amendments:
        about = f"Amendment {amendment.number}, {amendment.at:%Y-%m-%d %H:%M} UTC, {amendment.person}"
        cells = f" Cells: {', '.join(str(number) for number, _, _ in amendment.cells)}." if amendment.cells else ""
        yield _words(f"{about}: {amendment.note}{cells}", before=10)
    yield from _fields(found)
    yield from _gallery(found)


def _facts(found: Gathered, mark: str) -> Iterator[tuple[str, str]]:
    case, cells = found.case, found.cells
    yield "specimen", str(case.specimen)
    yield "stain, microscope", ", ".join(filter(None, (case.stain, case.microscope))) or "not said"
    yield "scale", "; ".join(_scales(found.fields))
    yield "cells", f"{len(cells)} on {len(found.fields)} fields; {found.count.n_reviewed} reviewed by a person"
    if case.confirmed:
        state = f"{signature(case.confirmed_by)}, {case.confirmed:%Y-%m-%d %H:%M} UTC"
        amended = f"; {case.amendments} amendments since" if case.amendments else ""
        yield "state", state + amended
    else:
        yield "state", f"{case.state}, not confirmed by anybody"
    yield "reviewed by", ", ".join(sorted({cell.reviewer for cell in cells if cell.reviewer})) or "nobody"
    yield "cells found by", _each(cell.detector for cell in cells if cell.found_by == "machine")
    yield "sorted by", _each(cell.answer.model for cell in cells)
    yield "recipe", _each(cell.answer.recipe_hash for cell in cells)
    yield "program", f"Leukemia smear workbench {__version__}"
    yield "trail", mark


def _scales(fields: Sequence[CaseField]) -> Iterator[str]:
    for source in sorted({field.scale_source for field in fields}):
        known = sorted(
            field.microns_per_pixel for field in fields if field.scale_source == source and field.microns_per_pixel
        )
        ends = dict.fromkeys(f"{scale:.3g}" for scale in (known[:1] + known[-1:]))
        yield f"{' to '.join(ends)} µm per pixel ({source})" if ends else "unknown"


def _each(given: Iterator[str]) -> str:
    return ", ".join(sorted(set(filter(None, given)))) or "nothing"


def _differential(title: str, count: CaseCount, classes: Sequence[CellClass]) -> Iterator[Block]:
    yield _words(title, bold=True, before=14)
    yield _line({"name": "class", "machine": "machine, before review", "reviewed": "person, 95 % interval"}, QUIET)
    for row in class_rows(count, classes):
        yield _class(row)
    open_cells = count.n - count.n_reviewed
    few = count.reviewed.leukocytes < TARGETS[0]
    of = f"{count.reviewed.leukocytes} leukocytes that a person has reviewed"
    notes = [
        f"Exact intervals (Clopper and Pearson) of {of}, without erythroblasts, smudge cells and platelets.",
        f"Fewer than the {TARGETS[0]} leukocytes that a differential is usually given for." if few else "",
        f"{open_cells} cells are not reviewed and in no count of the person." if open_cells else "",
        f"The machine was undecided about {count.machine.undecided} cells.",
        f"{count.drawn} cells were drawn by a person because the machine had missed them." if count.drawn else "",
        count.lines.words if count.lines else "",
    ]
    yield _words(" ".join(filter(None, notes)), size=SMALL, colour=QUIET, before=8, after=8)


def _class(row: ClassRow) -> Block:
    block = _line({"name": row.name, "machine": row.machine, "reviewed": row.words}, INK, bold=row.blast)

    def draw(canvas: Canvas, y: int) -> None:
        block.draw(canvas, y)
        if row.share is None or row.share.value is None:
            return
        left, tall = MARGIN + _COLUMNS["bar"], 16
        canvas.box(left, y + 9, _BAR, tall, EMPTY)
        canvas.box(left, y + 9, round(_BAR * row.share.value), tall, BLUE if row.blast else PALE)
        low, high = (round(_BAR * (end or 0.0)) for end in (row.share.low, row.share.high))
        canvas.box(left + low, y + 15, max(3, high - low), 4, INK)
        for end in (low, high):
            canvas.box(left + min(end, _BAR - 3), y + 8, 3, 18, INK)

    return Block(block.height, draw)


def _changes(found: Gathered) -> Iterator[Block]:
    if not found.count.changes:
        return
    names = found.names
    said = [
        f"{names.get(one.label, one.label)} {one.changed} of {one.reviewed}, {one.share.words(1, percent=True)}"
        for one in found.count.changes
    ]
    yield _words("How often the reviewer changed the machine, by the machine's class", bold=True, before=10)
    yield _words("; ".join(said) + ".", size=SMALL)


def _fields(found: Gathered) -> Iterator[Block]:
    shown = found.fields[:MOST_FIELDS]
    if not shown:
        return
    rest = f", the first {len(shown)} of {len(found.fields)}" if len(shown) < len(found.fields) else ""
    yield _words(f"Fields{rest}", bold=True, before=20)
    yield _words("Frames: blue were found by the machine, orange drawn by a person.", size=SMALL, colour=QUIET)
    side = (ROOM - 20) // 2
    for first in range(0, len(shown), 2):
        yield _pair([(field, _framed(field, found.cells, side)) for field in shown[first : first + 2]], side)


def _framed(field: CaseField, cells: Sequence[CaseCell], side: int) -> np.ndarray:
    shown = fitted(field_picture(field.pixels_sha256).pixels, side).copy()
    factor = shown.shape[1] / field.width
    for cell in cells:
        if cell.field == field.number:
            x0, y0, x1, y1 = (round(value * factor) for value in cell.box)
            cv2.rectangle(shown, (x0, y0), (x1, y1), _FRAME[cell.found_by == "machine"], 2)
    return shown


def _pair(pictures: Sequence[tuple[CaseField, np.ndarray]], side: int) -> Block:
    def draw(canvas: Canvas, y: int) -> None:
        for place, (field, shown) in enumerate(pictures):
            left = MARGIN + place * (side + 20)
            canvas.pixels[y : y + shown.shape[0], left : left + shown.shape[1]] = shown
            words = f"field {field.number}, {field.width} x {field.height} pixels, {field.pixels_sha256[:12]}"
            canvas.text(left, y + shown.shape[0], words, SMALL, colour=QUIET)

    return Block(max(shown.shape[0] for _, shown in pictures) + step(SMALL) + 14, draw)


def _gallery(found: Gathered) -> Iterator[Block]:
    called = [cell for cell in found.cells if cell.state is not CellState.OPEN]
    if not called:
        return
    shown = sorted(called, key=lambda cell: cell.reviewed_type == cell.answer.type)[:MOST_CELLS]
    rest = f", {len(shown)} of {len(called)}, those first that the reviewer changed" if len(shown) < len(called) else ""
    rows = cell_rows(found, shown)
    heading = _joined(
        _words(f"Reviewed cells{rest}", bold=True, before=20),
        _words(
            "Under each its number and, where it differs, what the machine had said (undec.: undecided).",
            size=SMALL, colour=QUIET,
        ),
    )  # fmt: skip
    yield _joined(heading, next(rows))
    yield from rows


def _joined(first: Block, second: Block) -> Block:
    """Return two blocks as one, so that no heading stands alone at the end of a page."""

    def draw(canvas: Canvas, y: int) -> None:
        first.draw(canvas, y)
        second.draw(canvas, y + first.height)

    return Block(first.height + second.height, draw)


def _fact(name: str, words: str) -> Block:
    lines = wrapped(words, ROOM - 320, SMALL)

    def draw(canvas: Canvas, y: int) -> None:
        canvas.text(MARGIN, y, name, SMALL, colour=QUIET)
        for number, line in enumerate(lines):
            canvas.text(MARGIN + 320, y + number * step(SMALL), line, SMALL)

    return Block(len(lines) * step(SMALL), draw)


def _line(cells: dict[str, str], colour: Sequence[int], *, bold: bool = False) -> Block:
    ends = [*list(_COLUMNS.values())[1:], ROOM]
    widths = {name: end - start - 20 for (name, start), end in zip(_COLUMNS.items(), ends, strict=True)}
    lines = {name: wrapped(words, widths[name], SMALL) for name, words in cells.items()}

    def draw(canvas: Canvas, y: int) -> None:
        for name, parts in lines.items():
            for number, part in enumerate(parts):
                canvas.text(MARGIN + _COLUMNS[name], y + number * step(SMALL), part, SMALL, bold=bold, colour=colour)

    return Block(max(len(parts) for parts in lines.values()) * step(SMALL) + 4, draw)


def _words(
    words: str, *, size: int = SIZE, bold: bool = False, colour: Sequence[int] = INK, before: int = 0, after: int = 4
) -> Block:
    lines = wrapped(words, ROOM - (160 if bold else 20), size)  # bold letters are wider than those measured

    def draw(canvas: Canvas, y: int) -> None:
        for number, line in enumerate(lines):
            canvas.text(MARGIN, y + before + number * step(size), line, size, bold=bold, colour=colour)

    return Block(before + len(lines) * step(size) + after, draw)
