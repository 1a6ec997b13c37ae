"""Weights without pickle: networks in safetensors (16 or 8 bits on disk), scikit-learn models in skops."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

from leuk_core.errors import ModelUnavailable
from leuk_core.registry.eight_bits import packed, unpacked

if TYPE_CHECKING:
    import keras

LARGE, HALF_MAX = 100_000, 6e4
"""Numbers of an array worth fewer bits, and the largest that 16 bits can hold (65,504) with room to spare."""

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


def save_network(model: keras.Model, path: Path, half: bool = True, eight_bits: bool = False) -> None:
    """Write a network's weights by variable path.

    Parameters
    ----------
    model : keras.Model
        Any network.
    path : Path
        The safetensors file.
    half : bool
        In half precision.
    eight_bits : bool
        Large kernels in 8 bits by channel (see `leuk_core.registry.eight_bits`), the rest in half precision.
    """
    import keras  # noqa: PLC0415

    arrays = {
        variable.path: np.asarray(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable)), order="C")
        for variable in model.weights
    }
    if eight_bits:
        arrays = packed(arrays)
    elif half:
        arrays = {name: values.astype(np.float16) for name, values in arrays.items()}
    save_file(arrays, path)


def load_network(model: keras.Model, path: Path) -> keras.Model:
    """Fill a network that was built from code with the weights of a file, and return it.

    Raises
    ------
    ModelUnavailable
        If a weight is missing or has another shape.
    """
    arrays = unpacked(load_file(path))
    for variable in model.weights:
        values = arrays.get(variable.path)
        if values is None or tuple(values.shape) != tuple(variable.shape):
            received = "nothing" if values is None else str(values.shape)
            raise ModelUnavailable(
                f"{path.name} doesn't fit this program: {variable.path} needs {tuple(variable.shape)}. "
                f"Received: {received}"
            )
        variable.assign(values)
    return model


def save_classifier(classifier: Any, path: Path) -> None:
    """Write a scikit-learn model as a skops file."""
    import skops.io as sio  # noqa: PLC0415 - scikit-learn is loaded only where a classifier is needed

    sio.dump(classifier, path, compression=8, compresslevel=6)


def in_half_precision(classifier: Any) -> Any:
    """Return a copy of a pipeline whose large arrays hold numbers of 16 bits, which pack to little more than half.

    Types stay as they are. Arrays of fewer than `LARGE` numbers, and those beyond `HALF_MAX`, are left alone.
    """
    rounded = deepcopy(classifier)
    for _, step in rounded.steps:
        for name, values in list(vars(step).items()):
            many = [np.asarray(one) for one in (values if isinstance(values, list) else [values])]
            if all(one.dtype.kind == "f" and one.size >= LARGE and abs(one).max() < HALF_MAX for one in many):
                halves = [one.astype(np.float16).astype(one.dtype) for one in many]
                setattr(step, name, halves if isinstance(values, list) else halves[0])
    return rounded


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
