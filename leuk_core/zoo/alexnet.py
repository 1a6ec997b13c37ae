"""AlexNet (section 3.5.2, equations 5 to 7 and figure 7 of Haque et al. 2024; Krizhevsky et al. 2012).

The five convolutions are those of the feature extractor, so that its filters, learnt on white cells, can be the start.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from leuk_core.errors import InvalidParameter
from leuk_core.features import dcnn
from leuk_core.zoo import graph

LEAST = 67
"""Smallest side that leaves one value after the fifth pooling, in pixels."""


# Layers


def dense(x: Any, units: int, index: int, dropout: float) -> Any:
    """Add a dense layer with ReLU (equation 6), dropout before it as in the original."""
    x = layers.Dropout(dropout, name=f"drop{index}")(x)
    return layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"fc{index}")(x)


# Graph


def build(classes: int, size: int, *, dense_units: int = 256, dropout: float = 0.5) -> keras.Model:
    """Build AlexNet.

    Parameters
    ----------
    classes : int
        Length of the label.
    size : int
        Side of the picture, at least 67 pixels.
    dense_units : int
        Width of the two dense layers: 4096 in the paper, 50 million weights at 227 pixels.
    dropout : float
        Share of values left out before each dense layer in training.
    """
    if dense_units < 1:
        raise InvalidParameter(f"`dense_units` must be at least 1. Received: dense_units={dense_units}")
    inputs = graph.picture(size, LEAST)
    x = layers.Flatten(name="features")(dcnn.convolutions(inputs))
    x = dense(dense(x, dense_units, 6, dropout), dense_units, 7, dropout)
    return keras.Model(inputs, graph.label(x, classes, dropout=0.0), name="alexnet")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest convolution with a map of 3 x 3 at least."""
    return graph.deepest_map(model, ("conv5", "conv2"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the last two convolutions."""
    return graph.by_stage(model, tail=("conv4", "conv5"), head=("fc",))
