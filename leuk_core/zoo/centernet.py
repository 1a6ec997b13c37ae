"""CenterNet (section 3.5.2, equations 15 to 19 and figure 11 of Haque et al. 2024; Zhou et al. 2019).

The trunk is EfficientNet-Lite0, so that its ImageNet weights are the start. Its maps are brought up to stride 4, where
a heat map of centres, the cell's size and the offset of its centre are read off. Boxes are learnt from the true
outlines. The label is a softmax over pooled features (equation 11).

Equation 18 has no term for negatives; `detection.PenaltyReducedFocal` is used in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from leuk_core.errors import InvalidParameter
from leuk_core.zoo import detection, efficientnet_lite, graph
from leuk_core.zoo.catalogue import Box

RARE = -2.19
"""Bias of the heat map's last layer: 0.1 everywhere at the beginning."""

LEAST_OVERLAP = 0.7
"""Overlap with the true box that a box must keep whose centre is moved by the Gaussian's radius."""

LEAST_SCORE = 0.2
"""Of a centre that is shown."""


# Layers


def merge(x: Any, beside: Any, filters: int, name: str) -> Any:
    """Bring a map up to that of a finer level, add that level, and smooth."""
    x = layers.Conv2D(filters, 1, name=f"{name}_conv_in")(x)
    x = detection.up_to(x, beside, name)
    beside = layers.Conv2D(filters, 1, name=f"{name}_conv_beside")(beside)
    x = layers.Add(name=f"{name}_add")([x, beside])
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.GroupNormalization(16, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def read(x: Any, channels: int, name: str, bias: float, activation: str | None = None) -> Any:
    """Add a 3 x 3 convolution, O, and what is read off it (equations 15 to 17); the last layer in float32."""
    filters = x.shape[-1]
    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_conv")(x)
    return layers.Conv2D(
        channels,
        1,
        activation=activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",
        name=name,
    )(x)


# Graph


def build(classes: int, size: int, *, dropout: float = 0.2, filters: int = 64) -> keras.Model:
    """Build CenterNet.

    Parameters
    ----------
    classes : int
        Length of the label, and heat maps.
    size : int
        Side of the picture, at least 64 pixels.
    dropout : float
        Share of the pooled features left out in training.
    filters : int
        Of the maps above the trunk: a multiple of 16.

    Returns
    -------
    keras.Model
        Outputs "label" (n, classes); with m = size / 4, rounded up: "heat" (n, m, m, classes) in [0, 1], "extent"
        (n, m, m, 2), width and height as shares of the picture's side, "offset" (n, m, m, 2), the centre's x and y
        within its place, in [0, 1].
    """
    if filters < 16 or filters % 16:
        raise InvalidParameter(f"`filters` must be a multiple of 16. Received: filters={filters}")
    inputs = graph.picture(size)
    levels = efficientnet_lite.trunk(inputs)
    x = merge(levels.stride32, levels.stride16, 2 * filters, "up16")
    x = merge(x, levels.stride8, filters, "up8")
    x = merge(x, levels.stride4, filters, "up4")
    outputs = [
        detection.pooled_label((levels.top, x), classes, dropout),
        read(x, classes, "heat", RARE, "sigmoid"),
        read(x, 2, "extent", 0.5),
        read(x, 2, "offset", 0.5),
    ]
    return keras.Model(inputs, outputs, name="centernet")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest activation with a map of 3 x 3 at least."""
    return graph.deepest_map(model, ("top_relu", "block10_add"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the trunk's, the head all above the trunk."""
    return graph.by_stage(model, efficientnet_lite.TAIL, head=("up", "heat", "extent", "offset"))


# Training


def radius(width: float, height: float) -> float:
    """Return how far a centre may be moved, in places, so that a box of this size keeps `LEAST_OVERLAP`.

    The smallest of three cases: the moved box beside, inside and around the true one (Law and Deng 2018).
    """
    t, total = LEAST_OVERLAP, width + height
    beside = (total - (total**2 - 4 * width * height * (1 - t) / (1 + t)) ** 0.5) / 2
    inside = (2 * total - (4 * total**2 - 16 * (1 - t) * width * height) ** 0.5) / 8
    around = (-2 * t * total + (4 * t**2 * total**2 + 16 * t * (1 - t) * width * height) ** 0.5) / (8 * t)
    return max(min(beside, inside, around), 0.0)


def targets(masks: np.ndarray, labels: np.ndarray, classes: int, size: int) -> list[np.ndarray]:
    """Return labels, heat maps, extents and offsets; the last two with a channel that is 1 at the centre."""
    side = -(-size // 4)
    heat = np.zeros((len(masks), side, side, classes), np.float32)
    extent, offset = (np.zeros((len(masks), side, side, 3), np.float32) for _ in range(2))
    place = np.arange(side)
    for index, (left, top, right, bottom) in enumerate(detection.outline_boxes(masks)):
        if np.isnan(left):
            continue
        x, y = (left + right) / 2 * side / size, (top + bottom) / 2 * side / size
        column, row = min(int(x), side - 1), min(int(y), side - 1)
        width, height = (right - left) / size, (bottom - top) / size
        sigma = (2 * int(radius(width * side, height * side)) + 1) / 6
        squared = (place[:, None] - row) ** 2 + (place[None] - column) ** 2
        heat[index, :, :, labels[index]] = np.exp(-squared / (2 * sigma**2))
        extent[index, row, column] = width, height, 1
        offset[index, row, column] = x - column, y - row, 1
    return [labels, heat, extent, offset]


def losses(classes: int) -> list[keras.losses.Loss]:  # noqa: ARG001 - the same for any number
    """Return cross-entropy, the heat map's focal loss, and smooth L1 (equation 19) for extent and offset."""
    return [
        keras.losses.SparseCategoricalCrossentropy(name="label"),
        detection.PenaltyReducedFocal(),
        detection.SmoothL1(0.05, "extent"),
        detection.SmoothL1(0.5, "offset"),
    ]


def loss_weights() -> list[float]:
    """Return the weights of the four losses: the label's counts most."""
    return [1.0, 0.3, 1.0, 0.2]


# Boxes


def boxes(outputs: Sequence[np.ndarray], size: int) -> list[list[Box]]:
    """Return the boxes around the peaks of the heat maps, best first."""
    heat, extent, offset = (np.asarray(maps) for maps in outputs[1:])
    return [_of_picture(heat[index], extent[index], offset[index], size) for index in range(len(heat))]


def _of_picture(heat: np.ndarray, extent: np.ndarray, offset: np.ndarray, size: int) -> list[Box]:
    side = len(heat)
    around = np.pad(heat, ((1, 1), (1, 1), (0, 0)), constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(0, 1))
    peaks = np.argwhere(((heat >= windows.max(axis=(-2, -1))) & (heat >= LEAST_SCORE)).any(axis=-1))
    if not len(peaks):
        return []
    rows, columns = peaks.T
    centre = (np.stack([columns, rows], axis=1) + offset[rows, columns]) * size / side
    half = np.maximum(extent[rows, columns], 1 / side) * size / 2
    return detection.best_boxes(
        np.concatenate([centre - half, centre + half], axis=1), heat[rows, columns], size, LEAST_SCORE
    )
