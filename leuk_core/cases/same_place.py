"""Fields of a case that show the same place, and cells photographed twice: pointed out, never taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from leuk_core.cases.records import CaseCell, CaseField, CellState
from leuk_core.cells.detect import Field
from leuk_core.cells.overlap import SAME_CELL, Overlaps, intersections
from leuk_core.images import SmearImage

NEAR = 12
"""How many fields before it each is compared with in any case: neighbours are mostly photographed in a row."""


_PART = re.compile(r"(?P<whole>.*), part \d+ of \d+", re.DOTALL)


def part_name(whole: str, number: int, count: int) -> str:
    """Return the name of a field that is a part of a large picture.

    Examples
    --------
    >>> part_name("slide.tif", 3, 12)
    'slide.tif, part 3 of 12'
    """
    return f"{whole}, part {number} of {count}"


def of_one_picture(first: CaseField, second: CaseField) -> bool:
    """Return whether two fields are parts of one large picture, whose edges show the same place by design."""
    one, other = _PART.fullmatch(first.name), _PART.fullmatch(second.name)
    return one is not None and other is not None and one["whole"] == other["whole"]


@dataclass(frozen=True, slots=True)
class SamePlace:
    """Two fields of a case that show the same place.

    Parameters
    ----------
    first, second : int
        Numbers of the fields.
    shift : tuple of float
        x, y in pixels of the first field at which the second one's left upper corner lies.
    shared : float
        The shared part as a share of the smaller field.
    """

    first: int
    second: int
    shift: tuple[float, float]
    shared: float


class SamePlaces:
    """Finds fields that show the same place, field by field.

    Examples
    --------
    >>> SamePlaces().found
    ()
    """

    def __init__(self) -> None:
        self._overlaps = Overlaps(NEAR)
        self._numbers: list[int] = []
        self.found: tuple[SamePlace, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the fields that were added, in that order."""
        return tuple(self._numbers)

    def add(self, image: SmearImage, field: CaseField) -> None:
        """Compare one more field with those before it."""
        shown = Field(field.pixels_sha256, field.width, field.height, (), field.microns_per_pixel, "", "")
        self._numbers.append(field.number)
        self.found += tuple(
            SamePlace(self._numbers[new.first], self._numbers[new.second], new.shift, new.shared)
            for new in self._overlaps.add(image, shown)
        )


def repeated_cells(places: Iterable[SamePlace], cells: Sequence[CaseCell]) -> dict[int, int]:
    """Return cells that another field shows too, and there by which number.

    Parameters
    ----------
    places : iterable of SamePlace
        From `SamePlaces`.
    cells : sequence of CaseCell
        Of the case. Those that are not counted are no longer looked at.

    Returns
    -------
    dict of int to int
        Of two that are one, the key is the one to leave out: that which the edge of its field cuts, else the later one.
    """
    by_field: dict[int, list[CaseCell]] = {}
    for cell in cells:
        if cell.state not in (CellState.NOT_COUNTED, CellState.REMOVED):
            by_field.setdefault(cell.field, []).append(cell)
    found: dict[int, int] = {}
    for place in places:
        first, second = by_field.get(place.first, []), by_field.get(place.second, [])
        for one, other in _pairs(first, second, place.shift):
            out, kept = (one, other) if one.touching_edge and not other.touching_edge else (other, one)
            if kept.number not in found:
                found.setdefault(out.number, kept.number)
    return found


def _pairs(
    first: list[CaseCell], second: list[CaseCell], shift: tuple[float, float]
) -> Iterable[tuple[CaseCell, CaseCell]]:
    """Give pairs of cells, each at most once, that are one."""
    if not first or not second:
        return
    moved = np.array([cell.box for cell in second], np.float32) + np.array([*shift, *shift], np.float32)
    table = intersections(np.array([cell.box for cell in first], np.float32), moved)
    while table.max() >= SAME_CELL:
        one, other = np.unravel_index(int(table.argmax()), table.shape)
        yield first[int(one)], second[int(other)]
        table[one], table[:, other] = 0, 0
