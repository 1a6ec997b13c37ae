"""Trains a network part by part: head first, then what the schedule frees; goes on where it was killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.special import log_softmax

from leuk_core.errors import OutOfMemory
from leuk_core.training.networks import backup
from leuk_core.training.networks.average import Average
from leuk_core.training.networks.pipeline import Batches, stream
from leuk_core.training.networks.schedule import Schedule
from leuk_core.training.run import sweep
from leuk_core.training.shown import Progress
from leuk_core.zoo import catalogue

BACKUP = "backup.safetensors"

History = dict[str, list[Any]]


@dataclass(frozen=True)
class Trainee:
    """A network and the part of it that is trained.

    Parameters
    ----------
    name : str
        In the catalogue.
    whole : keras.Model
        The whole network.
    part : keras.Model
        What is trained: the whole network or, behind a cached trunk, its tail; shares its layers with `whole`.
    judge : callable
        From the input of `part` to the logits, see `leuk_core.training.networks.inference.compiled`.
    classes : int
        Length of the label.
    """

    name: str
    whole: keras.Model
    part: keras.Model
    judge: Callable[[np.ndarray], np.ndarray]
    classes: int

    def free(self, stage: str, *, statistics: bool) -> None:
        """Free the weights of a stage; behind a cached trunk the tail is everything behind it."""
        catalogue.set_trainable(self.name, self.whole, stage, statistics=statistics and stage == "all")
        if self.part is not self.whole and stage == "tail":
            for layer in self.part.layers:
                if layer.weights and type(layer).__name__ != "BatchNormalization":
                    layer.trainable = True


@dataclass
class Standing:
    """Where a training stands; kept in each backup beside the weights.

    Parameters
    ----------
    part, epoch : int
        Part of the schedule and epoch in it that come next.
    batch : int
        Pictures a step, after halvings.
    history : dict of str to list
        A value an epoch; see `train`.
    best : float
        Lowest validation loss of this part.
    since : int
        Epochs since then.
    """

    batch: int
    part: int = 0
    epoch: int = 0
    history: History = field(default_factory=dict)
    best: float = float("inf")
    since: int = 0

    def note(self, **values: Any) -> None:
        """Add an epoch to the history."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def next_part(self) -> None:
        """Go to the beginning of the next part."""
        self.part, self.epoch, self.best, self.since = self.part + 1, 0, float("inf"), 0


def train(
    trainee: Trainee,
    learnt: Batches,
    schedule: Schedule,
    folder: Path,
    validation: Batches | None = None,
    held_out: Batches | None = None,
    progress: Progress | None = None,
    told: Callable[[History], None] | None = None,
) -> History:
    """Train a network; its weights are then those to judge and keep.

    Parameters
    ----------
    trainee : Trainee
        With its start weights.
    learnt : Batches
        What it learns from.
    schedule : Schedule
        How.
    folder : Path
        For the backup of each epoch; a killed training goes on from it.
    validation : Batches or None
        What decides when to stop and which epoch's weights are taken.
    held_out : Batches or None
        Judged after each epoch for the record only; nothing is decided by it.
    progress : callable or None
        Called with (done, total, words).
    told : callable or None
        Called with the history after each epoch.

    Returns
    -------
    dict of str to list
        One value an epoch: "part", "loss" and "accuracy" (while learning, weighted as learnt), "val_loss" and
        "val_accuracy", "held_out_loss" and "held_out_accuracy" where there are such cells, "batch", "seconds". Losses
        are cross-entropies of the label (natural logarithm); outside of learning each cell counts alike.

    Raises
    ------
    OutOfMemory
        If there is too little even for one picture a step.
    """
    training = _Training(trainee, learnt, schedule, folder / BACKUP, validation, held_out, progress, told)
    while training.standing.part < len(schedule.parts):
        try:
            training.run_part()
        except Exception as error:
            if not _out_of_memory(error):
                raise
            if training.standing.batch == 1:
                raise OutOfMemory(_tried(schedule.batch)) from error
            training.go_on_with_half()
    return training.standing.history


def logits_of(judge: Callable[[np.ndarray], np.ndarray], batches: Batches) -> np.ndarray:
    """Return the logits (n, classes), float64, that a network gives for all cells of a source, in its order."""
    parts = [judge(batches.at(0, index)[0]) for index in range(len(batches))]
    return np.concatenate(parts).astype(np.float64)


def judged(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return mean cross-entropy (natural logarithm) and accuracy of logits (n, classes)."""
    logarithms = log_softmax(logits, axis=1)
    return float(-logarithms[np.arange(len(labels)), labels].mean()), float((logits.argmax(axis=1) == labels).mean())


class _Training:
    """One training; what it knows beyond its arguments is in the backup."""

    def __init__(
        self,
        trainee: Trainee,
        learnt: Batches,
        schedule: Schedule,
        file: Path,
        validation: Batches | None,
        held_out: Batches | None,
        progress: Progress | None,
        told: Callable[[History], None] | None,
    ) -> None:
        self.trainee, self.learnt, self.schedule, self.file = trainee, learnt, schedule, file
        self.validation, self.progress, self.told = validation, progress, told
        self.watched = {"val": validation, "held_out": held_out}
        self.model = trainee.part
        sweep(file)
        if (found := backup.load(file)) is None:
            self.standing = Standing(schedule.batch)
            self._save({"state": backup.numbers(backup.state_of(self.model))})
        else:
            self.standing = Standing(**found[1])
            backup.assign(backup.state_of(self.model), found[0]["state"])

    def run_part(self) -> None:
        """Train the part that comes next to its end."""
        stage, epochs = self.schedule.parts[self.standing.part]
        self.trainee.free(stage, statistics=self.schedule.statistics)
        batches = self.learnt.resized(self.standing.batch)
        self._compile(stage, epochs * len(batches))
        average = Average(self.model, self.schedule.averaging)
        best = self._go_on(average, len(batches))
        patience = self.schedule.patience if self.validation is not None else epochs
        while self.standing.epoch < epochs and self.standing.since <= patience:
            best = self._epoch(stage, batches, average) or best
            self._save(
                {
                    "state": backup.numbers(backup.state_of(self.model)),
                    "optimizer": backup.numbers(self.model.optimizer.variables),
                    "average": average.values,
                    "best": best,
                }
            )
            if self.told is not None:
                self.told(self.standing.history)
        if best:
            backup.assign(average.variables, best)
        else:
            average.take()
        self.standing.next_part()
        self._save({"state": backup.numbers(backup.state_of(self.model))})

    def go_on_with_half(self) -> None:
        """Go back to the last backup and take half as many pictures a step."""
        batch = self.standing.batch // 2
        sys.stderr.write(f"Out of memory with {self.standing.batch} pictures a step: going on with {batch}.\n")
        found = backup.load(self.file)
        if found is None:
            raise MemoryError("The backup of the last epoch is gone.")
        self.standing = Standing(**{**found[1], "batch": batch})
        backup.assign(backup.state_of(self.model), found[0]["state"])

    def _epoch(self, stage: str, batches: Batches, average: Average) -> list[np.ndarray]:
        """Train one epoch; return the weights if they are the best so far, else nothing."""
        start = time.perf_counter()
        standing = self.standing
        number = len(standing.history.get("loss", ()))
        done = standing.epoch * len(batches)
        words = f"{self.trainee.name}, {stage}: steps"
        total = self.schedule.parts[standing.part][1] * len(batches)
        steps = _Steps(average, done, lambda at: self.progress(at, total, words) if self.progress else None)
        found = self.model.fit(stream(batches, number), epochs=1, verbose=0, shuffle=False, callbacks=[steps]).history
        values: dict[str, Any] = {
            "part": stage,
            "loss": _of_label(found, "loss"),
            "accuracy": _of_label(found, "accuracy"),
        }
        best: list[np.ndarray] = []
        with average:
            for name, source in self.watched.items():
                if source is not None:
                    loss, accuracy = judged(logits_of(self.trainee.judge, source), source.labels)
                    values |= {f"{name}_loss": loss, f"{name}_accuracy": accuracy}
            if self.validation is not None:
                standing.since += 1
                if values["val_loss"] < standing.best:
                    standing.best, standing.since = values["val_loss"], 0
                    best = backup.numbers(average.variables)
        standing.note(**values, batch=standing.batch, seconds=round(time.perf_counter() - start, 1))
        standing.epoch += 1
        return best

    def _compile(self, stage: str, steps: int) -> None:
        schedule, name = self.schedule, self.trainee.name
        last = self.standing.part == len(schedule.parts) - 1
        peak = schedule.head_rate if stage == "head" else schedule.rate
        rate: Any = peak
        if last:
            warm = int(schedule.warm_up * steps)
            rate = keras.optimizers.schedules.CosineDecay(
                0.05 * peak, max(1, steps - warm), alpha=0.02, warmup_target=peak, warmup_steps=warm
            )
        clip = {"clipnorm": schedule.clip} if schedule.clip else {}
        if schedule.optimizer == "adamw":
            optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay, **clip)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        else:
            optimizer = keras.optimizers.Adam(rate, **clip)
        outputs = len(self.model.outputs)
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        several = {"loss_weights": catalogue.loss_weights(name)} if outputs > 1 else {}
        self.model.compile(
            optimizer,
            loss=catalogue.losses(name, self.trainee.classes)
            if outputs > 1
            else catalogue.losses(name, self.trainee.classes)[0],
            weighted_metrics=[[accuracy], *([] for _ in range(outputs - 1))],
            **several,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def _go_on(self, average: Average, steps: int) -> list[np.ndarray]:
        """Fill optimizer and average from the backup in the middle of a part; return its best weights."""
        if not self.standing.epoch:
            return []
        found = backup.load(self.file)
        lists = found[0] if found else {}
        backup.assign(self.model.optimizer.variables, lists["optimizer"])
        average.fill(lists.get("average", []))
        inner = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        inner.iterations.assign(self.standing.epoch * steps)  # other than the backup's after a halving
        return lists.get("best", [])

    def _save(self, lists: dict[str, list[np.ndarray]]) -> None:
        backup.save(self.file, lists, vars(self.standing))


class _Steps(keras.callbacks.Callback):
    """Averages the weights after each step and tells how far it is."""

    def __init__(self, average: Average, done: int, tell: Any) -> None:
        super().__init__()
        self.average, self.done, self.tell = average, done, tell

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras' signature
        """Work after a step."""
        self.done += 1
        if self.average.momentum:
            self.average.update(self.model, self.done)
        self.tell(self.done)


def _of_label(history: dict[str, list[float]], name: str) -> float:
    return float(history.get(f"label_{name}", history.get(name, [float("nan")]))[-1])


def _tried(batch: int) -> str:
    """Say what was tried before memory ran out for good.

    Examples
    --------
    >>> _tried(4)[:75]
    'Memory ran out with 4, 2 and 1 pictures a step: choose a smaller network or'
    """
    sizes = [str(batch >> halved) for halved in range(batch.bit_length())]
    steps = " and ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1])))
    return (
        f"Memory ran out with {steps} pictures a step: choose a smaller network or smaller pictures, then try again; "
        f"what is finished is kept. Received: batch={batch}"
    )


def _out_of_memory(error: Exception) -> bool:
    words = f"{type(error).__name__} {error}".lower()
    return any(sign in words for sign in ("resourceexhausted", "resource_exhausted", "out of memory", "oom when"))
