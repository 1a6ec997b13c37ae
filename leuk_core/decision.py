"""From scores to an answer or to "undecided": calibration, threshold and the distance to the training cells."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from scipy.spatial.distance import cdist

from leuk_core.errors import ModelUnavailable
from leuk_core.evaluation.calibration import Calibrator
from leuk_core.registry.versions import check_files
from leuk_core.settings import settings


@dataclass(frozen=True, slots=True)
class Decision:
    """Calibration and threshold of one model version, learnt from out-of-fold scores.

    Parameters
    ----------
    calibrator : Calibrator
        From scores to probabilities.
    threshold : float
        An answer whose highest probability is lower is "undecided".
    """

    calibrator: Calibrator = field(default_factory=Calibrator)
    threshold: float = 0.0

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Decision:
        """Read the decision from an evaluation file of kind "decision"; an empty one leaves the scores as they are."""
        calibration = facts.get("calibration")
        return cls(
            calibrator=Calibrator.from_dict(calibration) if calibration else Calibrator(),
            threshold=float(facts.get("threshold", 0.0)),
        )

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (n, classes) for scores (n, classes)."""
        return self.calibrator.apply(scores)


class Novelty:
    """Tells pictures apart that are unlike the training cells, by the distance to their nearest neighbours.

    Features are brought to a few principal components of the training cells, whitened; the distance is the mean to
    the five nearest of a stored sample of them.

    Parameters
    ----------
    mean : ndarray of shape (features,)
        Mean feature of the training cells.
    components : ndarray of shape (k, features)
        Whitened principal components.
    cells : ndarray of shape (n, k)
        The stored sample.
    limit : float
        Largest distance that still counts as like them.
    """

    neighbours = 5

    def __init__(self, mean: np.ndarray, components: np.ndarray, cells: np.ndarray, limit: float) -> None:
        self.mean = mean.astype(np.float32)
        self.components = components.astype(np.float32)
        self.cells = cells.astype(np.float32)
        self.limit = limit

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return the distance of each row of `features` (n, features) to the training cells."""
        place = (features - self.mean) @ self.components.T
        apart = cdist(place, self.cells)
        return np.sort(apart, axis=1)[:, : self.neighbours].mean(axis=1)

    def is_unlike(self, features: np.ndarray) -> np.ndarray:
        """Return, for each row, whether it lies beyond the limit."""
        return self.distance(features) > self.limit


@lru_cache(maxsize=8)
def load_novelty(task: str, version: str) -> Novelty:
    """Return the stored sample of a task's training cells; the last eight stay in memory.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """
    folder = settings().models_dir / task / "reference" / version
    try:
        card = json.loads((folder / "card.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The reference cells of {task} can't be read: install the models anew. Received: {error}"
        ) from error
    if wrong := check_files(folder, card["files"]):
        raise ModelUnavailable(f"The reference cells of {task} can't be used: {' '.join(wrong)} Received: {version!r}")
    arrays = load_file(folder / "reference.safetensors")
    return Novelty(arrays["mean"], arrays["components"], arrays["cells"], float(card["limit"]))
