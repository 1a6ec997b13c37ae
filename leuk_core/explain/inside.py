"""What a map needs of a loaded model beyond its answer: calibrated probabilities of many pictures, and its network."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuk_core.answers import ClassifierAnswer, NetworkAnswer
from leuk_core.errors import InvalidParameter
from leuk_core.features.extractor import FeatureExtractor
from leuk_core.network import Network
from leuk_core.prediction import Predictor
from leuk_core.zoo import classical

BATCH = 32

_REMEMBERED = 8  # sets of covered pictures whose features are kept, 2 MB each: the five classifiers share them
_features: OrderedDict[Hashable, np.ndarray] = OrderedDict()
_features_lock = threading.Lock()


@dataclass(frozen=True)
class Inside:
    """The parts of a predictor.

    Parameters
    ----------
    predictor : Predictor
        The loaded model.
    network : Network or None
        None for a classifier on DCNN features.
    """

    predictor: Predictor
    network: Network | None

    @classmethod
    def of(cls, predictor: Predictor) -> Inside:
        """Return the parts of a predictor."""
        answer = predictor._answer  # noqa: SLF001 - this module alone looks inside
        return cls(predictor, answer._network if isinstance(answer, NetworkAnswer) else None)  # noqa: SLF001

    @property
    def lock(self) -> threading.Lock:
        """The network's own lock: no map is made while it answers."""
        if self.network is None:
            raise InvalidParameter(f"Only networks have a lock. Received: {self.predictor.ref}")
        return self.network._lock  # noqa: SLF001

    def probabilities(self, pictures: np.ndarray, key: Hashable = None) -> np.ndarray:
        """Return calibrated probabilities (n, classes) of final pictures (n, size, size, 3) in [0, 1].

        Parameters
        ----------
        pictures : ndarray
            The pictures.
        key : hashable
            Stands for these very pictures: models on the same features work them out once. None: nothing is kept.
        """
        scaled = self.predictor.recipe.scale(pictures)
        answer: Any = self.predictor._answer  # noqa: SLF001
        if self.network is not None:
            parts = [self.network.answer(scaled[start : start + BATCH])[0] for start in range(0, len(scaled), BATCH)]
            return self.predictor.decision.probabilities(np.concatenate(parts))
        if not isinstance(answer, ClassifierAnswer):
            raise InvalidParameter(f"A model of this kind can't be explained. Received: {self.predictor.ref}")
        features = _features_of(answer._extractor, scaled, key)  # noqa: SLF001
        return self.predictor.decision.probabilities(classical.scores(answer._classifier, features))  # noqa: SLF001


def forget_features() -> None:
    """Empty the memory of covered pictures' features."""
    with _features_lock:
        _features.clear()


def _features_of(extractor: FeatureExtractor, scaled: np.ndarray, key: Hashable) -> np.ndarray:
    if key is None:
        return extractor.features(scaled, BATCH)
    with _features_lock:  # held while they are worked out, so that a second model waits for them
        known = _features.get((extractor.ref, key))
        if known is None:
            known = _features[extractor.ref, key] = extractor.features(scaled, BATCH)
            while len(_features) > _REMEMBERED:
                _features.popitem(last=False)
    return known
