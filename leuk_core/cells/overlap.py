"""Fields that show the same place, and cells that were so photographed twice: pointed out, never taken away.

Two fields of one slide differ by a shift where they overlap. It is found by phase correlation of small grey pictures
(Kuglin and Hines 1975) and believed only where the shared part looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy import fft

from leuk_core.cells.detect import Field
from leuk_core.images import SmearImage

SIDE = 320
"""Longest side of the grey picture that is kept of a field."""

LEAST_ALIKE = 0.75
"""Correlation of the shared part from which it is the same place."""

LEAST_SHARED = 0.06
"""Share of the smaller field that both must show."""

SAME_CELL = 0.4
"""Intersection over union, after the shift, from which two boxes hold one cell."""

GLANCE = 128
"""Longest side of the picture by which fields that lie further back are chosen to be compared."""

GLANCE_ALIKE = 0.65
"""Correlation of the shared part at that size from which they are: 94 of 100 overlaps among real fields reach it, and
three others of 200."""

_PEAKS = 3
_BORDER = 3
_UNIT = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two fields that show the same place.

    Parameters
    ----------
    first, second : int
        Places of the fields, in the order in which they were added.
    shift : tuple of float
        x, y in pixels of the first field at which the second one's left upper corner lies.
    alike : float
        Correlation of the shared part, at most 1.
    shared : float
        The shared part as a share of the smaller field.
    cells : tuple of (int, int)
        Places, in either field, of the cells that both show.
    """

    first: int
    second: int
    shift: tuple[float, float]
    alike: float
    shared: float
    cells: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a field: a grey picture, its step in pixels of the field, a smaller one for glances, boxes.

    `phases` are those of the smaller one's spectrum, 256 to a turn.
    """

    grey: np.ndarray
    small: np.ndarray
    phases: np.ndarray
    step: float
    boxes: np.ndarray
    pixels_sha256: str


class Overlaps:
    """The overlaps among the fields of a case, found field by field; about 130 kB are kept of each.

    Parameters
    ----------
    near : int or None
        How many fields before it each is compared with in any case; of those further back, the ones that a glance calls
        alike. None compares with all.

    Examples
    --------
    >>> overlaps = Overlaps()
    >>> overlaps.found
    []
    """

    def __init__(self, near: int | None = None) -> None:
        self.near = near
        self.found: list[Overlap] = []
        self._fields: list[_Kept] = []

    def __len__(self) -> int:
        """Return the number of fields added."""
        return len(self._fields)

    def add(self, image: SmearImage, field: Field) -> list[Overlap]:
        """Compare one more field with all before it.

        Parameters
        ----------
        image : SmearImage
            The field's picture.
        field : Field
            Its cells, from `find_cells`.

        Returns
        -------
        list of Overlap
            The new ones; they are in `found` too.
        """
        new = _kept(image, field)
        place = len(self._fields)
        first = 0 if self.near is None else max(0, place - self.near)
        found = [
            overlap
            for index, old in enumerate(self._fields)
            if (index >= first or _glance(old, new)) and (overlap := _compared(index, old, place, new)) is not None
        ]
        self._fields.append(new)
        self.found += found
        return found

    def cells_seen_before(self) -> set[tuple[int, int]]:
        """Return (field, cell) of every cell that an earlier field shows too."""
        return {(overlap.second, second) for overlap in self.found for _, second in overlap.cells}


def _kept(image: SmearImage, field: Field) -> _Kept:
    step = max(1.0, max(image.width, image.height) / SIDE)
    grey = _shrunk(cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY), step)
    small = _shrunk(grey, max(1.0, max(grey.shape) / GLANCE))
    turn = np.angle(fft.rfft2(_contrast(small), (2 * GLANCE, 2 * GLANCE))) * (128 / np.pi)
    phases = np.rint(turn).astype(np.int16).astype(np.uint8)  # half a turn one way is half a turn the other way
    boxes = np.array([cell.box for cell in field.cells], np.float32).reshape(-1, 4)
    return _Kept(grey, small, phases, step, boxes, image.pixels_sha256)


def _shrunk(grey: np.ndarray, step: float) -> np.ndarray:
    size = max(8, round(grey.shape[1] / step)), max(8, round(grey.shape[0] / step))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _glance(a: _Kept, b: _Kept) -> bool:
    """Return whether two fields may show the same place; about a millisecond, a tenth of a comparison."""
    if a.pixels_sha256 == b.pixels_sha256:
        return True
    shifts = _peaks(_UNIT[a.phases - b.phases], a.small.shape, (2 * GLANCE, 2 * GLANCE))
    return max(_alike(a.small, b.small, *shift)[0] for shift in shifts) >= GLANCE_ALIKE


def _compared(first: int, a: _Kept, second: int, b: _Kept) -> Overlap | None:
    """Return the overlap of two fields, None where there is none."""
    if not 0.97 < a.step / b.step < 1.03:
        return None
    if a.pixels_sha256 == b.pixels_sha256:
        return Overlap(first, second, (0.0, 0.0), 1.0, 1.0, _both(a.boxes, b.boxes))
    best = max((_alike(a.grey, b.grey, *shift) for shift in _shifts(a.grey, b.grey)), default=None)
    if best is None or best[0] < LEAST_ALIKE:
        return None
    alike, shared, x, y = best
    shift = np.array([x, y, x, y], np.float32) * a.step
    cells = _both(a.boxes, b.boxes + shift)
    return Overlap(first, second, (float(shift[0]), float(shift[1])), alike, shared, cells)


def _shifts(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int]]:
    """Return the likeliest places (x, y) of b's corner on a, best first."""
    high, wide = (fft.next_fast_len(x + y, real=True) for x, y in zip(a.shape, b.shape, strict=True))
    spectra = [fft.rfft2(_contrast(grey), (high, wide)) for grey in (a, b)]
    both = spectra[0] * np.conj(spectra[1])
    return _peaks(both / np.maximum(np.abs(both), 1e-6), a.shape, (high, wide))


def _peaks(both: np.ndarray, shape: tuple[int, ...], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the shifts at which two pictures fit best by their spectra' phases, padded from `shape` to `size`."""
    peaks = cv2.GaussianBlur(fft.irfft2(both, size).astype(np.float32), (0, 0), 1.0)
    found = []
    for _ in range(_PEAKS):
        y, x = (int(place) for place in np.unravel_index(int(peaks.argmax()), peaks.shape))
        found.append((x - size[1] * (x >= shape[1]), y - size[0] * (y >= shape[0])))
        peaks[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    return found


def _contrast(grey: np.ndarray) -> np.ndarray:
    """Return a grey picture without its light, fading to nothing at the edges."""
    flat = grey.astype(np.float32)
    flat -= cv2.GaussianBlur(flat, (0, 0), 15)
    return flat * np.outer(np.hanning(grey.shape[0] + 2)[1:-1] ** 0.25, np.hanning(grey.shape[1] + 2)[1:-1] ** 0.25)


def _alike(a: np.ndarray, b: np.ndarray, x: int, y: int) -> tuple[float, float, int, int]:
    """Return correlation and share of the shared part near a shift, and the best shift there."""
    left, top = max(0, x), max(0, y)
    right, bottom = min(a.shape[1], x + b.shape[1]), min(a.shape[0], y + b.shape[0])
    shared = max(0, right - left) * max(0, bottom - top) / min(a.size, b.size)
    if shared < LEAST_SHARED or min(right - left, bottom - top) < 4 * _BORDER:
        return -1.0, shared, x, y
    seen = a[top:bottom, left:right]
    part = b[top - y + _BORDER : bottom - y - _BORDER, left - x + _BORDER : right - x - _BORDER]
    if part.std() < 2:
        return -1.0, shared, x, y
    match = cv2.matchTemplate(seen, part, cv2.TM_CCOEFF_NORMED)
    _, value, _, (best_x, best_y) = cv2.minMaxLoc(match)
    return float(value), shared, x + best_x - _BORDER, y + best_y - _BORDER


def _both(first: np.ndarray, second: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Return pairs of boxes, each at most once, that hold one cell."""
    if not len(first) or not len(second):
        return ()
    table = intersections(first, second)
    pairs = []
    while table.max() >= SAME_CELL:
        one, other = np.unravel_index(int(table.argmax()), table.shape)
        pairs.append((int(one), int(other)))
        table[one], table[:, other] = 0, 0
    return tuple(sorted(pairs))


def intersections(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each of `first` (n, 4) with each of `second` (m, 4), as (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def words(overlap: Overlap, names: Sequence[str]) -> str:
    """Return the sentence that points an overlap out; `names` are those of the fields in order."""
    cells = len(overlap.cells)
    twice = f"{cells} cell{'s are' if cells != 1 else ' is'} on both" if cells else "no cell is on both"
    return f"{names[overlap.first]} and {names[overlap.second]} show the same place ({overlap.shared:.0%}): {twice}."
