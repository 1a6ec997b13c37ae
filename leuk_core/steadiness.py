"""How steady a model's answer about a cell is: how often another class is likeliest on its augmented copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate
from leuk_core.images import SmearImage
from leuk_core.preprocessing.augment import drawn_copies
from leuk_core.preprocessing.kept import kept_stages

if TYPE_CHECKING:
    from leuk_core.prediction import Predictor

AT_ONCE = 32
"""Copies that a model is asked about in one go."""


@dataclass(frozen=True)
class Steadiness:
    """What a model says about a cell and about augmented copies of it.

    Parameters
    ----------
    model : str
        Full reference, `<task>/<model>@<version>`.
    label : str
        Class that is likeliest for the cell as it is, whether or not the model is decided.
    probability : float
        Its calibrated probability there.
    copies : int
        How many augmented copies were asked about.
    flips_to : mapping of str to int
        How many of them have another class likeliest, by that class.
    lowest, highest : float
        Smallest and largest probability of `label` among the copies.
    seed : int
        Of the draws.
    """

    model: str
    label: str
    probability: float
    copies: int
    flips_to: Mapping[str, int]
    lowest: float
    highest: float
    seed: int

    @property
    def flips(self) -> int:
        """How many copies have another class likeliest than the cell itself."""
        return sum(self.flips_to.values())

    @property
    def share(self) -> Estimate:
        """Share of flips with the exact 95 % interval over draws of this one cell."""
        return exact_interval(self.flips, self.copies)


def steadiness(
    predictor: Predictor,
    image: SmearImage,
    copies: int = 100,
    seed: int = 0,
    microns_per_pixel: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Steadiness:
    """Ask a model about a cell and about copies of it, changed by the paper's seven augmentations (section 3.3).

    Parameters
    ----------
    predictor : Predictor
        The loaded model; the cell is brought to form by its own recipe.
    image : SmearImage
        The decoded picture.
    copies : int
        At least 1. Those of a smaller number are the first of a larger one.
    seed : int
        Of the draws: each model is asked about the same ones.
    microns_per_pixel : float or None
        Scale given by a person.
    progress : callable or None
        Called with (done, total) copies; what it raises ends the work.

    Returns
    -------
    Steadiness

    Raises
    ------
    InvalidParameter
        If `copies` is under 1.
    InvalidData
        If no cell is found on the picture.
    """
    if copies < 1:
        raise InvalidParameter(f"`copies` must be at least 1. Received: copies={copies}")
    stages = kept_stages().of(predictor.recipe, image, microns_per_pixel)
    if not stages.cutout.found:
        raise InvalidData(stages.cutout.problem or "No cell was found.")
    whole = stages.pictures["logmh"]
    key = (image.pixels_sha256, predictor.recipe.hash, stages.microns_per_pixel, seed)
    own = predictor.probabilities(whole[None], (*key, "as it is"))[0]
    parts = []
    for start in range(0, copies, AT_ONCE):
        count = min(AT_ONCE, copies - start)
        changed = np.stack([drawn.apply(whole) for drawn in drawn_copies(count, seed, start)])
        parts.append(predictor.probabilities(changed, (*key, start, count)))
        if progress is not None:
            progress(start + count, copies)
    found = np.concatenate(parts)
    classes = [entry.id for entry in predictor.task.classes]
    at = int(own.argmax())
    others = Counter(classes[index] for index in found.argmax(axis=1).tolist() if index != at)
    return Steadiness(
        model=predictor.ref,
        label=classes[at],
        probability=float(own[at]),
        copies=copies,
        flips_to={name: others[name] for name in classes if others[name]},
        lowest=float(found[:, at].min()),
        highest=float(found[:, at].max()),
        seed=seed,
    )
