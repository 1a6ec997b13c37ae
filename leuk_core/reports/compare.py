"""What all models say about one cell as a sheet of paper: PNG and PDF, with versions, hash and time on it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leuk_core import RESEARCH_ONLY, __version__

DPI = 200
WIDTH, HEIGHT = 1654, 2339  # A4
MARGIN = 90
SIZE, SMALL, LARGE = 27, 22, 44  # of letters, in pixels: 27 are 9.7 points
LINE = 1.36
PICTURE = 420
MAP = 230

INK, QUIET, RULE, BLUE, PALE, EMPTY = (
    (29, 39, 51),
    (95, 104, 115),
    (205, 210, 216),
    (37, 105, 155),
    (176, 203, 223),
    (232, 235, 239),
)
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
    canvas = _Canvas(sum(block.height for block in blocks) + 2 * MARGIN)
    _draw(canvas, blocks)
    info = PngInfo()
    info.add_itxt("Description", f"{RESEARCH_ONLY} {TITLE}, picture {sheet.number}.")
    out = io.BytesIO()
    Image.fromarray(canvas.pixels).save(out, "PNG", dpi=(DPI, DPI), pnginfo=info)
    return out.getvalue()


def to_pdf(sheet: ComparisonSheet) -> bytes:
    """Return the sheet as a PDF of A4 pages; each carries the warning. Text is drawn, so it can't be searched."""
    pages = [Image.fromarray(pixels) for pixels in _pages(sheet)]
    out = io.BytesIO()
    pages[0].save(
        out,
        "PDF",
        resolution=DPI,
        save_all=True,
        append_images=pages[1:],
        quality=92,
        title=f"{TITLE}, picture {sheet.number}",
        subject=RESEARCH_ONLY,
        producer=f"Leukemia smear workbench {__version__}",
    )
    return out.getvalue()


class _Canvas:
    """White paper that text, bars and pictures are drawn on."""

    def __init__(self, height: int) -> None:
        self.pixels = np.full((height, WIDTH, 3), 255, np.uint8)
        self._faces = {True: cv2.FontFace("sans"), False: cv2.FontFace("sans")}

    def text(
        self, x: int, y: int, words: str, size: int = SIZE, *, bold: bool = False, colour: Sequence[int] = INK
    ) -> None:
        """Write one line whose top is at `y`."""
        cv2.putText(
            self.pixels, words, (x, y + size), tuple(colour), self._faces[bold], size, 700 if bold else 400
        )  # fmt: skip

    def box(self, x: int, y: int, width: int, height: int, colour: Sequence[int]) -> None:
        """Fill a rectangle."""
        self.pixels[y : y + height, x : x + max(0, width)] = colour

    def picture(self, x: int, y: int, shown: np.ndarray, side: int) -> None:
        """Place a picture so that its longer side is `side`."""
        fitted = _fitted(shown, side)
        self.pixels[y : y + fitted.shape[0], x : x + fitted.shape[1]] = fitted


@dataclass(frozen=True)
class _Block:
    """A part of the sheet that is never broken over two pages."""

    height: int
    draw: Callable[[_Canvas, int], None]


def _pages(sheet: ComparisonSheet) -> Iterator[np.ndarray]:
    foot = _foot(sheet, 1, 1).height
    room = HEIGHT - 2 * MARGIN - foot
    parts: list[list[_Block]] = [[]]
    for block in _blocks(sheet):
        if parts[-1] and sum(entry.height for entry in parts[-1]) + block.height > room:
            parts.append([])
        parts[-1].append(block)
    for number, blocks in enumerate(parts, start=1):
        canvas = _Canvas(max(HEIGHT, sum(block.height for block in blocks) + foot + 2 * MARGIN))
        _draw(canvas, blocks)
        _foot(sheet, number, len(parts)).draw(canvas, len(canvas.pixels) - MARGIN - foot)
        yield canvas.pixels


def _draw(canvas: _Canvas, blocks: Sequence[_Block]) -> None:
    y = MARGIN
    for block in blocks:
        block.draw(canvas, y)
        y += block.height


def _blocks(sheet: ComparisonSheet) -> Iterator[_Block]:
    yield _head(sheet)
    yield _agreement(sheet)
    if sheet.together is not None:
        yield _model(sheet.together, sheet.evidence, apart=True)
    yield _columns(sheet)
    for line in sheet.lines:
        yield _model(line)


def _head(sheet: ComparisonSheet) -> _Block:
    shown = _fitted(sheet.picture, PICTURE)
    left, width = MARGIN + PICTURE + 50, WIDTH - 2 * MARGIN - PICTURE - 50
    facts = [(name, _wrapped(value, width - 270, SMALL)) for name, value in sheet.facts]
    height = sum(len(lines) for _, lines in facts) * _step(SMALL)
    top = _step(LARGE) + _step(SIZE) + 20

    def draw(canvas: _Canvas, y: int) -> None:
        canvas.text(MARGIN, y, f"{TITLE}: picture {sheet.number}", LARGE, bold=True)
        canvas.text(MARGIN, y + _step(LARGE), RESEARCH_ONLY, bold=True)
        y += top
        canvas.picture(MARGIN, y, shown, PICTURE)
        for name, lines in facts:
            canvas.text(left, y, name, SMALL, colour=QUIET)
            for line in lines:
                canvas.text(left + 270, y, line, SMALL)
                y += _step(SMALL)

    return _Block(top + max(shown.shape[0], height) + 40, draw)


def _agreement(sheet: ComparisonSheet) -> _Block:
    width, tall = WIDTH - 2 * MARGIN, 60
    counts = [(name, count) for name, count in sheet.counts if count]
    few = len(sheet.counts) <= FEW_PARTS
    first = sheet.counts[0][0] if few else max(sheet.counts[:-1], key=lambda part: part[1])[0]
    total = sum(count for _, count in counts)
    words = {name: f"{count} {name}" for name, count in counts}
    told = all(len(_wrapped(words[name], width * count // total - 40, SIZE)) == 1 for name, count in counts)
    under = _wrapped("All models: " + " ".join(sheet.common), width, SMALL) if sheet.common else []
    under += _wrapped(sheet.left_out, width, SMALL) if sheet.left_out else []
    under = under if told else [*_wrapped(", ".join(words.values()), width, SMALL), *under]

    def draw(canvas: _Canvas, y: int) -> None:
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
            y += _step(SMALL)

    return _Block(tall + 14 + len(under) * _step(SMALL) + 24, draw)


def _columns(sheet: ComparisonSheet) -> _Block:
    heads = {"name": "model", "label": "label", "meter": sheet.followed, "doubts": "doubts"}

    def draw(canvas: _Canvas, y: int) -> None:
        for name, x in COLUMNS.items():
            canvas.text(MARGIN + x, y, heads[name], SMALL, colour=QUIET)

    return _Block(_step(SMALL) + 8, draw)


def _model(line: Line, evidence: str = "", *, apart: bool = False) -> _Block:
    whole = WIDTH - 2 * MARGIN
    room = whole - COLUMNS["doubts"] - (MAP + 30 if line.heat is not None else 0)
    doubts = [part for doubt in line.doubts or ("none",) for part in _wrapped(doubt, room, SMALL)]
    time = [] if line.milliseconds is None else [f"{line.milliseconds:.0f} ms"]
    title = _wrapped(line.title, COLUMNS["label"] - 45, SIZE)  # bold letters are a little wider than those measured
    label = _wrapped(line.label, COLUMNS["meter"] - COLUMNS["label"] - 20, SIZE)
    name = [*(_wrapped(line.ref, COLUMNS["label"] - 20, SMALL) if line.ref else []), *time]
    caption = _wrapped(line.caption, whole - (MAP + 30), SMALL) if line.heat is not None else []
    below = _wrapped(evidence, whole - 40, SMALL) if evidence else []
    text = max(
        len(title) * _step(SIZE) + len(name) * _step(SMALL),
        len(label) * _step(SIZE),
        len(doubts) * _step(SMALL),
    )
    text += (len(caption) + len(below)) * _step(SMALL)
    height = max(text, MAP if line.heat is not None else 0) + 34

    def draw(canvas: _Canvas, y: int) -> None:
        if apart:
            canvas.box(MARGIN - 24, y - 8, whole + 48, height - 8, (244, 247, 250))
        canvas.box(MARGIN, y - 8, whole, 2, RULE)
        top = y
        for number, part in enumerate(title):
            canvas.text(MARGIN, y + number * _step(SIZE), part, bold=True)
        for number, part in enumerate(name):
            canvas.text(MARGIN, y + len(title) * _step(SIZE) + number * _step(SMALL), part, SMALL, colour=QUIET)
        for number, part in enumerate(label):
            canvas.text(MARGIN + COLUMNS["label"], y + number * _step(SIZE), part, bold=line.decided)
        if line.probability is not None:
            _meter(canvas, MARGIN + COLUMNS["meter"], y + 6, line)
        for number, part in enumerate(doubts):
            canvas.text(MARGIN + COLUMNS["doubts"], y + number * _step(SMALL), part, SMALL)
        y = top + height - 34 - (len(caption) + len(below)) * _step(SMALL)
        y = max(y, top + text - (len(caption) + len(below)) * _step(SMALL))
        for part in (*below, *caption):
            canvas.text(MARGIN, y, part, SMALL, colour=INK if apart else QUIET)
            y += _step(SMALL)
        if line.heat is not None:
            canvas.picture(WIDTH - MARGIN - MAP, top, line.heat, MAP)

    return _Block(height, draw)


def _meter(canvas: _Canvas, x: int, y: int, line: Line) -> None:
    """Draw a bar from 0 to 1: full where there is a label, hatched where there is none; the figure beside it."""
    width, tall = 220, 22
    filled = round(width * (line.probability or 0.0))
    canvas.box(x, y, width, tall, EMPTY)
    canvas.box(x, y, filled, tall, BLUE if line.decided else PALE)
    if not line.decided:
        for stripe in range(0, filled, 10):
            canvas.box(x + stripe, y, min(3, filled - stripe), tall, BLUE)
    canvas.text(x + width + 16, y - 8, line.said, bold=line.decided)


def _foot(sheet: ComparisonSheet, number: int, of: int) -> _Block:
    words = (
        f"Leukemia smear workbench {__version__} · made {sheet.at:%Y-%m-%d %H:%M:%S %Z} · picture {sheet.number}"
        f" · page {number} of {of}"
    )

    def draw(canvas: _Canvas, y: int) -> None:
        canvas.box(MARGIN, y + 6, WIDTH - 2 * MARGIN, 2, RULE)
        canvas.text(MARGIN, y + 16, RESEARCH_ONLY, bold=True)
        canvas.text(MARGIN, y + 16 + _step(SIZE), words, SMALL, colour=QUIET)

    return _Block(16 + _step(SIZE) + _step(SMALL), draw)


def _step(size: int) -> int:
    """Return the distance between lines of letters of a size."""
    return round(size * LINE)


def _wrapped(words: str, width: int, size: int) -> list[str]:
    """Break text into lines of at most `width` pixels; a word that is longer is broken too."""
    face, lines = cv2.FontFace("sans"), [""]

    def fits(text: str) -> bool:
        return cv2.getTextSize((0, 0), text, (0, 0), face, size, 400)[2] <= width

    for word in words.split():
        rest = word
        while rest:
            joined = f"{lines[-1]} {rest}".strip()
            if fits(joined):
                lines[-1], rest = joined, ""
            elif lines[-1]:
                lines.append("")
            else:
                count = next((n for n in range(len(rest) - 1, 1, -1) if fits(rest[:n])), 1)
                lines[-1], rest = rest[:count], rest[count:]
    return lines


def _fitted(shown: np.ndarray, side: int) -> np.ndarray:
    height, width = shown.shape[:2]
    zoom = side / max(height, width)
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    fitted = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    return np.asarray(fitted, np.uint8)
