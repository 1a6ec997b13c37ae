"""Inception-ResNet-v2 (section 3.5.2, equations 13 and 14 and figure 10 of Haque et al. 2024; Szegedy et al. 2017).

The layers are those of keras.applications.InceptionResNetV2, in its order, so that its ImageNet weights fit; here each
has a fixed name, so that weights are found again by name. Its picture is in [-1, 1], the recipe's scaling "signed".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from leuk_core.errors import InvalidParameter
from leuk_core.zoo import graph

Kernel = int | tuple[int, int]
Branch = Sequence[tuple[int, Kernel]]
"""Convolutions one after the other: filters and kernel."""

BLOCKS = (10, 20, 10)
"""Blocks of each kind: at stride 8, 16 and 32."""

BLOCK35: Sequence[Branch] = (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3)))
BLOCK17: Sequence[Branch] = (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1))))
BLOCK8: Sequence[Branch] = (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1))))
MIXED5: Sequence[Branch] = (((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)))
MIXED6: Sequence[Branch] = (((384, 3),), ((256, 1), (256, 3), (384, 3)))
MIXED7: Sequence[Branch] = (((256, 1), (384, 3)), ((256, 1), (288, 3)), ((256, 1), (288, 3), (320, 3)))


# Layers


def convolve(x: Any, filters: int, kernel: Kernel, name: str, strides: int = 1, padding: str = "same") -> Any:
    """Add a convolution, batch normalisation without a scale, and ReLU."""
    x = layers.Conv2D(filters, kernel, strides, padding=padding, use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=graph.MOMENTUM, scale=False, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def branches(x: Any, kinds: Sequence[Branch], name: str, reduces: bool = False) -> list[Any]:
    """Add the pathways C_1 to C_n of equation 14; where the module `reduces`, each one's last step has stride 2."""
    found = []
    for index, branch in enumerate(kinds):
        y = x
        for step, (filters, kernel) in enumerate(branch):
            last = reduces and step == len(branch) - 1
            strides, padding = (2, "valid") if last else (1, "same")
            y = convolve(y, filters, kernel, f"{name}_branch{index}_{step}", strides, padding)
        found.append(y)
    return found


def block(x: Any, kinds: Sequence[Branch], scale: float, name: str, activate: bool = True) -> Any:
    """Add a residual module, X + M(X) (equation 13): pathways, concatenation, bottleneck B, scaled down."""
    mixed = layers.Concatenate(name=f"{name}_mixed")(branches(x, kinds, name))
    up = layers.Conv2D(x.shape[-1], 1, padding="same", name=f"{name}_up")(mixed)
    x = layers.Add(name=f"{name}_add")([x, layers.Rescaling(scale, name=f"{name}_scale")(up)])
    return layers.ReLU(name=f"{name}_relu")(x) if activate else x


def reduce(x: Any, kinds: Sequence[Branch], name: str) -> Any:
    """Add a module that halves the map, with max pooling as a further pathway."""
    pooled = layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)
    return layers.Concatenate(name=name)([*branches(x, kinds, name, reduces=True), pooled])


def stem(x: Any) -> Any:
    """Add the layers before the first residual module."""
    x = convolve(x, 32, 3, "stem1", 2, "valid")
    x = convolve(x, 32, 3, "stem2", 1, "valid")
    x = convolve(x, 64, 3, "stem3")
    x = layers.MaxPooling2D(3, 2, name="stem3_pool")(x)
    x = convolve(x, 80, 1, "stem4", 1, "valid")
    x = convolve(x, 192, 3, "stem5", 1, "valid")
    x = layers.MaxPooling2D(3, 2, name="stem5_pool")(x)
    pathways = branches(x, MIXED5, "mixed5")
    pooled = layers.AveragePooling2D(3, 1, padding="same", name="mixed5_pool")(x)
    return layers.Concatenate(name="mixed5")([*pathways, convolve(pooled, 64, 1, "mixed5_pooled")])


# Graph


def build(
    classes: int, size: int, *, dropout: float = 0.2, blocks: tuple[int, int, int] | list[int] = BLOCKS
) -> keras.Model:
    """Build Inception-ResNet-v2.

    Parameters
    ----------
    classes : int
        Length of the label.
    size : int
        Side of the picture, at least 75 pixels.
    dropout : float
        Share of the pooled features left out in training.
    blocks : tuple of int
        Residual modules at stride 8, 16 and 32, at least one each; ImageNet weights need 10, 20, 10.
    """
    if len(blocks) != 3 or min(blocks) < 1:
        raise InvalidParameter(f"`blocks` must be three numbers of at least 1. Received: blocks={blocks}")
    inputs = graph.picture(size, 75)
    x = stem(inputs)
    for index in range(blocks[0]):
        x = block(x, BLOCK35, 0.17, f"block35_{index + 1}")
    x = reduce(x, MIXED6, "mixed6")
    for index in range(blocks[1]):
        x = block(x, BLOCK17, 0.1, f"block17_{index + 1}")
    x = reduce(x, MIXED7, "mixed7")
    for index in range(blocks[2] - 1):
        x = block(x, BLOCK8, 0.2, f"block8_{index + 1}")
    x = block(x, BLOCK8, 1.0, "block8_last", activate=False)
    x = convolve(x, 1536, 1, "top")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, graph.label(x, classes, dropout), name="inception_resnet")


# Parts


def heat_map_layer(model: keras.Model) -> str:
    """Return the deepest module with a map of 3 x 3 at least: at 96 pixels the last one's is 1 x 1."""
    at_stride_16 = [layer.name for layer in model.layers if layer.name.startswith("block17_")]
    return graph.deepest_map(model, ("top_relu", at_stride_16[-1], "mixed5"))


def stages(model: keras.Model) -> dict[str, list[str]]:
    """Return the layers with weights by stage; the tail is the last residual module and the last convolution."""
    return graph.by_stage(model, tail=("block8_last", "top"), head=())
