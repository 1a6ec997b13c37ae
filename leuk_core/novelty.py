"""Novelty: is a cell like those that a task's models learnt from, in size and colour and in kind?

Two distances, because each sees what the other doesn't. Size and colour on the original picture tell another stain,
light or camera. A linear model on pooled DCNN features, of a picture whose stain was normalised, tells another kind of
cell.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from leuk_core.errors import ModelUnavailable
from leuk_core.registry.versions import check_files
from leuk_core.settings import settings

CHANNELS = 256
"""Filters of the DCNN's last convolution."""


@dataclass(frozen=True)
class Novelty:
    """Both distances with their limits; a larger distance is less like the training cells.

    Parameters
    ----------
    look_mean : ndarray of shape (4,)
        Mean of `look` over the training cells.
    look_covariance : ndarray of shape (4, 4)
        Its covariance.
    look_limit : float
        Largest squared Mahalanobis distance that still counts as like them.
    kind_weights : ndarray of shape (512,)
        Weights of the linear model on `pooled` features.
    kind_bias : float
        Its bias.
    kind_limit : float
        Largest score that still counts as their kind.
    extractor : str
        Reference of the network whose features `kind` works on.
    """

    look_mean: np.ndarray
    look_covariance: np.ndarray
    look_limit: float
    kind_weights: np.ndarray
    kind_bias: float
    kind_limit: float
    extractor: str

    def look_distance(self, areas: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distance of cells; those of unknown area are judged by colour alone.

        Parameters
        ----------
        areas : ndarray of shape (n,)
            Square micrometres; NaN where unknown.
        colours : ndarray of shape (n, 3)
            Mean red, green, blue on the original picture, 0 to 255.
        """
        apart = look(areas, colours) - self.look_mean
        known = np.isfinite(areas)
        distance = np.empty(len(apart))
        for these, first in ((known, 0), (~known, 1)):
            part = apart[these, first:]
            precision = np.linalg.inv(self.look_covariance[first:, first:])
            distance[these] = np.einsum("ij,jk,ik->i", part, precision, part)
        return distance

    def kind_score(self, features: np.ndarray) -> np.ndarray:
        """Return, for DCNN features (n, positions * 256), how much rather they are those of another kind of cell."""
        return pooled(features) @ self.kind_weights + self.kind_bias

    def other_look(self, areas: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """Return, for each cell, whether its size and colour lie beyond the limit."""
        return ~(self.look_distance(areas, colours) <= self.look_limit)

    def other_kind(self, features: np.ndarray) -> np.ndarray:
        """Return, for each cell, whether its score lies beyond the limit."""
        return ~(self.kind_score(features) <= self.kind_limit)


def look(areas: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return log area and optical density of red, green and blue, float64 (n, 4)."""
    density = -np.log((np.asarray(colours, np.float64) + 1.0) / 256.0)
    return np.column_stack([np.log(np.asarray(areas, np.float64)), density])


def pooled(features: np.ndarray) -> np.ndarray:
    """Return mean and maximum of each channel over all positions, (n, 512), of DCNN features (n, positions * 256)."""
    maps = np.asarray(features, np.float32).reshape(len(features), -1, CHANNELS)
    return np.concatenate([maps.mean(axis=1), maps.max(axis=1)], axis=1)


@lru_cache(maxsize=8)
def load_novelty(task: str, version: str) -> Novelty:
    """Return what a task's models are compared with; the last eight stay in memory.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """
    folder = settings().models_dir / task / "reference" / version
    try:
        card: dict[str, Any] = json.loads((folder / "card.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The reference cells of {task} can't be read: install the models anew. Received: {error}"
        ) from error
    if wrong := check_files(folder, card["files"]):
        raise ModelUnavailable(f"The reference cells of {task} can't be used: {' '.join(wrong)} Received: {version!r}")
    arrays = load_file(folder / "reference.safetensors")
    return Novelty(
        look_mean=arrays["look_mean"],
        look_covariance=arrays["look_covariance"],
        look_limit=float(card["limits"]["look"]),
        kind_weights=arrays["kind_weights"],
        kind_bias=float(arrays["kind_bias"][0]),
        kind_limit=float(card["limits"]["kind"]),
        extractor=card["extractor"],
    )
