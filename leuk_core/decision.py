"""From scores to an answer or to "undecided": calibration and threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from leuk_core.evaluation.calibration import Calibrator


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
