"""A sheet of paper: A4 pages that text, boxes and pictures are drawn on, each with the warning at its foot."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from PIL import Image

from leuk_core import RESEARCH_ONLY, __version__

DPI = 200
WIDTH, HEIGHT = 1654, 2339  # A4
MARGIN = 90
SIZE, SMALL, LARGE = 27, 22, 44  # of letters, in pixels: 27 are 9.7 points
LINE = 1.36

INK, QUIET, RULE, BLUE, PALE, EMPTY = (
    (29, 39, 51),
    (95, 104, 115),
    (205, 210, 216),
    (37, 105, 155),
    (176, 203, 223),
    (232, 235, 239),
)


class Canvas:
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
        placed = fitted(shown, side)
        self.pixels[y : y + placed.shape[0], x : x + placed.shape[1]] = placed


@dataclass(frozen=True)
class Block:
    """A part of a sheet that is never broken over two pages."""

    height: int
    draw: Callable[[Canvas, int], None]


def pages(blocks: Sequence[Block], foot: Callable[[int, int], Block]) -> Iterator[np.ndarray]:
    """Give the pages that hold some blocks in order.

    Parameters
    ----------
    blocks : sequence of Block
        What stands on them.
    foot : callable
        The foot of page `number` of `of`, the same height on each.
    """
    tall = foot(1, 1).height
    room = HEIGHT - 2 * MARGIN - tall
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if parts[-1] and sum(entry.height for entry in parts[-1]) + block.height > room:
            parts.append([])
        parts[-1].append(block)
    for number, part in enumerate(parts, start=1):
        canvas = Canvas(max(HEIGHT, sum(block.height for block in part) + tall + 2 * MARGIN))
        draw_blocks(canvas, part)
        foot(number, len(parts)).draw(canvas, len(canvas.pixels) - MARGIN - tall)
        yield canvas.pixels


def draw_blocks(canvas: Canvas, blocks: Sequence[Block]) -> None:
    """Draw blocks under each other."""
    y = MARGIN
    for block in blocks:
        block.draw(canvas, y)
        y += block.height


def pdf(drawn: Sequence[np.ndarray], title: str) -> bytes:
    """Return pages as a PDF file. Text is drawn, so it can't be searched."""
    sheets = [Image.fromarray(pixels) for pixels in drawn]
    out = io.BytesIO()
    sheets[0].save(
        out,
        "PDF",
        resolution=DPI,
        save_all=True,
        append_images=sheets[1:],
        quality=92,
        title=title,
        subject=RESEARCH_ONLY,
        producer=f"Leukemia smear workbench {__version__}",
    )
    return out.getvalue()


def warning_foot(what: str, at: datetime, number: int, of: int) -> Block:
    """Return the foot of a page: the warning, the program's version, when it was made, what it is about."""
    words = f"Leukemia smear workbench {__version__} · made {at:%Y-%m-%d %H:%M:%S %Z} · {what} · page {number} of {of}"

    def drawn(canvas: Canvas, y: int) -> None:
        canvas.box(MARGIN, y + 6, WIDTH - 2 * MARGIN, 2, RULE)
        canvas.text(MARGIN, y + 16, RESEARCH_ONLY, bold=True)
        canvas.text(MARGIN, y + 16 + step(SIZE), words, SMALL, colour=QUIET)

    return Block(16 + step(SIZE) + step(SMALL), drawn)


def step(size: int) -> int:
    """Return the distance between lines of letters of a size."""
    return round(size * LINE)


def wrapped(words: str, width: int, size: int) -> list[str]:
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


def fitted(shown: np.ndarray, side: int) -> np.ndarray:
    """Return a picture whose longer side is `side`."""
    height, width = shown.shape[:2]
    zoom = side / max(height, width)
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    placed = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    return np.asarray(placed, np.uint8)
