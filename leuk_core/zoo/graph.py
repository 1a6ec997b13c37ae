"""What the networks of the zoo have in common: the head of the label, layers by stage, the layer of the heat map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
from keras import layers

from leuk_core.errors import InvalidParameter

MOMENTUM = 0.9
"""Of the averages of batch normalisation: with 0.99 they lag behind in a training of a few hundred steps."""

LEAST_MAP = 3
"""Rows and columns below which a heat map shows nothing."""


def picture(size: int, least: int = 64) -> Any:
    """Return the input (size, size, 3), named "picture".

    Raises
    ------
    InvalidParameter
        If `size` is under `least` pixels.
    """
    if size < least:
        raise InvalidParameter(f"`size` must be at least {least} pixels. Received: size={size}")
    return keras.Input((size, size, 3), name="picture")


def label(features: Any, classes: int, dropout: float) -> Any:
    """Add dropout, the layer "logits" and the softmax "label" (equation 11), both in float32 whatever the policy."""
    x = layers.Dropout(dropout, name="label_drop")(features)
    x = layers.Dense(classes, dtype="float32", name="logits")(x)
    return layers.Activation("softmax", dtype="float32", name="label")(x)


def by_stage(model: keras.Model, tail: Iterable[str], head: Iterable[str]) -> dict[str, list[str]]:
    """Sort the layers that have weights by the beginnings of their names; what fits neither is "trunk"."""
    beginnings = {"tail": tuple(tail), "head": (*head, "logits")}
    found: dict[str, list[str]] = {"trunk": [], "tail": [], "head": []}
    for layer in model.layers:
        if layer.weights:
            fits = [stage for stage, start in beginnings.items() if layer.name.startswith(start)]
            found[fits[0] if fits else "trunk"].append(layer.name)
    return found


def deepest_map(model: keras.Model, candidates: Iterable[str]) -> str:
    """Return the first of `candidates` (deepest first) whose map has 3 x 3 places at least.

    Raises
    ------
    InvalidParameter
        If none has: the picture is too small.
    """
    for name in candidates:
        _, rows, columns, _ = model.get_layer(name).output.shape
        if min(rows, columns) >= LEAST_MAP:
            return name
    size = model.inputs[0].shape[1]
    raise InvalidParameter(f"`size` must be larger for a heat map of {model.name}. Received: size={size}")
