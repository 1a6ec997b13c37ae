"""Single cells cut out on black, in the form of C-NMC's pictures: 450 x 450 pixels, dim light."""

from __future__ import annotations

import cv2
import numpy as np

from assets.draw.shapes import noise
from assets.draw.smear import FINER, Light, Placed, white_cell

SIDE = 450
MICRONS_PER_PIXEL = 0.059
DIM = Light(ground=(143.0, 82.0, 112.0), strength=0.72, falloff=0.02, blur=0.17, grain=0.5)


def single(kind: str, seed: int) -> tuple[np.ndarray, Placed]:
    """Return uint8 RGB (450, 450, 3) of one cell on black, cut out unevenly as segmentation does it, and its place."""
    rng = np.random.default_rng(seed)
    step = MICRONS_PER_PIXEL / FINER
    cell = white_cell(kind, step, rng)
    side = SIDE * FINER
    before = (side - cell.inside.shape[0]) // 2
    after = side - cell.inside.shape[0] - before
    around = ((before, after), (before, after))
    density = np.pad(cell.density, (*around, (0, 0)))
    picture = DIM.picture(density, step, rng)
    inside = cv2.resize(np.pad(cell.inside, around, constant_values=-9.0), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    uneven = inside + 0.05 * noise((SIDE, SIDE), 7.0, rng)
    picture[uneven < 0.05] = 0
    rows, columns = np.nonzero(uneven >= 0.05)
    return picture, Placed(kind, (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())))
