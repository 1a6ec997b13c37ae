"""A network in inference as one compiled function, on one device even where several learn together."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np


def compiled(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from inputs (n, ...) to the one output of a network, compiled once for every n.

    Notes
    -----
    `predict_on_batch` gives each row once a device under `tf.distribute.MirroredStrategy`.
    """
    if keras.backend.backend() != "tensorflow":
        return lambda inputs: np.asarray(model.predict_on_batch(inputs))
    import tensorflow as tf  # noqa: PLC0415 - whichever backend is there

    shape = tf.TensorSpec([None, *model.input.shape[1:]], tf.float32)
    function = tf.function(lambda inputs: model(inputs, training=False), input_signature=[shape])
    return lambda inputs: np.asarray(function(tf.constant(inputs, tf.float32)))
