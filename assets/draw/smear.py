"""Smears: white cells where they are wanted, red cells and platelets around them, and the light of a microscope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from assets.draw.shapes import Grid, noise, soft, spots
from assets.draw.white import AZURE, KINDS, WhiteCell

HAEMOGLOBIN = np.float32([0.105, 0.165, 0.115])
FINER = 2
"""Pictures are drawn this many times finer than they are shown."""


@dataclass(frozen=True)
class Light:
    """Lamp, slide and camera.

    Parameters
    ----------
    ground : tuple of float
        Red, green and blue of empty slide, 0 to 255.
    strength : float
        How deep the stain is; 1 is usual.
    falloff : float
        Share of light lost at the corners.
    blur : float
        Standard deviation of the blur, in micrometres.
    grain : float
        Standard deviation of the camera's noise, of 255.
    """

    ground: tuple[float, float, float] = (252.0, 229.0, 206.0)
    strength: float = 1.0
    falloff: float = 0.07
    blur: float = 0.09
    grain: float = 0.7

    def picture(self, density: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray:
        """Return what the camera makes of optical density (height, width, 3): uint8 RGB, `FINER` times smaller."""
        height, width = density.shape[:2]
        seen = np.float32(self.ground) * np.power(np.float32(10), -self.strength * density)
        seen = cv2.GaussianBlur(seen, (0, 0), self.blur / step)
        # a trace of each cell in its neighbourhood: light scattered in the optics
        seen = 0.94 * seen + 0.06 * cv2.GaussianBlur(seen, (0, 0), 1.2 / step)
        seen = cv2.resize(seen, (width // FINER, height // FINER), interpolation=cv2.INTER_AREA)
        height, width = seen.shape[:2]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        middle = np.array([height, width]) * (0.5 + rng.uniform(-0.08, 0.08, 2))
        away = np.hypot(rows - middle[0], columns - middle[1]) / np.hypot(height, width) * 2
        seen *= (1 - self.falloff * away**2)[..., None]
        seen += cv2.GaussianBlur(rng.normal(0, 2 * self.grain, seen.shape).astype(np.float32), (0, 0), 0.7)
        sharper = 1.25 * seen - 0.25 * cv2.GaussianBlur(seen, (0, 0), 1.6)  # as cameras do
        return np.clip(np.rint(sharper), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Placed:
    """A white cell of a field: its kind, and its box (left, top, right, bottom) in pixels of the picture."""

    kind: str
    box: tuple[int, int, int, int]


def white_cell(kind: str, step: float, rng: np.random.Generator) -> WhiteCell:
    """Draw a cell of a kind of `KINDS` in a size usual for it."""
    draw, sizes = KINDS[kind]
    diameter = rng.uniform(*sizes)
    return draw(Grid.around(0.72 * diameter, step, rng), diameter)


def red_cell(step: float, rng: np.random.Generator) -> np.ndarray:
    """Return the density (n, n, 3) of a red cell of 7 to 8 micrometres with its pallor."""
    radius = float(np.clip(rng.normal(3.75, 0.16), 3.45, 4.05))
    grid = Grid.around(5.0, step, rng).turned(rng.uniform(0, 2 * np.pi)).bent(2.6, 0.14)
    inside = grid.disc(radius, longer=float(np.clip(rng.normal(1.03, 0.03), 1.0, 1.14)))
    away = np.clip(1 - np.hypot(grid.x - rng.normal(0, 0.25), grid.y - rng.normal(0, 0.25)) / radius, 0, 1)
    pallor = rng.uniform(0.3, 0.78) * np.exp(-(((1 - away) / rng.uniform(0.36, 0.5)) ** 2.6))
    thick = (1 - pallor) * soft(inside - 0.15, 0.75) * (1 + 0.06 * grid.x / radius) * (1 + 0.012 * grid.noise(0.5))
    edge = 0.13 * np.exp(-(((inside - 0.35) / 0.22) ** 2)) - 0.10 * np.exp(-(((inside + 0.32) / 0.22) ** 2))
    return ((thick + edge) * rng.normal(1.0, 0.06))[..., None] * HAEMOGLOBIN


def platelet(step: float, rng: np.random.Generator) -> np.ndarray:
    """Return the density (n, n, 3) of a platelet: 1.5 to 3 micrometres, pale with purple granules in the middle."""
    radius = rng.uniform(0.8, 1.5)
    grid = Grid.around(2.8, step, rng)
    inside = grid.bent(0.8, 0.16).disc(radius, longer=rng.uniform(1.0, 1.2))
    granules = spots(grid, inside > 0.25, int(16 * radius**2), (0.12, 0.24))
    return ((0.55 + 1.1 * granules) * soft(inside, 0.4))[..., None] * AZURE


def field(
    size: tuple[int, int],
    scale: float,
    white: Sequence[tuple[str, tuple[float, float]]],
    light: Light,
    seed: int,
    crowding: float = 1.0,
) -> tuple[np.ndarray, list[Placed]]:
    """Draw a piece of smear.

    Parameters
    ----------
    size : (int, int)
        Width and height, in pixels.
    scale : float
        Micrometres a pixel.
    white : sequence of (str, (float, float))
        Kind of each white cell, and its place as shares of width and height.
    light : Light
        How it is lit and seen.
    seed : int
        Same seed, same picture.
    crowding : float
        How many red cells; 1 is the part of a smear where cells are counted.

    Returns
    -------
    picture : ndarray of shape (height, width, 3), uint8
        RGB.
    placed : list of Placed
        The white cells.
    """
    rng = np.random.default_rng(seed)
    step = scale / FINER
    width, height = size[0] * FINER, size[1] * FINER
    density = np.zeros((height, width, 3), np.float32)
    density += 0.006 * noise((height, width), 9 / step, rng)[..., None] * np.float32([1, 1.2, 1])
    placed, taken = [], []
    for kind, (across, down) in white:
        cell = white_cell(kind, step, rng)
        x, y = across * width, down * height
        _add(density, cell.density, x, y)
        rows, columns = np.nonzero(cell.inside > 0)
        corner = np.array([x, y]) - cell.inside.shape[0] / 2
        ends = [columns.min() + corner[0], rows.min() + corner[1], columns.max() + corner[0], rows.max() + corner[1]]
        placed.append(Placed(kind, tuple(round(float(end) / FINER) for end in ends)))
        taken.append((x * step, y * step, 0.5 * (columns.max() - columns.min()) * step - 0.2))
    _strew(density, step, taken, rng, crowding)
    return light.picture(density, step, rng), placed


def _strew(
    density: np.ndarray,
    step: float,
    taken: list[tuple[float, float, float]],
    rng: np.random.Generator,
    crowding: float,
) -> None:
    """Throw red cells, then platelets, where there is room; a few red cells lie on their neighbours' rims."""
    height, width = density.shape[:2]
    across, down = width * step, height * step
    wanted = int(crowding * across * down / 78)
    middles = [(x, y, radius, True) for x, y, radius in taken]
    for draw, radius, count in ((red_cell, 3.75, wanted), (platelet, 1.3, max(1, wanted // 14))):
        done = 0
        for _ in range(60 * count):
            x, y = rng.uniform(-3, across + 3), rng.uniform(-3, down + 3)
            overlap = 0.72 if rng.random() < 0.02 else 1.0
            if any(np.hypot(x - a, y - b) < (radius + c) * (1.0 if white else overlap) for a, b, c, white in middles):
                continue
            middles.append((x, y, radius, False))
            _add(density, draw(step, rng), x / step, y / step)
            done += 1
            if done == count:
                break


def _add(density: np.ndarray, part: np.ndarray, x: float, y: float) -> None:
    """Add a part's density to the whole, its middle at (x, y) pixels; what lies beyond the border is left out."""
    height, width = density.shape[:2]
    left, top = round(x) - part.shape[1] // 2, round(y) - part.shape[0] // 2
    rows = slice(max(top, 0), min(top + part.shape[0], height))
    columns = slice(max(left, 0), min(left + part.shape[1], width))
    if rows.start < rows.stop and columns.start < columns.stop:
        density[rows, columns] += part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
