"""RetinaNet (section 3.5.2, equations 8 and 9 and figure 8 of Haque et al. 2024; Lin et al. 2017).

The trunk is EfficientNet-Lite0, so that its ImageNet weights are the start. A feature pyramid (FPN, P3 to P5) stands on
it; one class subnet and one box subnet, shared over its levels, look at each anchor. Boxes are learnt from the true
outlines. The label is a softmax over pooled features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import layers

from leuk_core.errors import InvalidParameter
from leuk_core.zoo import detection, efficientnet_lite, graph
from leuk_core.zoo.catalogue import Box

STRIDES = (8, 16, 32)
SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
RATIOS = (0.5, 1.0, 2.0)
"""Height by width."""

ANCHORS = len(SCALES) * len(RATIOS)
"""At each place of each level."""

PRIOR = 0.01
"""Score of every class at every anchor at the beginning."""

VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""What the differences between box and anchor are divided by, so that their spread is near 1."""

FOREGROUND, BACKGROUND = 0.5, 0.4
"""Overlap from which an anchor belongs to the cell, and under which it is background; between, it does not count."""

LEAST_SCORE = 0.2
"""Of a box that is shown."""


# Layers


def pyramid(levels: efficientnet_lite.Levels, channels: int) -> list[Any]:
    """Add the feature pyramid: P3, P4 and P5."""
    trunk = {3: levels.stride8, 4: levels.stride16, 5: levels.stride32}
    found, above = [], None
    for level in (5, 4, 3):
        x = layers.Conv2D(channels, 1, name=f"fpn{level}_conv_in")(trunk[level])
        if above is not None:
            x = layers.Add(name=f"fpn{level}_add")([x, detection.up_to(above, x, f"fpn{level}")])
        above = x
        found.append(layers.Conv2D(channels, 3, padding="same", name=f"fpn{level}_conv")(x))
    return found[::-1]


def subnet(channels: int, depth: int, outputs: int, name: str, bias: float) -> Callable[[Any], Any]:
    """Return a subnet whose layers are the same at every level: `depth` convolutions, then one for the outputs."""
    steps: list[Any] = []
    for index in range(depth):
        steps.append(layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_conv{index + 1}"))
        steps.append(layers.GroupNormalization(16, name=f"{name}_norm{index + 1}"))
        steps.append(layers.ReLU(name=f"{name}_relu{index + 1}"))
    last = layers.Conv2D(
        ANCHORS * outputs,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",
        name=f"{name}_last",
    )

    def apply(x: Any) -> Any:
        for step in steps:
            x = step(x)
        x = last(x)
        places = x.shape[1] * x.shape[2]
        return layers.Reshape((places * ANCHORS, outputs), dtype="float32", name=f"{name}_flat{places}")(x)

    return apply


# Graph


def build(classes: int, size: int, *, dropout: float = 0.2, channels: int = 96, depth: int = 2) -> keras.Model:
    """Build RetinaNet.

    Parameters
    ----------
    classes : int
        Length of the label, and scores of an anchor.
    size : int
        Side of the picture, at least 64 pixels.
    dropout : float
        Share of the pooled features left out in training.
    channels, depth : int
        Width of the pyramid and of the subnets, a multiple of 16, and their convolutions; 256 and 4 in the original.

    Returns
    -------
    keras.Model
        Outputs "label" (n, classes), "classes" (n, anchors, classes) in [0, 1] and "boxes" (n, anchors, 4), differences
        between box and anchor. The anchors are those of `anchors(size)`.
    """
    if channels < 16 or channels % 16:
        raise InvalidParameter(f"`channels` must be a multiple of 16. Received: channels={channels}")
    if not 1 <= depth <= 8:
        raise InvalidParameter(f"`depth` must be from 1 to 8. Received: depth={depth}")
    inputs = graph.picture(size)
    levels = efficientnet_lite.trunk(inputs)
    maps = pyramid(levels, channels)
    look = subnet(channels, depth, classes, "class", math.log(PRIOR / (1 - PRIOR)))
    measure = subnet(channels, depth, 4, "box", 0.0)
    scores = layers.Concatenate(axis=1, dtype="float32", name="scores")([look(x) for x in maps])
    outputs = [
        detection.pooled_label((levels.top, *maps), classes, dropout),
        layers.Activation("sigmoid", dtype="float32", name="classes")(scores),
        layers.Concatenate(axis=1, dtype="float32", name="boxes")([measure(x) for x in maps]),
    ]
    return keras.Model(inputs, outputs, name="retinanet")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest activation with a map of 3 x 3 at least."""
    return graph.deepest_map(model, ("top_relu", "block10_add"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the trunk's, the head pyramid, subnets and label."""
    return graph.by_stage(model, efficientnet_lite.TAIL, head=("fpn", "class_", "box_"))


# Anchors


@lru_cache(maxsize=8)
def anchors(size: int) -> np.ndarray:
    """Return the anchors of a picture, in the order of the outputs; the last eight sizes are kept.

    Parameters
    ----------
    size : int
        Side of the picture, in pixels.

    Returns
    -------
    ndarray of shape (anchors, 4), float32
        left, top, right, bottom in pixels. Their side is 4 strides, and 1.26 and 1.59 times that, in three shapes.
    """
    shapes = np.array([(scale / ratio**0.5, scale * ratio**0.5) for scale in SCALES for ratio in RATIOS])
    found = []
    for stride in STRIDES:
        places = -(-size // stride)
        middle = (np.arange(places) + 0.5) * size / places
        centre = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 1, 2)
        half = shapes[None] * 4 * stride / 2
        found.append(np.concatenate([centre - half, centre + half], axis=-1).reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)


def differences(boxes: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return what the box subnet should say of anchors `around` (a, 4) and boxes (4,) or (a, 4)."""
    side, middle = around[:, 2:] - around[:, :2], (around[:, 2:] + around[:, :2]) / 2
    wanted, place = boxes[..., 2:] - boxes[..., :2], (boxes[..., 2:] + boxes[..., :2]) / 2
    return np.concatenate([(place - middle) / side, np.log(wanted / side)], axis=1) / VARIANCES


def placed(said: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return the boxes (a, 4) that the box subnet's differences mean; the inverse of `differences`."""
    side, middle = around[:, 2:] - around[:, :2], (around[:, 2:] + around[:, :2]) / 2
    said = said * VARIANCES
    centre, half = middle + said[:, :2] * side, np.exp(np.minimum(said[:, 2:], 4.0)) * side / 2
    return np.concatenate([centre - half, centre + half], axis=1)


# Training


def targets(masks: np.ndarray, labels: np.ndarray, classes: int, size: int) -> list[np.ndarray]:
    """Return labels, classes of anchors and box differences.

    An anchor belongs to the cell from an overlap of 0.5, and the best one always; under 0.4 it is background. The last
    channel of each array says whether the anchor counts: not between the two, for boxes only those of the cell.
    """
    around = anchors(size)
    wanted = np.zeros((len(masks), len(around), classes + 1), np.float32)
    shift = np.zeros((len(masks), len(around), 5), np.float32)
    wanted[..., -1] = 1
    for index, box in enumerate(detection.outline_boxes(masks)):
        if np.isnan(box[0]):
            continue
        overlap = detection.overlaps(around, box)
        inside = overlap >= FOREGROUND
        inside[overlap.argmax()] = True
        wanted[index, ~inside & (overlap >= BACKGROUND), -1] = 0
        wanted[index, inside, labels[index]] = 1
        shift[index, inside, :4] = differences(box, around[inside])
        shift[index, inside, 4] = 1
    return [labels, wanted, shift]


def losses(classes: int) -> list[keras.losses.Loss]:  # noqa: ARG001 - the same for any number
    """Return cross-entropy for the label, and the two terms of equation 9: focal loss and smooth L1."""
    return [
        keras.losses.SparseCategoricalCrossentropy(name="label"),
        detection.AnchorFocal(),
        detection.SmoothL1(1 / 9, "boxes"),
    ]


def loss_weights() -> list[float]:
    """Return the weights of the three losses; the last is lambda of equation 9 times that of the focal loss."""
    return [1.0, 0.5, 0.25]


# Boxes


def boxes(outputs: Sequence[np.ndarray], size: int) -> list[list[Box]]:
    """Return the boxes whose score is at least 0.2 and that no better one overlaps, best first."""
    around = anchors(size)
    found = []
    for scores, said in zip(np.asarray(outputs[1]), np.asarray(outputs[2]), strict=True):
        likely = np.flatnonzero(scores.max(axis=1) >= LEAST_SCORE)
        where = placed(said[likely], around[likely])
        found.append(detection.best_boxes(where, scores[likely], size, LEAST_SCORE))
    return found
