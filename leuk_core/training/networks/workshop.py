"""What all folds of a run share: cells, recipe, start weights, schedule. Makes networks and batches from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.networks import backup
from leuk_core.training.networks.activations import ActivationBatches, activations_of
from leuk_core.training.networks.fit import Trainee, logits_of
from leuk_core.training.networks.inference import compiled
from leuk_core.training.networks.pipeline import Batches, PictureBatches
from leuk_core.training.networks.schedule import Schedule, cell_weights
from leuk_core.training.networks.split import split, tail_start
from leuk_core.training.shown import Progress, ShownCells
from leuk_core.zoo import catalogue, start_weights

_JUDGED_AT_ONCE = 32


@dataclass(frozen=True)
class CellSet:
    """Cells to learn from and to judge.

    Parameters
    ----------
    shown : ShownCells
        A set brought to form.
    positions : ndarray of shape (n,), int
        The usable cells in it.
    labels, groups : ndarray of shape (n,), str
        Class and group (person) of each usable cell.
    classes : tuple of str
        Class ids in the order of the logits.
    recipe : Recipe
        With LoGMH and the network's scaling.
    """

    shown: ShownCells
    positions: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    classes: tuple[str, ...]
    recipe: Recipe

    @property
    def target(self) -> np.ndarray:
        """Index of each usable cell's class, (n,) int32."""
        return np.array([self.classes.index(label) for label in self.labels], np.int32)


@dataclass(frozen=True)
class StartFrom:
    """Start weights as they are asked for; see `leuk_core.zoo.start_weights.load`."""

    kind: str = "imagenet"
    path: Path | None = None
    sha256: str | None = None


@dataclass
class Workshop:
    """Makes networks with their start weights, and batches of the cells for them.

    Parameters
    ----------
    name : str
        Network, as in the catalogue.
    cells : CellSet
        What there is to learn from.
    schedule : Schedule
        How it is learnt.
    start : StartFrom
        Start weights.
    parameters : dict
        Of `catalogue.build`.
    cache : Path
        Where a trunk's activations are kept; may be deleted at any time.
    progress : callable or None
        Called with (done, total, words).
    told : callable or None
        Called after each epoch with the number of the fold and its history (`leuk_core.training.networks.fit.train`).
    """

    name: str
    cells: CellSet
    schedule: Schedule
    start: StartFrom
    parameters: dict[str, Any]
    cache: Path
    progress: Progress | None = None
    told: Callable[[int, dict[str, list[Any]]], None] | None = None
    started: dict[str, Any] = field(default_factory=dict)
    """What the last network started from."""
    _arrays: list[np.ndarray] = field(default_factory=list)

    def trainee(self) -> Trainee:
        """Return a new network with its start weights."""
        keras.utils.set_random_seed(self.schedule.seed)
        classes, size = len(self.cells.classes), self.cells.recipe.size
        whole = catalogue.build(self.name, classes, size, **self.parameters)
        found = start_weights.load(self.name, whole, self.start.kind, self.start.path, self.start.sha256)
        self.started = found.to_dict()
        if not self.schedule.cached:
            return Trainee(self.name, whole, whole, compiled(catalogue.logits_model(whole)), classes)
        cut = self.schedule.tail_from or tail_start(self.name, whole)
        trunk, tail = split(whole, cut)
        _, judge = split(catalogue.logits_model(whole), cut)
        self._arrays = activations_of(
            trunk, self.cells.shown, self.cells.recipe, self.cache, self.schedule.copies, self.schedule.changes,
            self.schedule.seed, self.progress,
        )  # fmt: skip
        return Trainee(self.name, whole, tail, compiled(judge), classes)

    def learnt(self, places: np.ndarray) -> Batches:
        """Return the cells at these places of the set as they are learnt from: changed, weighted, in random order."""
        weights = cell_weights(self.cells.target[places], self.cells.groups[places], self.schedule.weigh)
        return self._batches(places, self.schedule.batch, weights, shuffle=True)

    def judged(self, places: np.ndarray) -> Batches:
        """Return the cells at these places as they are, in order."""
        return self._batches(places, _JUDGED_AT_ONCE, None, shuffle=False)

    def seen_whole(self, places: np.ndarray) -> Batches:
        """Return the pictures of the cells at these places as they are, in order, whatever the schedule caches."""
        return self._pictures(places, _JUDGED_AT_ONCE, None, shuffle=False)

    def logits(self, trainee: Trainee, places: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the logits (n, classes) of the cells at these places, from weights in half precision as they are kept.

        The second value is by how much a few cells' logits differ when the whole network sees their pictures: 0 where
        it always does.
        """
        weights = trainee.whole.weights
        backup.assign(weights, [values.astype(np.float16).astype(np.float32) for values in backup.numbers(weights)])
        found = logits_of(trainee.judge, self.judged(places))
        if trainee.part is trainee.whole:
            return found, 0.0
        some = places[:8]
        seen = compiled(catalogue.logits_model(trainee.whole))
        whole = logits_of(seen, self.seen_whole(some))
        return found, float(np.abs(whole - found[: len(some)]).max())

    def _batches(self, places: np.ndarray, batch: int, weights: np.ndarray | None, *, shuffle: bool) -> Batches:
        if not self.schedule.cached:
            return self._pictures(places, batch, weights, shuffle=shuffle)
        cells, schedule = self.cells, self.schedule
        return ActivationBatches(
            self._arrays, cells.shown.masks, schedule.changes, schedule.seed, self._targets(), cells.positions[places],
            cells.target[places], batch, weights, schedule.seed, shuffle=shuffle,
            outlines=catalogue.entry(self.name).detector,
        )  # fmt: skip

    def _pictures(self, places: np.ndarray, batch: int, weights: np.ndarray | None, *, shuffle: bool) -> Batches:
        cells, schedule = self.cells, self.schedule
        return PictureBatches(
            cells.shown, cells.recipe, self._targets(), schedule.changes if shuffle else None, cells.positions[places],
            cells.target[places], batch, weights, schedule.seed, shuffle=shuffle,
        )  # fmt: skip

    def _targets(self) -> Any:
        return partial(
            _targets, name=self.name, classes=len(self.cells.classes), size=self.cells.recipe.size
        )  # fmt: skip


def _targets(masks: np.ndarray | None, labels: np.ndarray, name: str, classes: int, size: int) -> list[np.ndarray]:
    return catalogue.targets(name, masks, labels, classes, size)
