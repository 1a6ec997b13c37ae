"""Filters for the DCNN: learnt by telling types of white cells apart, on cells brought to the form of the target's.

No weights of ImageNet exist for this network with its normalisation layers; filters learnt on cells stand in for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuk_core.features import dcnn
from leuk_core.preprocessing.augment import Augmentation
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import sha256_of
from leuk_core.registry.weights import save_network
from leuk_core.training.run import environment, today, write_json
from leuk_core.training.shown import ShownCells


@dataclass(frozen=True, slots=True)
class Pretraining:
    """How the filters are learnt.

    Parameters
    ----------
    window : int
        Side of the middle part that is learnt from, in pixels. Convolutions don't depend on it, cells fit into it, and
        it takes half the time of the whole picture.
    epochs, batch : int
        Passes over the training cells and pictures a step.
    rate : float
        Peak learning rate of Adam, reached after `warm_up` steps, then a cosine down to a fiftieth.
    held_out : int
        Cells that are only judged on.
    seed : int
        Seed of everything random.
    """

    window: int = 163
    epochs: int = 6
    batch: int = 32
    rate: float = 4e-4
    warm_up: int = 300
    held_out: int = 600
    seed: int = 1


def pretrain(
    shown: ShownCells, labels: Sequence[str], recipe: Recipe, how: Pretraining, folder: Path
) -> tuple[keras.Model, dict[str, Any]]:
    """Learn the filters; goes on after the last whole epoch when `folder` holds a backup.

    Parameters
    ----------
    shown : ShownCells
        Cells brought to form.
    labels : sequence of str
        Their types.
    recipe : Recipe
        With LoGMH and scaling.
    how : Pretraining
        Settings.
    folder : Path
        Run folder, for the backup of each epoch.

    Returns
    -------
    (keras.Model, dict)
        The network for the full picture, and what its card records.
    """
    keras.utils.set_random_seed(how.seed)
    names = sorted(set(labels))
    target = np.array([names.index(label) for label in labels])
    order = np.random.default_rng(how.seed).permutation(shown.usable)
    held_out, train = order[: how.held_out], order[how.held_out :]
    network = dcnn.pretraining_network(len(names), how.window)
    steps = -(-len(train) // how.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, how.epochs * steps - how.warm_up, warmup_target=how.rate, warmup_steps=how.warm_up, alpha=0.02
    )
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0)
    network.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = _Batches(shown, target, held_out, recipe, how, change=False)
    folder.mkdir(parents=True, exist_ok=True)
    history = network.fit(
        _Batches(shown, target, train, recipe, how, change=True),
        validation_data=validation,
        epochs=how.epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            keras.callbacks.CSVLogger(folder / "curve.csv", append=True),
        ],
    )
    full = dcnn.extractor(recipe.size)
    for layer in full.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    correct = sum(
        int((np.asarray(network.predict_on_batch(validation[i][0])).argmax(axis=1) == validation[i][1]).sum())
        for i in range(len(validation))
    )
    facts = {
        "types": names,
        "trained_on": len(train),
        "held_out": {"correct": correct, "n": len(held_out), "protocol": "by image (subjects unknown)"},
        "settings": asdict(how),
        "last_epoch": {name: float(values[-1]) for name, values in history.history.items()},
        "environment": environment(),
    }
    return full, facts


def store_extractor(
    network: keras.Model, recipe: Recipe, facts: dict[str, Any], data: list[dict[str, str]], folder: Path
) -> None:
    """Write an extractor's version folder: weights in half precision, recipe, card."""
    folder.mkdir(parents=True, exist_ok=False)
    save_network(network, folder / "dcnn.safetensors")
    write_json(folder / "recipe.json", recipe.to_dict())
    files = {name: sha256_of(folder / name) for name in ("dcnn.safetensors", "recipe.json")}
    card = {
        "title": "DCNN of section 3.4, features after the fifth pooling",
        "name": "dcnn",
        "version": folder.name,
        "created": today(),
        "size": recipe.size,
        "data": data,
        "training": facts,
        "files": files,
    }
    write_json(folder / "card.json", card)


class _Batches(keras.utils.PyDataset):
    """Batches of (middle part, type); each epoch has its own order and its own changes, set by the seed."""

    def __init__(
        self,
        shown: ShownCells,
        target: np.ndarray,
        positions: np.ndarray,
        recipe: Recipe,
        how: Pretraining,
        *,
        change: bool,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self.shown, self.target, self.positions, self.recipe, self.how = shown, target, positions, recipe, how
        self.change = change
        self.epoch = 0
        self.augmentation = Augmentation()

    def __len__(self) -> int:
        return math.ceil(len(self.positions) / self.how.batch)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        if self.change:
            self.positions = np.random.default_rng(self.epoch).permutation(self.positions)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.positions[index * self.how.batch : (index + 1) * self.how.batch]
        rng = np.random.default_rng([self.epoch, index])
        edge = (self.recipe.size - self.how.window) // 2
        pictures = []
        for position in chosen:
            picture = self.shown.picture(position, self.recipe)
            if self.change:
                picture = self.augmentation.draw(rng).apply(picture, 0.0)
            pictures.append(self.recipe.scale(picture)[edge : edge + self.how.window, edge : edge + self.how.window])
        return np.array(pictures), self.target[chosen]
