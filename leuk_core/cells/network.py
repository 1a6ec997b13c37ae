"""The detector of white cells: CenterNet of the zoo with one class, on fields of any size at one scale.

Only the trunk's layers up to stride 16 are kept: at 0.2 micrometres a pixel they see far more than a cell. The field's
light is evened out first, so that ground is white on every microscope.
"""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np

from leuk_core.preprocessing.cutout import optical_density
from leuk_core.preprocessing.recipe import SCALES
from leuk_core.zoo import centernet, detection, efficientnet_lite

WORKING_SCALE = 0.2
"""Micrometres a pixel that the network is shown."""

STRIDE = 4
"""Pixels of the picture at each place of the maps."""

COARSEST = 16
"""Sides of the picture are multiples of it."""

UNIT = 64.0
"""Pixels in which widths and heights are said: a large white cell."""

CELL_OVERLAP = 0.4
"""Intersection over union from which two boxes are one cell."""

WHITE = 230.0
"""Of 255, where the ground is."""

Boxes = list[tuple[float, float, float, float, float]]
"""x0, y0, x1, y1 in pixels of what was shown, and the score."""


def build(filters: int = 48) -> keras.Model:
    """Build the network.

    Parameters
    ----------
    filters : int
        Of the maps above the trunk: a multiple of 16.

    Returns
    -------
    keras.Model
        From (n, height, width, 3), sides multiples of 16, to "heat" (n, height / 4, width / 4, 1) in [0, 1], "extent"
        (..., 2), width and height in `UNIT`, and "offset" (..., 2), the centre within its place.
    """
    inputs = keras.Input((None, None, 3), name="picture")
    levels = efficientnet_lite.trunk(inputs)
    x = centernet.merge(levels.stride16, levels.stride8, 2 * filters, "up8")
    x = centernet.merge(x, levels.stride4, filters, "up4")
    outputs = [
        centernet.read(x, 1, "heat", centernet.RARE, "sigmoid"),
        centernet.read(x, 2, "extent", 1.0),
        centernet.read(x, 2, "offset", 0.5),
    ]
    return keras.Model(inputs, outputs, name="cells")


def losses() -> list[keras.losses.Loss]:
    """Return the losses of the three outputs."""
    return [
        detection.PenaltyReducedFocal(),
        detection.SmoothL1(0.1, "extent"),
        detection.SmoothL1(0.5, "offset"),
    ]


LOSS_WEIGHTS = [1.0, 1.0, 0.2]


def evened(pixels: np.ndarray) -> np.ndarray:
    """Return a field (height, width, 3; uint8 or float32) with white ground, float32 from 0 to `WHITE`."""
    return np.float32(WHITE) * np.power(np.float32(10), -optical_density(pixels))


def shown(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Return what the network is shown of a field.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.
    factor : float
        Pixels shown for one of the field.

    Returns
    -------
    ndarray of shape (1, h, w, 3), float32
        Scaled; filled with ground up to multiples of 64, so that few shapes occur.
    """
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = evened(cv2.resize(pixels, size, interpolation=how))
    high, wide = (-(-side // 64) * 64 for side in small.shape[:2])
    full = np.full((high, wide, 3), WHITE, np.float32)
    full[: small.shape[0], : small.shape[1]] = small
    return scaled(full[None])


def scaled(pictures: np.ndarray) -> np.ndarray:
    """Bring pictures from 0 to 255 to the range that the trunk expects."""
    factor, offset = SCALES["lite"]
    return pictures * np.float32(factor / 255.0) + np.float32(offset)


def targets(boxes: list[np.ndarray], height: int, width: int) -> list[np.ndarray]:
    """Return what the outputs should give for boxes (k, 4) of each picture; see `centernet.targets`."""
    rows, columns = height // STRIDE, width // STRIDE
    heat = np.zeros((len(boxes), rows, columns, 1), np.float32)
    extent, offset = (np.zeros((len(boxes), rows, columns, 3), np.float32) for _ in range(2))
    down, across = np.arange(rows)[:, None], np.arange(columns)[None]
    for index, of_picture in enumerate(boxes):
        for x0, y0, x1, y1 in of_picture:
            x, y = (x0 + x1) / 2 / STRIDE, (y0 + y1) / 2 / STRIDE
            column, row = min(int(x), columns - 1), min(int(y), rows - 1)
            sigma = (2 * int(centernet.radius((x1 - x0) / STRIDE, (y1 - y0) / STRIDE)) + 1) / 6
            bump = np.exp(-((down - row) ** 2 + (across - column) ** 2) / (2 * sigma**2))
            heat[index, :, :, 0] = np.maximum(heat[index, :, :, 0], bump)
            extent[index, row, column] = (x1 - x0) / UNIT, (y1 - y0) / UNIT, 1
            offset[index, row, column] = x - column, y - row, 1
    return [heat, extent, offset]


def boxes_of(outputs: Any, least: float) -> Boxes:
    """Return the boxes around the peaks of one picture's heat map, best first, overlapping ones left out.

    Parameters
    ----------
    outputs : sequence of ndarray
        Heat, extent and offset of one picture.
    least : float
        Smallest score that is kept.
    """
    heat, extent, offset = (np.asarray(values) for values in outputs)
    heat = heat[..., 0]
    peaks = np.argwhere((heat >= least) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))))
    if not len(peaks):
        return []
    rows, columns = peaks.T
    centre = (np.stack([columns, rows], axis=1) + offset[rows, columns]) * STRIDE
    half = np.maximum(extent[rows, columns] * UNIT, STRIDE) / 2
    found = np.concatenate([centre - half, centre + half], axis=1)
    scores = heat[rows, columns]
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if not kept or detection.overlaps(found[kept], found[index]).max() < CELL_OVERLAP:
            kept.append(int(index))
    return [(*map(float, found[index]), float(scores[index])) for index in kept]  # type: ignore[misc]
