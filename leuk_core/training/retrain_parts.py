"""The parts of a retraining, each safe to do again: its folds, and the training on all cells; here or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from leuk_core.settings import settings
from leuk_core.training.retrain_material import Material, Shown, Tells, open_material
from leuk_core.training.retrain_request import Request

if TYPE_CHECKING:
    from leuk_core.cluster import FarTell, Part
    from leuk_core.training.cross_validate import Validated


class Training(Protocol):
    """A kind of model's way from cells to a stored version."""

    shown: Shown

    @property
    def folds(self) -> int:
        """How many folds there are."""

    def fold(self, number: int) -> Validated:
        """Judge the cells of one fold by a model that saw neither them nor their persons, unless that was done."""

    def cross_validate(self) -> Validated:
        """Judge each cell so; folds that are done are not done again."""

    def store(self, folder: Path, facts: dict[str, Any]) -> None:
        """Learn from all cells and write the version's folder."""


@dataclass(frozen=True)
class Hands:
    """Who does the parts of a training.

    Parameters
    ----------
    request : Request
        What was asked for.
    folder : Path
        The job's.
    tell : Tells
        What it speaks through.
    """

    request: Request
    folder: Path
    tell: Tells

    def fold_all(self, training: Training) -> Validated:
        """Judge each cell; on a cluster, where the settings name one, folds go side by side."""
        if settings().dask_scheduler:
            self._spread([partial(_fold, number=number) for number in range(training.folds)], "folds on the cluster")
        return training.cross_validate()

    def store(self, training: Training, staged: Path, card: dict[str, Any]) -> None:
        """Learn from all cells and write the version; a network does so on the cluster, where there is one."""
        if settings().dask_scheduler and self.request.is_network:
            self._spread([partial(_store, staged=staged, card=card)], "training on the cluster")
        else:
            training.store(staged, card)

    def _spread(self, parts: list[Any], words: str) -> None:
        from leuk_core.cluster import spread  # noqa: PLC0415 - most have no cluster

        self.tell.step(words)
        ready: list[Part] = [partial(part, request=self.request, folder=self.folder) for part in parts]
        scheduler = settings().dask_scheduler or ""
        spread(scheduler, ready, self.folder, self.tell, words, gpu=self.request.is_network)


def open_training(material: Material, folder: Path, tell: Tells, cache: Path | None = None) -> Training:
    """Return the way of the request's kind of model.

    Parameters
    ----------
    material : Material
        What it learns from.
    folder : Path
        The job's.
    tell : Tells
        What it speaks through.
    cache : Path or None
        Where what can be computed again is kept; None is the settings' folder.
    """
    place = cache or settings().cache_dir
    if material.request.is_network:
        from leuk_core.training.retrain_network import NetworkTraining  # noqa: PLC0415 - imports Keras

        return NetworkTraining(material, folder, tell, place)
    from leuk_core.training.retrain_classifier import ClassifierTraining  # noqa: PLC0415 - loads the extractor

    return ClassifierTraining(material, folder, tell, place)


def _fold(tell: FarTell, request: Request, folder: Path, number: int) -> None:
    _opened(tell, request, folder).fold(number)


def _store(tell: FarTell, request: Request, folder: Path, staged: Path, card: dict[str, Any]) -> None:
    _opened(tell, request, folder).store(staged, card)


def _opened(tell: FarTell, request: Request, folder: Path) -> Training:
    from distributed import get_worker  # noqa: PLC0415 - optional

    # a network's cached trunk is written by one process at a time: each worker has its own
    cache = settings().cache_dir / "workers" / "".join(c if c.isalnum() else "-" for c in str(get_worker().name))
    return open_training(open_material(request, tell), folder, tell, cache)
