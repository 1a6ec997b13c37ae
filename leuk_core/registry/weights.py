"""Weights without pickle: networks in safetensors (half precision on disk), scikit-learn models in skops."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from leuk_core.errors import ModelUnavailable

if TYPE_CHECKING:
    import keras

TRUSTED_TYPES = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn.linear_model._sgd_fast.Log",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.EuclideanDistance32",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neighbors._kd_tree.KDTree32",
    "sklearn.neighbors._kd_tree.KDTree64",
)
"""Types beyond skops' own list that a model file may hold. Nothing else is ever built from a file."""


def save_network(model: keras.Model, path: Path, half: bool = True) -> None:
    """Write a network's weights by variable path; float32 as float16 where `half`."""
    arrays = {}
    for variable in model.weights:
        values = np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
        arrays[variable.path] = np.ascontiguousarray(values.astype(np.float16) if half else values)
    save_file(arrays, path)


def load_network(model: keras.Model, path: Path) -> keras.Model:
    """Fill a network that was built from code with the weights of a file, and return it.

    Raises
    ------
    ModelUnavailable
        If a weight is missing or has another shape.
    """
    arrays = load_file(path)
    for variable in model.weights:
        values = arrays.get(variable.path)
        if values is None or tuple(values.shape) != tuple(variable.shape):
            received = "nothing" if values is None else str(values.shape)
            raise ModelUnavailable(
                f"{path.name} doesn't fit this program: {variable.path} needs {tuple(variable.shape)}. "
                f"Received: {received}"
            )
        variable.assign(values.astype(np.float32))
    return model


def save_classifier(classifier: Any, path: Path) -> None:
    """Write a scikit-learn model as a skops file."""
    import skops.io as sio  # noqa: PLC0415 - scikit-learn is loaded only where a classifier is needed

    sio.dump(classifier, path, compression=8, compresslevel=6)


def load_classifier(path: Path) -> Any:
    """Read a scikit-learn model; refuse a file that holds any type beyond the fixed allow-list.

    Raises
    ------
    ModelUnavailable
        If the file holds another type or can't be read.
    """
    import skops.io as sio  # noqa: PLC0415

    try:
        unknown = sorted(set(sio.get_untrusted_types(file=path)) - set(TRUSTED_TYPES))
    except Exception as error:  # skops lets many kinds through for a file that isn't its own
        raise ModelUnavailable(f"{path.name} is not a readable model file. Received: {error}") from error
    if unknown:
        raise ModelUnavailable(f"{path.name} holds types that are not on the allow-list. Received: {unknown}")
    return sio.load(path, trusted=list(TRUSTED_TYPES))
