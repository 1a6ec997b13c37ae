"""Occlusion: how far the probability of a class falls when a part of the cell is covered (Zeiler and Fergus 2014)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from leuk_core.explain.lattice import Lattice

GRID = 8
"""Places across the cell's bounding box, either way."""

OVERLAP = 2.0
"""Width of a window in steps from one place to the next."""

LEAST_CELL = 0.25
"""Share of a window that must be cell."""

LEAST_FALL = 1e-6
"""Of a probability that counts: below it lie rounding errors."""


def occlude(
    seen: np.ndarray,
    mask: np.ndarray,
    probability: Callable[[np.ndarray], np.ndarray],
    grid: int = GRID,
) -> tuple[np.ndarray, Lattice]:
    """Cover the cell window by window and see how far a class's probability falls.

    Parameters
    ----------
    seen : ndarray of shape (size, size, 3), float32 in [0, 1]
        The final picture.
    mask : ndarray of shape (size, size), bool
        The cell on it; not empty.
    probability : callable
        From pictures (n, size, size, 3) to the probability (n,) of the class.
    grid : int
        Places across the cell's bounding box.

    Returns
    -------
    (ndarray of shape (grid, grid), float32, Lattice)
        Fall of the probability, 0 where it doesn't fall or where a window holds hardly any cell, and where the places
        are.

    Notes
    -----
    A covered place gets the cell's mean colour, so that the cell keeps its outline and size. Only the cell is covered.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = float(rows[0]), float(columns[0])
    step_y, step_x = (rows[-1] + 1 - top) / grid, (columns[-1] + 1 - left) / grid
    lattice = Lattice(left + step_x / 2 - 0.5, top + step_y / 2 - 0.5, step_x, step_y)
    mean = seen[mask].mean(axis=0)
    places, covered = [], []
    for row in range(grid):
        for column in range(grid):
            part = _window(lattice, row, column, len(seen))
            inside = mask[part]
            if inside.mean() < LEAST_CELL:
                continue
            picture = seen.copy()
            picture[part][inside] = mean
            places.append((row, column))
            covered.append(picture)
    found = np.zeros((grid, grid), np.float32)
    if places:
        values = np.asarray(probability(np.stack([seen, *covered])))
        fall = values[0] - values[1:]
        found[tuple(np.transpose(places))] = np.where(fall > LEAST_FALL, fall, 0.0)
    return found, lattice


def _window(lattice: Lattice, row: int, column: int, size: int) -> tuple[slice, slice]:
    half_y, half_x = lattice.step_y * OVERLAP / 2, lattice.step_x * OVERLAP / 2
    y, x = lattice.top + row * lattice.step_y + 0.5, lattice.left + column * lattice.step_x + 0.5
    return (
        slice(max(0, round(y - half_y)), min(size, round(y + half_y))),
        slice(max(0, round(x - half_x)), min(size, round(x + half_x))),
    )
