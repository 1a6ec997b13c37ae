"""White cells: what each kind absorbs, as optical density over its own piece of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from assets.draw.shapes import Grid, joined, less, soft, spots

# optical density of red, green and blue at full thickness, as azure and eosin give it
CHROMATIN = np.float32([0.56, 0.98, 0.22])
PALE_CHROMATIN = np.float32([0.36, 0.72, 0.22])
BLUE = np.float32([0.37, 0.33, 0.08])
GREY_BLUE = np.float32([0.18, 0.19, 0.06])
PINK = np.float32([0.07, 0.14, 0.07])
EOSIN = np.float32([0.12, 0.35, 0.25])
AZURE = np.float32([0.26, 0.42, 0.12])


@dataclass(frozen=True)
class WhiteCell:
    """A drawn cell.

    Parameters
    ----------
    density : ndarray of shape (n, n, 3), float32
        Optical density of red, green and blue.
    inside : ndarray of shape (n, n), float32
        Signed distance to the cell's outline, in micrometres.
    """

    density: np.ndarray
    inside: np.ndarray


def _chromatin(grid: Grid, inside: np.ndarray, clump: float, depth: float) -> np.ndarray:
    """Return the density of a nucleus: clumps of `clump` micrometres, `depth` deep, a darker rim, pale gaps."""
    web = np.abs(grid.noise(0.7 * clump)) - 0.7
    texture = 0.6 * np.tanh(1.3 * grid.noise(clump)) + 0.55 * web + 0.25 * grid.noise(0.14)
    rim = np.exp(-((np.maximum(inside, 0) / 0.4) ** 2))
    gaps = soft(grid.noise(0.2) - 1.75, 0.9) * soft(inside - 0.5, 0.6)
    thickness = (1.0 + depth * texture + 0.22 * rim) * (1 - 0.4 * gaps) * (0.95 + 0.06 * grid.noise(2.5))
    share = np.clip(0.55 + 0.9 * depth * texture + 0.4 * rim - 0.5 * gaps, 0, 1)[..., None]
    colour = share * CHROMATIN + (1 - share) * PALE_CHROMATIN
    return np.clip(thickness, 0.2, None)[..., None] * colour


def _put_together(cell: np.ndarray, cytoplasm: np.ndarray, nucleus: np.ndarray, chromatin: np.ndarray) -> WhiteCell:
    """Lay a nucleus into its cytoplasm; both are signed distances with densities."""
    cover = soft(np.minimum(nucleus, cell - 0.1), 0.3)[..., None]
    halo = 1 - 0.35 * np.exp(-(((nucleus + 0.25) / 0.3) ** 2))[..., None]  # the pale line that nuclei often have
    body = cytoplasm * halo * soft(cell, 0.35)[..., None]
    return WhiteCell((body * (1 - 0.85 * cover) + chromatin * cover).astype(np.float32), cell)


def _cytoplasm(grid: Grid, cell: np.ndarray, colour: np.ndarray, rim: float, grain: float) -> np.ndarray:
    """Return cytoplasm of one colour, darker by `rim` at the membrane, mottled by `grain`."""
    mottle = 1 + grain * (0.6 * grid.noise(0.5) + 0.4 * grid.noise(0.18))
    edge = 1 + rim * np.exp(-((np.maximum(cell, 0) / 0.5) ** 2))
    return np.clip(mottle * edge, 0.1, None)[..., None] * colour


def lymphocyte(grid: Grid, diameter: float) -> WhiteCell:
    """Draw a small lymphocyte: a round, clumped nucleus that nearly fills a blue cytoplasm."""
    rng, bent = grid.rng, grid.bent(2.2, 0.16).bent(0.6, 0.05).turned(_angle(grid))
    radius = diameter / 2
    cell = bent.disc(radius, longer=rng.uniform(1.0, 1.05))
    size = radius * rng.uniform(0.84, 0.9)
    off = (radius - size) * rng.uniform(0.2, 0.8)
    nucleus = grid.bent(1.8, 0.13).disc(size, off, 0.4 * off, longer=rng.uniform(1.0, 1.06))
    if rng.random() < 0.5:  # a shallow notch
        nucleus = less(nucleus, bent.disc(0.6 * size, off - 1.45 * size, 0.0), 0.5)
    blue = _cytoplasm(grid, cell, BLUE, 0.7, 0.22)
    return _put_together(cell, blue, nucleus, 1.08 * _chromatin(grid, nucleus, 0.5, 0.34))


def blast(grid: Grid, diameter: float) -> WhiteCell:
    """Draw a blast-like cell: large, fine chromatin, nucleoli, a narrow rim of deep blue cytoplasm."""
    rng, bent = grid.rng, grid.bent(3.0, 0.3).bent(0.9, 0.06).turned(_angle(grid))
    radius = diameter / 2
    cell = bent.disc(radius, longer=rng.uniform(1.0, 1.09))
    size = radius * rng.uniform(0.84, 0.91)
    off = (radius - size) * rng.uniform(0.3, 0.9)
    nucleus = grid.bent(2.6, 0.28).disc(size, off, -0.3 * off, longer=rng.uniform(1.0, 1.1))
    if rng.random() < 0.6:  # a notch that goes on as a fold
        nucleus = less(nucleus, bent.disc(0.35 * size, off - 1.2 * size, 0.0), 0.6)
    chromatin = 0.86 * _chromatin(grid, nucleus, 0.28, 0.27)
    fold = grid.bent(1.5, 0.5).turned(_angle(grid)).rod((-0.9 * size, 0.2 * size), (0.2 * size, 0.1 * size), 0.0)
    chromatin *= 1 + 0.16 * np.exp(-((fold / 0.3) ** 2))[..., None]
    nucleoli = spots(grid.bent(0.5, 0.1), nucleus > 0.3 * size, int(rng.integers(1, 4)), (0.75, 1.15))
    chromatin *= 1 - 0.55 * nucleoli[..., None] * np.float32([0.6, 0.9, 0.3])
    return _put_together(cell, 1.12 * _cytoplasm(grid, cell, BLUE, 0.35, 0.28), nucleus, chromatin)


def neutrophil(grid: Grid, diameter: float) -> WhiteCell:
    """Draw a segmented neutrophil: three to five lobes on threads, pale cytoplasm with fine granules."""
    rng, bent = grid.rng, grid.bent(2.5, 0.25).bent(0.8, 0.05)
    cell = bent.disc(diameter / 2, longer=rng.uniform(1.0, 1.06))
    nucleus = _lobes(grid, diameter, int(rng.integers(3, 6)), turn=rng.uniform(0.95, 1.25))
    pink = _cytoplasm(grid, cell, 1.0 * PINK, 0.35, 0.25)
    granules = spots(grid, cell > 0.2, int(2.6 * diameter**2), (0.09, 0.2))
    pink = pink + 0.55 * granules[..., None] * AZURE
    return _put_together(cell, pink, nucleus, 1.06 * _chromatin(grid, nucleus, 0.45, 0.4))


def eosinophil(grid: Grid, diameter: float) -> WhiteCell:
    """Draw an eosinophil: two lobes in a cytoplasm packed with orange granules."""
    rng, bent = grid.rng, grid.bent(2.5, 0.22).bent(0.6, 0.05)
    cell = bent.disc(diameter / 2, longer=rng.uniform(1.0, 1.06))
    nucleus = _lobes(grid, 1.05 * diameter, int(rng.integers(2, 4)), turn=1.35)
    granules = spots(grid, cell > 0.25, int(5 * diameter**2), (0.2, 0.38))
    packed = (0.26 + 0.84 * granules + 0.08 * grid.noise(0.2)) * (0.93 + 0.1 * grid.noise(1.5))
    return _put_together(cell, packed[..., None] * EOSIN, nucleus, 1.0 * _chromatin(grid, nucleus, 0.42, 0.38))


def monocyte(grid: Grid, diameter: float) -> WhiteCell:
    """Draw a monocyte: large, a folded nucleus with lacy chromatin, grey-blue cytoplasm with vacuoles."""
    rng, bent = grid.rng, grid.bent(3.5, 0.6).bent(1.2, 0.1)
    radius = diameter / 2
    cell = bent.disc(radius, longer=rng.uniform(1.0, 1.1))
    folded = grid.bent(2.6, 0.75).bent(0.9, 0.12).turned(_angle(grid))
    bend = rng.uniform(0.28, 0.42) * radius
    points = [(-0.42 * radius, -bend / 2), (0.0, bend / 2), (0.42 * radius, -bend / 2)]
    thick = 0.4 * radius
    parts = [folded.rod(a, b, thick) for a, b in pairwise(points)]
    dent = folded.rod((0.1 * radius, -0.7 * radius), (rng.uniform(-0.3, 0.3) * radius, -0.35 * radius), 0.13 * radius)
    nucleus = less(joined(parts, 0.25), dent, 0.5)
    chromatin = 0.74 * _chromatin(grid, nucleus, 0.34, 0.36)
    fold = np.exp(-((folded.rod((-0.3 * radius, -0.1), (0.25 * radius, 0.25), 0.0) / 0.28) ** 2))
    grey = _cytoplasm(grid, cell, 1.15 * GREY_BLUE, 0.25, 0.3)
    grey = grey + 0.3 * spots(grid, cell > 0.3, int(0.5 * diameter**2), (0.08, 0.14))[..., None] * AZURE
    grey *= 1 - 0.85 * spots(grid, (cell > 0.8) & (nucleus < -0.6), int(rng.integers(0, 5)), (0.25, 0.45))[..., None]
    return _put_together(cell, grey, nucleus, chromatin * (1 + 0.16 * fold[..., None]))


def _lobes(grid: Grid, diameter: float, count: int, turn: float) -> np.ndarray:
    """Return the signed distance to `count` lobes along an arc of about `turn` half circles, joined by threads."""
    rng, uneven = grid.rng, grid.bent(1.3, 0.16)
    start, way = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
    angles = start + way * np.pi * turn * np.linspace(0, 1, count)
    radius = diameter * rng.uniform(0.19, 0.23)
    off = 0.06 * diameter * rng.standard_normal(2)
    middles = [
        (off[0] + radius * np.cos(a) * rng.uniform(0.85, 1.15), off[1] + radius * np.sin(a) * rng.uniform(0.85, 1.15))
        for a in angles
    ]
    sizes = diameter * rng.uniform(0.115, 0.15, count) * (1.25 if count < 4 else 1.0)
    parts = [
        uneven.turned(0).disc(size, x, y, longer=rng.uniform(0.9, 1.12))
        for (x, y), size in zip(middles, sizes, strict=True)
    ]
    parts += [uneven.rod(a, b, rng.uniform(0.2, 0.55)) for a, b in pairwise(middles)]
    return joined(parts, 0.16)


def _angle(grid: Grid) -> float:
    """Return a random angle, in radians."""
    return float(grid.rng.uniform(0, 2 * np.pi))


KINDS: dict[str, tuple[Callable[[Grid, float], WhiteCell], tuple[float, float]]] = {
    "lymphocyte": (lymphocyte, (9.0, 10.6)),
    "blast": (blast, (12.0, 14.5)),
    "neutrophil": (neutrophil, (12.0, 13.8)),
    "eosinophil": (eosinophil, (12.4, 14.2)),
    "monocyte": (monocyte, (15.0, 17.5)),
}
"""By kind: the function that draws it, and its smallest and largest diameter in micrometres on a smear."""
