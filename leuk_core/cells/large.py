"""White cells of pictures too large to be decoded whole: found and sorted a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from leuk_core.cells.detect import Field, FoundCell, find_cells
from leuk_core.cells.overlap import SAME_CELL, intersections
from leuk_core.cells.scale import field_scale
from leuk_core.cells.sort import SortedCell, sort_cells
from leuk_core.images import SmearImage, TiledImage
from leuk_core.prediction import Predictor

SIDE, SHARED = 2048, 512
"""Of a part, and what neighbours share: more than the window around a cell at any usual scale, in pixels."""

LOOKS = 9
"""Parts, spread over the picture, by whose red cells its scale is told where nothing else tells it."""


def large_scale(picture: TiledImage, given: float | None = None) -> tuple[float | None, str]:
    """Return micrometres a pixel of a large picture, and where they come from; see `field_scale`.

    The red cells of several parts tell it, by their median, so that all cells are seen at one scale.
    """
    across = np.linspace(0, max(0, picture.width - SIDE), round(LOOKS**0.5)).astype(int)
    down = np.linspace(0, max(0, picture.height - SIDE), round(LOOKS**0.5)).astype(int)
    found = []
    for left, top in sorted({(int(x), int(y)) for x in across for y in down}):
        part = picture.region(left, top, min(SIDE, picture.width), min(SIDE, picture.height))
        scale, source = field_scale(part, given)
        if source not in ("red cells", "unknown"):
            return scale, source
        found += [scale] if scale is not None else []
    return (float(np.median(found)), "red cells") if found else (None, "unknown")


@dataclass(frozen=True)
class ReadPart:
    """A part of a large picture.

    Parameters
    ----------
    left, top : int
        Where its left upper corner lies on the whole, in pixels.
    image : SmearImage
        The part.
    field : Field
        It with the cells that belong to it, in its own pixels; those that a neighbour has are not among them.
    cells : tuple of SortedCell
        The same cells with the predictor's answers.
    """

    left: int
    top: int
    image: SmearImage
    field: Field
    cells: tuple[SortedCell, ...]


def read_parts(
    picture: TiledImage, predictor: Predictor, microns_per_pixel: float | None, detector: str | None = None
) -> Iterator[ReadPart]:
    """Find and sort the white cells of a large picture, part after part; no more than one part is in memory.

    Parameters
    ----------
    picture : TiledImage
        From `leuk_core.images.open_tiled`.
    predictor : Predictor
        From `load_sorter`.
    microns_per_pixel : float or None
        From `large_scale`; None where it is unknown.
    detector : str or None
        See `find_cells`.

    Yields
    ------
    ReadPart
        A cell that two parts show is given once, by the part that shows more of what is around it.
    """
    near = np.zeros((0, 4))  # cells of this row of parts and of the one above
    for left, top, image in picture.tiles(SIDE, SHARED):
        near = near[near[:, 3] > top - SIDE]
        found = find_cells(image, microns_per_pixel, detector)
        own = []
        for cell in found.cells:
            box = _moved(cell.box, left, top)
            if _belongs(box, left, top, picture) and not (_same(box, near)):
                near = np.vstack([near, box])
                own.append(cell)
        field = replace(found, microns_per_pixel=microns_per_pixel, cells=tuple(own))
        yield ReadPart(left, top, image, field, tuple(sort_cells(image, field, predictor)))


def cells_in_parts(
    picture: TiledImage, predictor: Predictor, microns_per_pixel: float | None, detector: str | None = None
) -> Iterator[SortedCell]:
    """Give the cells of `read_parts` with their boxes in pixels of the whole picture."""
    for part in read_parts(picture, predictor, microns_per_pixel, detector):
        for answer in part.cells:
            yield replace(answer, cell=_on_whole(answer.cell, part.left, part.top))


def _moved(box: tuple[float, float, float, float], left: int, top: int) -> tuple[float, float, float, float]:
    return box[0] + left, box[1] + top, box[2] + left, box[3] + top


def _on_whole(cell: FoundCell, left: int, top: int) -> FoundCell:
    return replace(cell, box=_moved(cell.box, left, top))


def _belongs(box: tuple[float, float, float, float], left: int, top: int, picture: TiledImage) -> bool:
    """Return whether a cell's middle lies in a part, away from the seam.

    Three eighths of what is shared and not half: two parts may place the middle of a cell differently, and it must not
    be lost between them.
    """
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    rim = SHARED * 3 / 8
    return (
        (left == 0 or x >= left + rim)
        and (top == 0 or y >= top + rim)
        and (left + SIDE >= picture.width or x < left + SIDE - rim)
        and (top + SIDE >= picture.height or y < top + SIDE - rim)
    )


def _same(box: tuple[float, float, float, float], others: np.ndarray) -> bool:
    """Return whether a box holds the cell of another one."""
    return bool(len(others)) and bool(intersections(np.array([box]), others).max() >= SAME_CELL)
