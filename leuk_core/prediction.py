"""What a model answers about one picture, and the object that answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason not to believe an answer: a short code and a sentence for a person."""

    code: str
    text: str


@dataclass(frozen=True)
class Prediction:
    """One model's answer about one picture.

    Parameters
    ----------
    model : str
        Full reference, `<task>/<model>@<version>`.
    recipe_hash : str
        Hash of the recipe that the picture went through.
    pixels_sha256 : str
        Identity of the picture.
    probabilities : dict of str to float
        By class id, in the order of the task's card; sums to 1. Empty where nothing could be shown to the model.
    label : str or None
        Class id, or None for "undecided".
    doubts : tuple of Doubt
        Every reason found; empty where there is none.
    seen : ndarray of shape (size, size, 3), float32 in [0, 1], or None
        What the model was shown, before its own scaling.
    milliseconds : float
        Time from decoded picture to answer.
    """

    model: str
    recipe_hash: str
    pixels_sha256: str
    probabilities: dict[str, float]
    label: str | None
    doubts: tuple[Doubt, ...] = field(default=())
    seen: np.ndarray | None = None
    milliseconds: float = 0.0
