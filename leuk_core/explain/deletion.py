"""The deletion test: does what a map calls hot matter to the answer?"""

from __future__ import annotations

import cv2
import numpy as np

from leuk_core.explain.heat_map import HeatMap
from leuk_core.images import SmearImage
from leuk_core.prediction import Predictor
from leuk_core.preprocessing.kept import kept_stages

RANDOM = 4
"""Random tenths that the hottest tenth of a cell is compared with."""


def falls(
    predictor: Predictor,
    image: SmearImage,
    found: HeatMap,
    rng: np.random.Generator,
    microns_per_pixel: float | None = None,
) -> tuple[float, float]:
    """Return how far the class falls when the hottest tenth of the cell is covered, and when random tenths are.

    Parameters
    ----------
    predictor : Predictor
        The model.
    image : SmearImage
        The picture.
    found : HeatMap
        Its map by any method; not an empty one.
    rng : numpy.random.Generator
        Draws the random tenths, in patches of as smooth an outline.
    microns_per_pixel : float or None
        Scale given by a person, as for the map.

    Returns
    -------
    (float, float)
        Falls in calibrated probability; the second is the mean over `RANDOM` random tenths.

    Notes
    -----
    Deletion after Petsiuk et al. 2018 (RISE). Covered parts take the cell's mean colour with a soft edge, so that no
    new edges appear. Occlusion and saliency are built on the same covering, which favours them here.
    """
    stages = kept_stages().of(predictor.recipe, image, microns_per_pixel)
    seen, mask = stages.pictures["logmh"], stages.mask
    smooth = [cv2.GaussianBlur(rng.random(mask.shape, np.float32), (0, 0), len(mask) / 20) for _ in range(RANDOM)]
    pictures = [seen]
    for values in (found.on_seen, *smooth):
        tenth = cv2.GaussianBlur(hottest_tenth(values, mask).astype(np.float32), (0, 0), 2)
        share = tenth[..., None] * mask[..., None]
        pictures.append(seen * (1 - share) + seen[mask].mean(axis=0) * share)
    index = [entry.id for entry in predictor.task.classes].index(found.label or "")
    probability = predictor.probabilities(np.stack(pictures))[:, index]
    return float(probability[0] - probability[1]), float(probability[0] - probability[2:].mean())


def hottest_tenth(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the tenth of the pixels in `mask` with the highest `values`; both and the result (size, size)."""
    chosen = np.zeros(mask.size, bool)
    order = np.argsort(-np.where(mask, values, -1).ravel(), kind="stable")
    chosen[order[: round(mask.sum() / 10)]] = True
    return chosen.reshape(mask.shape)
