"""Crops of fields for the detector: other sizes, sides, stains and light, so that another microscope is met before."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from leuk_core.cells.network import WHITE, WORKING_SCALE, evened, scaled
from leuk_core.cells.scale import red_cells_scale
from train.fields import BoxedField

USUAL_SCALE = 0.085
"""Micrometres a pixel of BCCD, median of its fields by their red cells."""

SIDE = 192
"""Of a crop, in pixels at the working scale."""

ZOOM = (0.45, 1.6)
"""Range of sizes, at the working scale 1: red cells tell the scale of a crowded field by a factor of two at worst."""

LEAST_SEEN = 0.3
"""Share of a cell that a crop must show for it to be one."""


@dataclass(frozen=True)
class Material:
    """A field twice as fine as the network sees it, its light evened out, and its boxes in those pixels."""

    picture: np.ndarray
    boxes: np.ndarray


def material(field: BoxedField, usual: float) -> Material:
    """Prepare a field; `usual` micrometres a pixel where the red cells tell none."""
    pixels = field.picture().pixels
    factor = min(1.0, 2 * (red_cells_scale(pixels) or usual) / WORKING_SCALE)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Material(evened(small), field.boxes * factor)


def batch(fields: list[Material], size: int, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return `size` crops, scaled, and the boxes of each."""
    pictures, boxes = zip(*(_crop(fields[rng.integers(len(fields))], rng) for _ in range(size)), strict=True)
    return scaled(np.stack(pictures)), list(boxes)


def _crop(field: Material, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    zoom = 0.5 * np.exp(rng.uniform(*np.log(ZOOM)))
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    turn = rng.integers(4) * 90 + rng.uniform(-10, 10)
    flip = 1 if rng.random() < 0.5 else -1
    high, wide = field.picture.shape[:2]
    middle = np.array([rng.uniform(0, wide), rng.uniform(0, high)])
    if len(field.boxes) and rng.random() < 0.6:
        box = field.boxes[rng.integers(len(field.boxes))]
        middle = (box[:2] + box[2:]) / 2 + rng.uniform(-0.45, 0.45, 2) * SIDE / zoom
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * zoom * stretch, zoom / stretch])
    matrix = np.column_stack([linear, SIDE / 2 - linear @ middle])
    border = cv2.BORDER_REFLECT if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    source = cv2.GaussianBlur(field.picture, (0, 0), rng.uniform(0.6, 1.6))
    crop = cv2.warpAffine(
        source, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(WHITE, WHITE, WHITE)
    )
    boxes = field.boxes
    if border == cv2.BORDER_REFLECT:
        boxes = _mirrored(_mirrored(boxes, 0, wide), 1, high)
    return _stained(crop, rng), _inside(_moved(boxes, matrix))


def _mirrored(boxes: np.ndarray, axis: int, length: int) -> np.ndarray:
    """Add the boxes as two mirrors at both ends of an axis show them."""
    found = [boxes]
    for end in (0, length):
        seen = boxes.copy()
        seen[:, [axis, axis + 2]] = 2 * end - boxes[:, [axis + 2, axis]]
        found.append(seen)
    return np.concatenate(found)


def _moved(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the boxes around the ellipses in turned boxes."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt((half**2) @ (matrix[:, :2] ** 2).T)
    return np.concatenate([middle - reach, middle + reach], axis=1)


def _inside(boxes: np.ndarray) -> np.ndarray:
    """Cut boxes to the crop; what shows too little of its cell goes."""
    cut = np.clip(boxes, 0, SIDE)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    kept = np.prod(cut[:, 2:] - cut[:, :2], axis=1) >= LEAST_SEEN * np.maximum(area, 1)
    return cut[kept]


def _stained(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the crop under another stain and light."""
    density = -np.log10(np.clip(crop, 1, WHITE) / WHITE)
    mixed = np.diag(np.exp(rng.uniform(np.log(0.6), np.log(1.6), 3))) + rng.uniform(-0.15, 0.15, (3, 3))
    density = np.maximum(density @ mixed.astype(np.float32), 0) * np.float32(np.exp(rng.uniform(-0.3, 0.3)))
    light = np.float32(WHITE) * rng.uniform(0.88, 1.08, 3).astype(np.float32)
    changed = light * np.power(np.float32(10), -density) + rng.normal(0, rng.uniform(0, 4), crop.shape)
    return np.clip(changed, 0, 255).astype(np.float32)
