"""The running average of a network's weights over its steps, which generalises better than the last step's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from leuk_core.training.networks import backup


class Average:
    """Average of all weights of the layers that learn; as a context manager it lends them to the network.

    Parameters
    ----------
    model : keras.Model
        With its layers freed and frozen.
    momentum : float
        Share of the average that a step keeps, 0 (off) to under 1; less in the first steps.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self.momentum = momentum
        self.variables = [variable for layer in model.layers if layer.trainable for variable in layer.weights]
        self._average: list[Any] = []
        self._own: list[np.ndarray] = []
        if momentum:
            self._average = [keras.ops.copy(keras.ops.convert_to_tensor(variable)) for variable in self.variables]

    @property
    def values(self) -> list[np.ndarray]:
        """The averages; none where it is off."""
        return [np.array(keras.ops.convert_to_numpy(value)) for value in self._average]

    def fill(self, values: Sequence[np.ndarray]) -> None:
        """Go on from averages that a backup held."""
        if self.momentum and values:
            self._average = [keras.ops.convert_to_tensor(value) for value in values]

    def update(self, model: keras.Model, step: int) -> None:  # noqa: ARG002 - asking for the model syncs it under JAX
        """Take the weights after step `step`, counted from 1, into the average."""
        keep = min(self.momentum, step / (step + 10.0))
        self._average = [
            value * keep + keras.ops.convert_to_tensor(variable) * (1.0 - keep)
            for value, variable in zip(self._average, self.variables, strict=True)
        ]

    def take(self) -> None:
        """Make the averages the network's weights."""
        if self._average:
            backup.assign(self.variables, self.values)

    def __enter__(self) -> Average:
        if self._average:
            self._own = backup.numbers(self.variables)
            self.take()
        return self

    def __exit__(self, *_: object) -> None:
        if self._average:
            backup.assign(self.variables, self._own)
            self._own = []
