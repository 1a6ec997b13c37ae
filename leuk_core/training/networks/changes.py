"""What is changed in a copy of a cell that a network learns from: the paper's augmentations, and the stain."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.augment import Augmentation

SCALE_LIMIT = 0.05
"""Largest change of cell size, as a share, that any one augmentation may make: the size of a cell is evidence."""

_DARKEST = 1.0 / 255.0


@dataclass(frozen=True, slots=True)
class Changes:
    """Ranges to draw from; 0 switches a change off.

    Parameters
    ----------
    augmentation : Augmentation
        The paper's seven. Zoom, crop and padding are at most 0.05, so that a cell keeps its scale.
    stain_gain : float
        Largest relative change of each channel's optical density inside the cell, 0 to 0.9.
    stain_offset : float
        Largest optical density (natural logarithm) added to each channel inside the cell, 0 to 1.

    Raises
    ------
    InvalidParameter
        If a range is too wide.
    """

    augmentation: Augmentation = field(default_factory=Augmentation)
    stain_gain: float = 0.0
    stain_offset: float = 0.0

    def __post_init__(self) -> None:
        for name in ("zoom", "crop", "padding"):
            value = getattr(self.augmentation, name)
            if value > SCALE_LIMIT:
                raise InvalidParameter(
                    f"`{name}` must be at most {SCALE_LIMIT} for a network: cell size is evidence. Received: {value}"
                )
        for name, highest in (("stain_gain", 0.9), ("stain_offset", 1.0)):
            value = getattr(self, name)
            if not 0 <= value <= highest:
                raise InvalidParameter(f"`{name}` must be from 0 to {highest}. Received: {name}={value}")

    def to_dict(self) -> dict[str, Any]:
        """Return the ranges as plain JSON types, for the run's record."""
        return asdict(self)

    def apply(self, picture: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a changed picture and the outline changed with it.

        Parameters
        ----------
        picture : ndarray of shape (size, size, 3), float32 in [0, 1]
            After LoGMH, before scaling.
        mask : ndarray of shape (size, size), bool
            The cell.
        rng : numpy.random.Generator
            The same state gives the same changes.
        """
        drawn = self.augmentation.draw(rng)
        gain, offset = rng.uniform(-1.0, 1.0, (2, 3))
        if self.stain_gain or self.stain_offset:
            picture = stained(picture, mask, 1.0 + self.stain_gain * gain, self.stain_offset * offset)
        size = len(mask)
        moved = cv2.warpAffine(mask.astype(np.uint8) * 255, drawn.matrix(size), (size, size), flags=cv2.INTER_LINEAR)
        return drawn.apply(picture), moved >= 128

    def outline(self, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the outline alone, as `apply` changes it for the same state of `rng`."""
        size = len(mask)
        matrix = self.augmentation.draw(rng).matrix(size)
        moved: np.ndarray = cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (size, size), flags=cv2.INTER_LINEAR)
        return moved >= 128


def stained(picture: np.ndarray, mask: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return the picture with `density * gain + offset` for each channel's optical density inside the cell.

    Parameters
    ----------
    picture : ndarray of shape (size, size, 3), float32 in [0, 1]
        The optical density of a value is minus its natural logarithm; 1/255 is the darkest that counts.
    mask : ndarray of shape (size, size), bool
        The cell; what is outside stays.
    gain, offset : ndarray of shape (3,)
        One for each channel.
    """
    inside = np.maximum(picture[mask], np.float32(_DARKEST))
    changed = picture.copy()
    values = inside ** gain.astype(np.float32) * np.exp(-offset).astype(np.float32)
    changed[mask] = np.clip(values, 0.0, 1.0)
    return changed
