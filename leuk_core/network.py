"""A stored network, loaded: a picture in, logits and boxes out. Imports Keras when one is loaded."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from leuk_core.registry.versions import ModelVersion
from leuk_core.registry.weights import load_network
from leuk_core.views import mean_of, views_of
from leuk_core.zoo import catalogue
from leuk_core.zoo.catalogue import Box

WEIGHTS = "network.safetensors"


class Network:
    """A version of kind "network"; safe to call from several threads.

    Parameters
    ----------
    version : ModelVersion
        Its card names the network, its size, its classes, the parameters that it is built with, and how many views of
        a picture its logits are the mean of (one where nothing is said).

    Raises
    ------
    ModelUnavailable
        If its weights don't fit.

    Attributes
    ----------
    whole : keras.Model
        The graph with its weights.
    lock : threading.Lock
        Held while it answers; whoever else runs `whole` holds it too.
    """

    def __init__(self, version: ModelVersion) -> None:
        import keras  # noqa: PLC0415 - only where a network is needed

        card = version.card
        self.name: str = card["model"]
        self.size: int = card["size"]
        self.views: int = card.get("views", 1)
        built = catalogue.build(self.name, len(card["classes"]), self.size, **card["parameters"])
        self.whole = load_network(built, version.folder / WEIGHTS)
        self._compiled = keras.Model(built.input, [built.get_layer("logits").output, *built.outputs])
        self.lock = threading.Lock()

    def answer(self, pictures: np.ndarray) -> tuple[np.ndarray, list[list[Box]]]:
        """Return logits and boxes of pictures made by the version's recipe.

        Parameters
        ----------
        pictures : ndarray of shape (n, size, size, 3), float32
            Scaled.

        Returns
        -------
        (ndarray of shape (n, classes), list of list of Box)
            Logits in float64, and for each picture the boxes of a detector, in pixels, best first; no box from others.
        """
        with self.lock:
            found: Any = self._compiled.predict_on_batch(views_of(pictures, self.views))
        logits, *outputs = (np.asarray(values) for values in found)
        upright = [values[: len(pictures)] for values in outputs]
        return mean_of(logits.astype(np.float64), self.views), catalogue.boxes(self.name, upright, self.size)
