"""Xception (section 3.5.2, equation 10 and figure 9 of Haque et al. 2024; Chollet 2017).

The layers are those of keras.applications.Xception, in its order, so that its ImageNet weights fit; here each has a
fixed name, so that weights are found again by name. Its picture is in [-1, 1], the recipe's scaling "signed".
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from leuk_core.errors import InvalidParameter
from leuk_core.zoo import graph

ENTRY_FLOW = (128, 256, 728)
MIDDLE_BLOCKS = 8


# Layers


def convolve(x: Any, filters: int, kernel: int, strides: int, padding: str, name: str) -> Any:
    """Add a convolution and batch normalisation."""
    x = layers.Conv2D(filters, kernel, strides, padding=padding, use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=graph.MOMENTUM, name=f"{name}_bn")(x)


def separate(x: Any, filters: int, name: str, activate: bool = True) -> Any:
    """Add ReLU where wanted, a depthwise separable convolution and batch normalisation: a step of F in equation 10."""
    if activate:
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=graph.MOMENTUM, name=f"{name}_bn")(x)


def reduce(x: Any, first: int, filters: int, name: str, activate: bool = True) -> Any:
    """Add a block that halves the map: two separable convolutions and pooling, beside a convolution of stride 2."""
    beside = convolve(x, filters, 1, 2, "same", f"{name}_beside")
    x = separate(x, first, f"{name}_sep1", activate)
    x = separate(x, filters, f"{name}_sep2")
    x = layers.MaxPooling2D(3, 2, padding="same", name=f"{name}_pool")(x)
    return layers.Add(name=f"{name}_add")([x, beside])


def middle(x: Any, name: str) -> Any:
    """Add a block of the middle flow, X + F(X) (equation 10)."""
    entering, filters = x, x.shape[-1]
    for index in (1, 2, 3):
        x = separate(x, filters, f"{name}_sep{index}")
    return layers.Add(name=f"{name}_add")([x, entering])


# Graph


def build(
    classes: int, size: int, *, dropout: float = 0.2, width: float = 1.0, middle_blocks: int = MIDDLE_BLOCKS
) -> keras.Model:
    """Build Xception.

    Parameters
    ----------
    classes : int
        Length of the label.
    size : int
        Side of the picture, at least 71 pixels.
    dropout : float
        Share of the pooled features left out in training.
    width : float
        Filters of each layer, as a share of the original's; ImageNet weights need 1.
    middle_blocks : int
        Blocks of the middle flow; ImageNet weights need 8.
    """
    if not 0.1 <= width <= 2:
        raise InvalidParameter(f"`width` must be from 0.1 to 2. Received: width={width}")
    if not 0 <= middle_blocks <= 32:
        raise InvalidParameter(f"`middle_blocks` must be from 0 to 32. Received: middle_blocks={middle_blocks}")

    def wide(filters: int) -> int:
        return max(8, round(filters * width / 8) * 8)

    inputs = graph.picture(size, 71)
    x = convolve(inputs, wide(32), 3, 2, "valid", "block1_first")
    x = layers.ReLU(name="block1_first_relu")(x)
    x = convolve(x, wide(64), 3, 1, "valid", "block1_second")
    x = layers.ReLU(name="block1_second_relu")(x)
    for index, filters in enumerate(ENTRY_FLOW, start=2):
        x = reduce(x, wide(filters), wide(filters), f"block{index}", activate=index > 2)
    for index in range(middle_blocks):
        x = middle(x, f"middle{index + 1}")
    x = reduce(x, wide(728), wide(1024), "exit1")
    x = separate(x, wide(1536), "exit2_sep1", activate=False)
    x = separate(x, wide(2048), "exit2_sep2")
    x = layers.ReLU(name="exit2_relu")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, graph.label(x, classes, dropout), name="xception")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest activation with a map of 3 x 3 at least."""
    return graph.deepest_map(model, ("exit2_relu", "block4_add"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the exit flow."""
    return graph.by_stage(model, tail=("exit",), head=())
