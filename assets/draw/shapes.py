"""Shapes as signed distances in micrometres (positive inside), and the noise that makes them look grown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Grid:
    """A square piece of a picture around one object.

    Parameters
    ----------
    x, y : ndarray of shape (n, n), float32
        Micrometres from the object's centre.
    step : float
        Micrometres a pixel.
    rng : numpy.random.Generator
        Whatever is random about the object comes from here.
    """

    x: np.ndarray
    y: np.ndarray
    step: float
    rng: np.random.Generator

    @classmethod
    def around(cls, reach: float, step: float, rng: np.random.Generator) -> Grid:
        """Return a grid that reaches `reach` micrometres to each side."""
        half = int(np.ceil(reach / step))
        places = (np.arange(-half, half + 1) * step).astype(np.float32)
        x, y = np.meshgrid(places, places)
        return cls(x, y, step, rng)

    def noise(self, size: float) -> np.ndarray:
        """Return smooth noise, mean 0 and variance 1, whose spots are about `size` micrometres wide."""
        return noise(self.x.shape, size / self.step, self.rng)

    def bent(self, size: float, depth: float) -> Grid:
        """Return the grid with its places moved about by up to some `depth` micrometres: outlines become uneven."""
        return Grid(self.x + depth * self.noise(size), self.y + depth * self.noise(size), self.step, self.rng)

    def turned(self, angle: float) -> Grid:
        """Return the grid turned by `angle` radians."""
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return Grid(cos * self.x - sin * self.y, sin * self.x + cos * self.y, self.step, self.rng)

    def disc(self, radius: float, x: float = 0.0, y: float = 0.0, longer: float = 1.0) -> np.ndarray:
        """Return the signed distance to a disc, `longer` times as long as wide."""
        return radius - np.hypot((self.x - x) / np.float32(longer), (self.y - y) * np.float32(longer))

    def rod(self, start: Sequence[float], end: Sequence[float], radius: float) -> np.ndarray:
        """Return the signed distance to a thick line with round ends."""
        along = np.subtract(end, start)
        share = ((self.x - start[0]) * along[0] + (self.y - start[1]) * along[1]) / max(float(along @ along), 1e-6)
        share = np.clip(share, 0, 1)
        return radius - np.hypot(self.x - start[0] - share * along[0], self.y - start[1] - share * along[1])


def noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Return Gaussian noise of `shape` (height, width) smoothed over `sigma` pixels, mean 0 and variance 1."""
    coarse = max(1.0, sigma / 4)
    small = tuple(int(np.ceil(side / coarse)) + 8 for side in shape)
    field = cv2.GaussianBlur(rng.standard_normal(small).astype(np.float32), (0, 0), sigma / coarse)
    field = (field - field.mean()) / max(float(field.std()), 1e-6)
    if coarse > 1:
        field = cv2.resize(field, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_CUBIC)
    return field[: shape[0], : shape[1]]


def joined(parts: Sequence[np.ndarray], softness: float) -> np.ndarray:
    """Return the signed distance to the union of parts, their corners filled over `softness` micrometres."""
    stack = np.stack(parts) / softness
    top = stack.max(axis=0)
    return softness * (top + np.log(np.exp(stack - top).sum(axis=0)))


def less(whole: np.ndarray, part: np.ndarray, softness: float) -> np.ndarray:
    """Return the signed distance to a shape without a part, the corners rounded over `softness` micrometres."""
    return -joined([-whole, part], softness)


def soft(distance: np.ndarray, edge: float) -> np.ndarray:
    """Return 0 outside to 1 inside, smoothly over `edge` micrometres around the outline."""
    share = np.clip(distance / edge + 0.5, 0, 1)
    return share * share * (3 - 2 * share)


def spots(grid: Grid, where: np.ndarray, count: int, radius: tuple[float, float]) -> np.ndarray:
    """Return round spots, 0 to 1, scattered where `where` (bool) holds.

    Parameters
    ----------
    grid : Grid
        The piece of the picture.
    where : ndarray of bool
        Places that may hold the middle of a spot.
    count : int
        How many.
    radius : (float, float)
        Smallest and largest, in micrometres.
    """
    out = np.zeros(grid.x.shape, np.float32)
    free = np.argwhere(where)
    if not len(free):
        return out
    height, width = out.shape
    for row, column in free[grid.rng.integers(0, len(free), count)]:
        size = grid.rng.uniform(*radius) / grid.step
        reach = int(3 * size) + 2
        top, left = max(row - reach, 0), max(column - reach, 0)
        rows, columns = np.mgrid[top : min(row + reach + 1, height), left : min(column + reach + 1, width)]
        spot = np.exp(-((((rows - row) ** 2 + (columns - column) ** 2) / size**2) ** 1.5)) * grid.rng.uniform(0.5, 1)
        place = out[top : top + rows.shape[0], left : left + rows.shape[1]]
        np.maximum(place, spot, out=place)
    return out
