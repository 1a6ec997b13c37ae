"""How a model of either kind, a classifier on DCNN features or a network, comes to its scores for one picture."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from leuk_core.features.extractor import FeatureExtractor, load_extractor
from leuk_core.images import SmearImage
from leuk_core.network import Network
from leuk_core.preprocessing.kept import kept_stages
from leuk_core.preprocessing.recipe import Recipe, Stages
from leuk_core.registry.versions import ModelVersion
from leuk_core.registry.weights import load_classifier
from leuk_core.zoo import classical
from leuk_core.zoo.catalogue import Box

_BATCH = 32


@dataclass(frozen=True)
class Scored:
    """What a model gives for one picture.

    Parameters
    ----------
    scores : ndarray of shape (1, classes), float64
        Before calibration.
    features : ndarray of shape (1, features), float32, or None
        DCNN features, by which other kinds of cells are told apart; None where nothing asks for them.
    boxes : tuple of Box
        What a detector found, in pixels of the final picture.
    """

    scores: np.ndarray
    features: np.ndarray | None
    boxes: tuple[Box, ...] = ()


class Answer(Protocol):
    """Gives scores for a picture brought to form."""

    def __call__(self, image: SmearImage, recipe: Recipe, stages: Stages, microns_per_pixel: float | None) -> Scored:
        """Return the scores of a picture that went through `recipe`; `microns_per_pixel` as a person gave it."""

    def scores_of(self, pictures: np.ndarray, key: Hashable = None) -> np.ndarray:
        """Return scores (n, classes) of scaled pictures; `key` stands for these very ones where they come again."""


class ClassifierAnswer:
    """A version that is a classifier on DCNN features."""

    def __init__(self, version: ModelVersion) -> None:
        self._extractor = load_extractor(version.card["extractor"])
        self._classifier = load_classifier(version.folder / "classifier.skops")

    def __call__(self, image: SmearImage, recipe: Recipe, stages: Stages, microns_per_pixel: float | None) -> Scored:
        """Return the classifier's scores and the features that it worked on."""
        del microns_per_pixel
        features = _features(self._extractor, image, recipe, stages)
        return Scored(classical.scores(self._classifier, features), features)

    def scores_of(self, pictures: np.ndarray, key: Hashable = None) -> np.ndarray:
        """Return the classifier's scores; classifiers on the same features work those out once for a `key`."""
        extractor = self._extractor
        features = extractor.features(pictures) if key is None else extractor.features_of_set(key, pictures)
        return classical.scores(self._classifier, features)


class NetworkAnswer:
    """A version that is a network.

    Parameters
    ----------
    version : ModelVersion
        Of kind "network".
    extractor : str or None
        Whose features tell other kinds of cells apart. They see the picture through the extractor's own recipe.
    """

    def __init__(self, version: ModelVersion, extractor: str | None) -> None:
        self.network = Network(version)
        self._extractor = load_extractor(extractor) if extractor else None

    def __call__(self, image: SmearImage, recipe: Recipe, stages: Stages, microns_per_pixel: float | None) -> Scored:
        """Return the network's logits, its boxes, and DCNN features."""
        logits, boxes = self.network.answer(recipe.scale(stages.pictures["logmh"])[None])
        features = None
        if (extractor := self._extractor) is not None:
            own = kept_stages().of(extractor.recipe, image, microns_per_pixel)
            features = _features(extractor, image, extractor.recipe, own)
        return Scored(logits, features, tuple(boxes[0]))

    def scores_of(self, pictures: np.ndarray, key: Hashable = None) -> np.ndarray:
        """Return the network's logits."""
        del key
        parts = [self.network.answer(pictures[start : start + _BATCH])[0] for start in range(0, len(pictures), _BATCH)]
        return np.concatenate(parts)


def _features(extractor: FeatureExtractor, image: SmearImage, recipe: Recipe, stages: Stages) -> np.ndarray:
    key = (image.pixels_sha256, recipe.hash, stages.microns_per_pixel)
    return extractor.cached_features(key, recipe.scale(stages.pictures["logmh"]))
