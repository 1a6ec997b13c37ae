"""EfficientNet-Lite0: no squeeze-and-excite, ReLU6 (Tan and Le 2019, as TensorFlow's Lite family of 2020 changed it).

Not one of the paper's: the compact network that has real ImageNet weights without a download. Pads as TensorFlow does
("same"), with the original's epsilon, so that the converted weights give the original's outputs. Its picture is
(RGB - 127) / 128, the recipe's scaling "lite".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import layers

from leuk_core.zoo import graph

BLOCKS = (
    # kernel, stride, expansion, filters
    (3, 1, 1, 16),
    (3, 2, 6, 24),
    (3, 1, 6, 24),
    (5, 2, 6, 40),
    (5, 1, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 80),
    (3, 1, 6, 80),
    (5, 1, 6, 112),
    (5, 1, 6, 112),
    (5, 1, 6, 112),
    (5, 2, 6, 192),
    (5, 1, 6, 192),
    (5, 1, 6, 192),
    (5, 1, 6, 192),
    (3, 1, 6, 320),
)
TAIL = ("block15_", "top_")


class Levels(NamedTuple):
    """The trunk's maps by stride, finest first, and the last one of 1,280 channels (stride 32)."""

    stride4: Any
    stride8: Any
    stride16: Any
    stride32: Any
    top: Any


# Layers


def convolve(x: Any, filters: int, kernel: int, strides: int, name: str, activate: bool = True) -> Any:
    """Add a convolution, batch normalisation and, where wanted, ReLU6."""
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return _normalise(x, name, activate)


def convolve_depthwise(x: Any, kernel: int, strides: int, name: str) -> Any:
    """Add a convolution of each channel by itself, batch normalisation and ReLU6."""
    x = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return _normalise(x, name, activate=True)


def block(x: Any, index: int, drop_path: float) -> Any:
    """Add an inverted residual: widen, convolve depthwise, narrow, and add the input where the shapes agree."""
    kernel, strides, expansion, filters = BLOCKS[index]
    name, entering = f"block{index}", x
    if expansion > 1:
        x = convolve(x, expansion * x.shape[-1], 1, 1, f"{name}_expand")
    x = convolve_depthwise(x, kernel, strides, f"{name}_depth")
    x = convolve(x, filters, 1, 1, f"{name}_project", activate=False)
    if strides > 1 or filters != entering.shape[-1]:
        return x
    if drop_path:
        rate = drop_path * index / len(BLOCKS)
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    return layers.Add(name=f"{name}_add")([entering, x])


def _normalise(x: Any, name: str, activate: bool) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, momentum=graph.MOMENTUM, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6, name=f"{name}_relu")(x) if activate else x


# Graph


def trunk(inputs: Any, drop_path: float = 0.0) -> Levels:
    """Add everything but the label to `inputs`; the detectors stand on it too."""
    x = convolve(inputs, 32, 3, 2, "stem")
    maps = []
    for index, (_, strides, _, _) in enumerate(BLOCKS):
        if strides > 1:
            maps.append(x)
        x = block(x, index, drop_path)
    top = convolve(x, 1280, 1, 1, "top")
    return Levels(maps[1], maps[2], maps[3], x, top)


def build(classes: int, size: int, *, dropout: float = 0.2, drop_path: float = 0.0) -> keras.Model:
    """Build EfficientNet-Lite0.

    Parameters
    ----------
    classes : int
        Length of the label.
    size : int
        Side of the picture, at least 64 pixels.
    dropout : float
        Share of the pooled features left out in training.
    drop_path : float
        Share of pictures for which the last residual branch is left out in training; earlier ones less (0.2 in the
        original).
    """
    inputs = graph.picture(size)
    x = layers.GlobalAveragePooling2D(name="features")(trunk(inputs, drop_path).top)
    return keras.Model(inputs, graph.label(x, classes, dropout), name="efficientnet_lite")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest activation with a map of 3 x 3 at least."""
    return graph.deepest_map(model, ("top_relu", "block10_add"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the last block and the last convolution."""
    return graph.by_stage(model, tail=TAIL, head=())
