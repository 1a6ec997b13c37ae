"""What all models say about one cell as a sheet of paper: PNG and PDF, with versions, hash and time on it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leuk_core import RESEARCH_ONLY
from leuk_core.reports.sheet import (
    BLUE,
    DPI,
    EMPTY,
    INK,
    LARGE,
    MARGIN,
    PALE,
    QUIET,
    RULE,
    SIZE,
    SMALL,
    WIDTH,
    Block,
    Canvas,
    draw_blocks,
    fitted,
    pages,
    pdf,
    step,
    warning_foot,
    wrapped,
)

PICTURE = 420
MAP = 230
TITLE = "All models on one cell"
FEW_PARTS = 4  # three classes and "undecided"
COLUMNS = {"name": 0, "label": 370, "meter": 545, "doubts": 930}


@dataclass(frozen=True)
class Line:
    """One model's answer, or the ensemble's.

    Parameters
    ----------
    title : str
        The model's name for people.
    ref : str
        What stands small under it, such as model and version; may be empty.
    label : str
        Short name of the class, "undecided", or why there is no answer.
    probability : float or None
        Calibrated, of the class that the sheet follows.
    said : str
        The probability as people read it.
    decided : bool
        Whether there is a label.
    doubts : tuple of str
        Reasons for doubt, and what must stay beside each answer of this model.
    milliseconds : float or None
        Time to the answer; None for the ensemble.
    heat : ndarray of shape (height, width, 3), uint8, or None
        The cell with its heat map.
    caption : str
        What stands under the map.
    """

    title: str
    ref: str
    label: str
    probability: float | None
    said: str
    decided: bool
    doubts: tuple[str, ...] = ()
    milliseconds: float | None = None
    heat: np.ndarray | None = None
    caption: str = ""


@dataclass(frozen=True)
class ComparisonSheet:
    """Everything on the sheet. It holds no file name: a picture is called by its number.

    Parameters
    ----------
    number : int
        "Picture 3" of the session.
    picture : ndarray of shape (height, width, 3), uint8
        The cell.
    facts : tuple of (str, str)
        Name and value: hash of the picture, scale, set that the probabilities hold for, and the like.
    followed : str
        Whose probability the bars show, and in which set.
    counts : tuple of (str, int)
        Label and how many models give it.
    left_out : str
        Which models are not counted; empty where all are.
    common : tuple of str
        Doubts that every model has.
    lines : tuple of Line
        One a model, in the order of the page.
    together : Line or None
        The ensemble.
    evidence : str
        What the ensemble reached out of fold, or why that is not known.
    at : datetime
        When the sheet was made.
    """

    number: int
    picture: np.ndarray
    facts: tuple[tuple[str, str], ...]
    followed: str
    counts: tuple[tuple[str, int], ...]
    left_out: str
    common: tuple[str, ...]
    lines: tuple[Line, ...]
    together: Line | None
    evidence: str
    at: datetime


def to_png(sheet: ComparisonSheet) -> bytes:
    """Return the sheet as one picture, as long as it needs to be; "Description" inside the file holds the warning."""
    blocks = [*_blocks(sheet), _foot(sheet, 1, 1)]
    canvas = Canvas(sum(block.height for block in blocks) + 2 * MARGIN)
    draw_blocks(canvas, blocks)
    info = PngInfo()
    info.add_itxt("Description", f"{RESEARCH_ONLY} {TITLE}, picture {sheet.number}.")
    out = io.BytesIO()
    Image.fromarray(canvas.pixels).save(out, "PNG", dpi=(DPI, DPI), pnginfo=info)
    return out.getvalue()


def to_pdf(sheet: ComparisonSheet) -> bytes:
    """Return the sheet as a PDF of A4 pages; each carries the warning. Text is drawn, so it can't be searched."""
    title = f"{TITLE}, picture {sheet.number}"
    return pdf(list(pages(list(_blocks(sheet)), partial(_foot, sheet))), title)


def _blocks(sheet: ComparisonSheet) -> Iterator[Block]:
    yield _head(sheet)
    yield _agreement(sheet)
    if sheet.together is not None:
        yield _model(sheet.together, sheet.evidence, apart=True)
    yield _columns(sheet)
    for line in sheet.lines:
        yield _model(line)


def _head(sheet: ComparisonSheet) -> Block:
    shown = fitted(sheet.picture, PICTURE)
    left, width = MARGIN + PICTURE + 50, WIDTH - 2 * MARGIN - PICTURE - 50
    facts = [(name, wrapped(value, width - 270, SMALL)) for name, value in sheet.facts]
    height = sum(len(lines) for _, lines in facts) * step(SMALL)
    top = step(LARGE) + step(SIZE) + 20

    def draw(canvas: Canvas, y: int) -> None:
        canvas.text(MARGIN, y, f"{TITLE}: picture {sheet.number}", LARGE, bold=True)
        canvas.text(MARGIN, y + step(LARGE), RESEARCH_ONLY, bold=True)
        y += top
        canvas.picture(MARGIN, y, shown, PICTURE)
        for name, lines in facts:
            canvas.text(left, y, name, SMALL, colour=QUIET)
            for line in lines:
                canvas.text(left + 270, y, line, SMALL)
                y += step(SMALL)

    return Block(top + max(shown.shape[0], height) + 40, draw)


def _agreement(sheet: ComparisonSheet) -> Block:
    width, tall = WIDTH - 2 * MARGIN, 60
    counts = [(name, count) for name, count in sheet.counts if count]
    few = len(sheet.counts) <= FEW_PARTS
    first = sheet.counts[0][0] if few else max(sheet.counts[:-1], key=lambda part: part[1])[0]
    total = sum(count for _, count in counts)
    words = {name: f"{count} {name}" for name, count in counts}
    told = all(len(wrapped(words[name], width * count // total - 40, SIZE)) == 1 for name, count in counts)
    under = wrapped("All models: " + " ".join(sheet.common), width, SMALL) if sheet.common else []
    under += wrapped(sheet.left_out, width, SMALL) if sheet.left_out else []
    under = under if told else [*wrapped(", ".join(words.values()), width, SMALL), *under]

    def draw(canvas: Canvas, y: int) -> None:
        x = MARGIN
        for name, count in counts:
            part = round(width * count / total)
            known = name != "undecided"
            canvas.box(x, y, part - 4, tall, (BLUE if name == first else PALE) if known else EMPTY)
            colour = (255, 255, 255) if name == first and known else INK
            canvas.text(x + 16, y + 12, words[name] if told else str(count), SIZE, bold=True, colour=colour)
            x += part
        y += tall + 14
        for line in under:
            canvas.text(MARGIN, y, line, SMALL)
            y += step(SMALL)

    return Block(tall + 14 + len(under) * step(SMALL) + 24, draw)


def _columns(sheet: ComparisonSheet) -> Block:
    heads = {"name": "model", "label": "label", "meter": sheet.followed, "doubts": "doubts"}

    def draw(canvas: Canvas, y: int) -> None:
        for name, x in COLUMNS.items():
            canvas.text(MARGIN + x, y, heads[name], SMALL, colour=QUIET)

    return Block(step(SMALL) + 8, draw)


def _model(line: Line, evidence: str = "", *, apart: bool = False) -> Block:
    whole = WIDTH - 2 * MARGIN
    room = whole - COLUMNS["doubts"] - (MAP + 30 if line.heat is not None else 0)
    doubts = [part for doubt in line.doubts or ("none",) for part in wrapped(doubt, room, SMALL)]
    time = [] if line.milliseconds is None else [f"{line.milliseconds:.0f} ms"]
    title = wrapped(line.title, COLUMNS["label"] - 45, SIZE)  # bold letters are a little wider than those measured
    label = wrapped(line.label, COLUMNS["meter"] - COLUMNS["label"] - 20, SIZE)
    name = [*(wrapped(line.ref, COLUMNS["label"] - 20, SMALL) if line.ref else []), *time]
    caption = wrapped(line.caption, whole - (MAP + 30), SMALL) if line.heat is not None else []
    below = wrapped(evidence, whole - 40, SMALL) if evidence else []
    text = max(
        len(title) * step(SIZE) + len(name) * step(SMALL),
        len(label) * step(SIZE),
        len(doubts) * step(SMALL),
    )
    text += (len(caption) + len(below)) * step(SMALL)
    height = max(text, MAP if line.heat is not None else 0) + 34

    def draw(canvas: Canvas, y: int) -> None:
        if apart:
            canvas.box(MARGIN - 24, y - 8, whole + 48, height - 8, (244, 247, 250))
        canvas.box(MARGIN, y - 8, whole, 2, RULE)
        top = y
        for number, part in enumerate(title):
            canvas.text(MARGIN, y + number * step(SIZE), part, bold=True)
        for number, part in enumerate(name):
            canvas.text(MARGIN, y + len(title) * step(SIZE) + number * step(SMALL), part, SMALL, colour=QUIET)
        for number, part in enumerate(label):
            canvas.text(MARGIN + COLUMNS["label"], y + number * step(SIZE), part, bold=line.decided)
        if line.probability is not None:
            _meter(canvas, MARGIN + COLUMNS["meter"], y + 6, line)
        for number, part in enumerate(doubts):
            canvas.text(MARGIN + COLUMNS["doubts"], y + number * step(SMALL), part, SMALL)
        y = top + height - 34 - (len(caption) + len(below)) * step(SMALL)
        y = max(y, top + text - (len(caption) + len(below)) * step(SMALL))
        for part in (*below, *caption):
            canvas.text(MARGIN, y, part, SMALL, colour=INK if apart else QUIET)
            y += step(SMALL)
        if line.heat is not None:
            canvas.picture(WIDTH - MARGIN - MAP, top, line.heat, MAP)

    return Block(height, draw)


def _meter(canvas: Canvas, x: int, y: int, line: Line) -> None:
    """Draw a bar from 0 to 1: full where there is a label, hatched where there is none; the figure beside it."""
    width, tall = 220, 22
    filled = round(width * (line.probability or 0.0))
    canvas.box(x, y, width, tall, EMPTY)
    canvas.box(x, y, filled, tall, BLUE if line.decided else PALE)
    if not line.decided:
        for stripe in range(0, filled, 10):
            canvas.box(x + stripe, y, min(3, filled - stripe), tall, BLUE)
    canvas.text(x + width + 16, y - 8, line.said, bold=line.decided)


def _foot(sheet: ComparisonSheet, number: int, of: int) -> Block:
    return warning_foot(f"picture {sheet.number}", sheet.at, number, of)
