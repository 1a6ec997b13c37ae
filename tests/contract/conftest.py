"""Networks built once for all contract tests, and cells drawn for them to learn from."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from leuk_core.preprocessing.recipe import SCALES
from leuk_core.zoo import catalogue

SIZE, CLASSES = 96, 2


class DrawnCells(NamedTuple):
    """Small and large cells on black, in turn."""

    pictures: np.ndarray  # (n, SIZE, SIZE, 3), float32 in [0, 1]
    masks: np.ndarray
    labels: np.ndarray

    def scaled(self, scaling: str) -> np.ndarray:
        """Return the pictures in the range that a network expects."""
        factor, offset = SCALES[scaling]
        return (self.pictures * factor + offset).astype(np.float32)


@pytest.fixture(scope="session")
def cells() -> DrawnCells:
    """Draw four cells: an ellipse with a dark round nucleus, somewhere about the middle."""
    rng = np.random.default_rng(5)
    pictures, masks, labels = [], [], []
    for label in (0, 1, 0, 1):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        nucleus = np.zeros_like(mask)
        middle = tuple(int(value) for value in rng.integers(40, 56, 2))
        radius = int(rng.integers(14, 18) if label == 0 else rng.integers(25, 29))
        cv2.ellipse(mask, middle, (radius, int(radius * 0.85)), 0, 0, 360, 1, -1)
        cv2.circle(nucleus, middle, int(radius * 0.7), 1, -1)
        picture = np.zeros((SIZE, SIZE, 3), np.float32)
        picture[mask > 0] = (0.75, 0.6, 0.8)
        picture[nucleus > 0] = (0.4, 0.2, 0.55)
        pictures.append(np.clip(picture + rng.normal(0, 0.02, picture.shape) * (mask[..., None] > 0), 0, 1))
        masks.append(mask > 0)
        labels.append(label)
    return DrawnCells(np.float32(pictures), np.array(masks), np.array(labels, np.int32))


@pytest.fixture(scope="session")
def network() -> Callable[[str], Any]:
    """Return a function that builds a network for 96 pixels and two classes, once; without dropout."""
    import keras

    @cache
    def build(name: str) -> Any:
        keras.utils.set_random_seed(7)
        return catalogue.build(name, CLASSES, SIZE, dropout=0.0)

    return build
