"""Loaded feature extractors: a picture in, the features of the fifth pooling out. Imports Keras when one is loaded."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np

from leuk_core.errors import ModelUnavailable
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import check_files
from leuk_core.registry.weights import load_network
from leuk_core.settings import settings

_REMEMBERED = 64  # pictures whose features are kept, 36 kB each: several models ask for the same ones
_SETS = 8  # sets of pictures, about 2 MB each, such as one cell covered in many places


class FeatureExtractor:
    """A network that turns pictures into features; safe to call from several threads.

    Parameters
    ----------
    ref : str
        `dcnn@<version>`, a folder under models/extractors.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """

    def __init__(self, ref: str) -> None:
        name, _, version = ref.partition("@")
        folder = settings().models_dir / "extractors" / name / version
        try:
            self.card: dict[str, Any] = json.loads((folder / "card.json").read_text("utf-8"))
            self.recipe = Recipe.from_dict(json.loads((folder / "recipe.json").read_text("utf-8")))
        except (OSError, ValueError) as error:
            message = f"The feature extractor is missing: install the models anew. Received: {ref!r}"
            raise ModelUnavailable(message) from error
        if wrong := check_files(folder, self.card["files"]):
            raise ModelUnavailable(f"The feature extractor can't be used: {' '.join(wrong)} Received: {ref!r}")
        self.ref = ref
        self.size = self.recipe.size
        from leuk_core.features import dcnn  # noqa: PLC0415 - Keras is imported where a network is first needed

        self.model = load_network(dcnn.extractor(self.size), folder / "dcnn.safetensors")
        self._lock = threading.Lock()
        self._remembered: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._sets: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._sets_lock = threading.Lock()

    def features(self, pictures: np.ndarray, batch: int = 32) -> np.ndarray:
        """Return float32 features (n, 9216 at 227 pixels) of pictures (n, size, size, 3) made by the recipe."""
        with self._lock:
            parts = [
                np.asarray(self.model.predict_on_batch(pictures[start : start + batch]))
                for start in range(0, len(pictures), batch)
            ]
        return np.concatenate(parts) if parts else np.empty((0, self.model.output_shape[-1]), np.float32)

    def cached_features(self, key: Hashable, picture: np.ndarray) -> np.ndarray:
        """Return features (1, n) of one picture, computed once for each `key` among the last 64."""
        known = self._remembered.get(key)
        if known is None:
            known = self.features(picture[None])
            self._remembered[key] = known
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return known

    def features_of_set(self, key: Hashable, pictures: np.ndarray) -> np.ndarray:
        """Return features (n, features) of a set of pictures, computed once for each `key` among the last 8."""
        with self._sets_lock:  # held while they are worked out, so that a second model waits for them
            known = self._sets.get(key)
            if known is None:
                known = self._sets[key] = self.features(pictures)
                while len(self._sets) > _SETS:
                    self._sets.popitem(last=False)
        return known


@lru_cache(maxsize=4)
def load_extractor(ref: str) -> FeatureExtractor:
    """Return a loaded extractor; the last four stay in memory (`load_extractor.cache_clear()` empties that)."""
    return FeatureExtractor(ref)
