"""The deep convolutional network of section 3.4, whose fifth pooling gives the features for the five classifiers.

Five convolutions with ReLU, local response normalisation after the first two poolings, 3x3 max pooling with stride 2,
96 filters of 11x11x3 first (Krizhevsky et al. 2012; Haque et al. 2024, figure 6). At 227 pixels the fifth pooling
gives 6 x 6 x 256 = 9,216 features.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

FEATURE_LAYER = "pool5"


# Layers


@keras.saving.register_keras_serializable(package="leuk_core")
class LocalResponseNormalization(layers.Layer):
    """Divide each value by the activity of its neighbouring channels (Krizhevsky et al. 2012, section 3.3).

    Parameters
    ----------
    radius : int
        Channels on either side that count.
    bias, alpha, beta : float
        `x / (bias + alpha * sum(x ** 2)) ** beta`.
    """

    def __init__(
        self, radius: int = 2, bias: float = 2.0, alpha: float = 1e-4, beta: float = 0.75, **options: object
    ) -> None:
        super().__init__(**options)
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the band matrix that sums neighbouring channels; it is a constant, not a weight."""
        channel = np.arange(int(input_shape[-1] or 0))
        self._band = (np.abs(channel[:, None] - channel[None]) <= self.radius).astype("float32")

    def call(self, inputs: Any) -> Any:
        """Return the normalised values, same shape."""
        activity = ops.matmul(ops.square(inputs), ops.cast(self._band, inputs.dtype))
        return inputs * ops.power(self.bias + self.alpha * activity, -self.beta)

    def get_config(self) -> dict[str, object]:
        """Return the parameters."""
        own = {"radius": self.radius, "bias": self.bias, "alpha": self.alpha, "beta": self.beta}
        return {**super().get_config(), **own}


# Graph


def convolutions(inputs: Any) -> Any:
    """Add the five convolutions and their poolings to `inputs`; used by the feature extractor and by AlexNet."""
    x = layers.Conv2D(96, 11, strides=4, activation="relu", kernel_initializer="he_normal", name="conv1")(inputs)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = LocalResponseNormalization(name="lrn1")(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu", kernel_initializer="he_normal", name="conv2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = LocalResponseNormalization(name="lrn2")(x)
    for index, filters in ((3, 384), (4, 384), (5, 256)):
        x = layers.Conv2D(
            filters, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"conv{index}"
        )(x)
    return layers.MaxPooling2D(3, 2, name=FEATURE_LAYER)(x)


def extractor(size: int = 227) -> keras.Model:
    """Return the network from a picture (size, size, 3) to its features after the fifth pooling, flat.

    Parameters
    ----------
    size : int
        Side of the input, in pixels; at least 67, the smallest side that leaves one value after the fifth pooling.
    """
    inputs = keras.Input((size, size, 3), name="picture")
    features = layers.Flatten(name="features")(convolutions(inputs))
    return keras.Model(inputs, features, name="dcnn")


def pretraining_network(classes: int, size: int = 227) -> keras.Model:
    """Return the same network with a small head, to learn its filters from labelled cells."""
    inputs = keras.Input((size, size, 3), name="picture")
    x = layers.Flatten(name="features")(convolutions(inputs))
    x = layers.Dropout(0.5, name="drop6")(x)
    x = layers.Dense(256, activation="relu", kernel_initializer="he_normal", name="fc6")(x)
    x = layers.Dropout(0.5, name="drop7")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="label")(x), name="dcnn_pretraining")
