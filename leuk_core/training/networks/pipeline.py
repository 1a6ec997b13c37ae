"""From cells brought to form to batches: one source of arrays, read by tf.data under TensorFlow, by Keras elsewhere."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.networks.changes import Changes
from leuk_core.training.shown import ShownCells

Targets = Callable[[np.ndarray | None, np.ndarray], list[np.ndarray]]
"""From outlines (n, size, size) and labels (n,) to what each output should give."""


class Batches(ABC):
    """Numbered batches of (inputs, targets, weights); the same seed gives the same arrays, whoever reads them.

    Parameters
    ----------
    positions : ndarray of shape (n,), int
        The cells, as the inputs number them.
    labels : ndarray of shape (n,), int
        Class of each.
    batch : int
        Cells a batch; the last one may be smaller.
    weights : ndarray of shape (n,) or None
        What each counts in the loss; None counts all alike.
    seed : int
        Seed of order and changes.
    shuffle : bool
        A new order each epoch.
    """

    def __init__(
        self,
        positions: np.ndarray,
        labels: np.ndarray,
        batch: int,
        weights: np.ndarray | None = None,
        seed: int = 0,
        *,
        shuffle: bool = False,
    ) -> None:
        self.positions, self.labels = np.asarray(positions), np.asarray(labels)
        self.batch = batch
        self.weights = np.ones(len(positions), np.float32) if weights is None else weights
        self.seed, self.shuffle = seed, shuffle

    def __len__(self) -> int:
        return math.ceil(len(self.positions) / self.batch)

    def at(self, epoch: int, index: int) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
        """Return batch `index` of an epoch."""
        order = np.arange(len(self.positions))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        chosen = order[index * self.batch : (index + 1) * self.batch]
        inputs, targets = self.examples(epoch, chosen)
        return inputs, tuple(targets), self.weights[chosen]

    @abstractmethod
    def examples(self, epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Return inputs and targets of the cells at these places of `positions`."""

    @abstractmethod
    def resized(self, batch: int) -> Batches:
        """Return the same source in batches of another size."""


class PictureBatches(Batches):
    """Pictures as the recipe gives them, changed anew each epoch where `changes` are given.

    Parameters
    ----------
    shown : ShownCells
        The set brought to form.
    recipe : Recipe
        With LoGMH and scaling.
    targets : callable
        See `Targets`.
    changes : Changes or None
        Augmentations.
    """

    def __init__(
        self,
        shown: ShownCells,
        recipe: Recipe,
        targets: Targets,
        changes: Changes | None,
        positions: np.ndarray,
        labels: np.ndarray,
        batch: int,
        weights: np.ndarray | None = None,
        seed: int = 0,
        *,
        shuffle: bool = False,
    ) -> None:
        super().__init__(positions, labels, batch, weights, seed, shuffle=shuffle)
        self.shown, self.recipe, self.targets, self.changes = shown, recipe, targets, changes

    def examples(self, epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Return scaled pictures and targets; a cell's changes depend on the seed, the epoch and the cell only."""
        pictures, masks = [], []
        for position in self.positions[chosen]:
            picture, mask = changed(self.shown, self.recipe, self.changes, int(position), (self.seed, epoch))
            pictures.append(picture)
            masks.append(mask)
        return self.recipe.scale(np.array(pictures)), self.targets(np.array(masks), self.labels[chosen])

    def resized(self, batch: int) -> Batches:
        """Return the same source in batches of another size."""
        return PictureBatches(
            self.shown, self.recipe, self.targets, self.changes, self.positions, self.labels, batch,
            self.weights, self.seed, shuffle=self.shuffle,
        )  # fmt: skip


def changed(
    shown: ShownCells, recipe: Recipe, changes: Changes | None, index: int, seed: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return picture, before scaling, and outline of a cell, changed as `seed` and `index` draw it."""
    picture, mask = shown.picture(index, recipe), shown.masks[index]
    if changes is None:
        return picture, mask
    return changes.apply(picture, mask, np.random.default_rng([*seed, index]))


def at_once() -> int:
    """Return how many batches are made at the same time: one a core, from 2 to 16."""
    return max(2, min(16, os.cpu_count() or 1))


def stream(batches: Batches, epoch: int, workers: int | None = None) -> Any:
    """Return one epoch in the form that `keras.Model.fit` reads best under the running backend.

    Parameters
    ----------
    batches : Batches
        The source.
    epoch : int
        Which epoch.
    workers : int or None
        Batches made at the same time; None is one a core.
    """
    import keras  # noqa: PLC0415 - only where a network is trained

    workers = workers or at_once()
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(batches, epoch, workers)
    return _keras(batches, epoch, workers)


def _tensorflow(batches: Batches, epoch: int, workers: int) -> Any:
    import tensorflow as tf  # noqa: PLC0415

    inputs, targets, weights = batches.at(epoch, len(batches) - 1)  # the smallest one tells shapes and types
    flat = [inputs, *targets, weights]
    types = [values.dtype for values in flat]

    def arrays(index: int) -> list[np.ndarray]:
        inputs, targets, weights = batches.at(epoch, int(index))
        return [inputs, *targets, weights]

    def load(index: Any) -> Any:
        found = tf.numpy_function(arrays, [index], types)
        for tensor, values in zip(found, flat, strict=True):
            tensor.set_shape((None, *values.shape[1:]))
        return found[0], tuple(found[1:-1]) if len(found) > 3 else found[1], found[-1]

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    numbers = tf.data.Dataset.range(len(batches))
    return numbers.map(load, num_parallel_calls=workers).prefetch(workers).with_options(options)


def _keras(batches: Batches, epoch: int, workers: int) -> Any:
    import keras  # noqa: PLC0415

    class Epoch(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
            inputs, targets, weights = batches.at(epoch, index)
            return inputs, targets if len(targets) > 1 else targets[0], weights

    return Epoch(workers=workers, use_multiprocessing=False)
