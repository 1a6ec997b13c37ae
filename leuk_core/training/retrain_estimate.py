"""How long a retraining will take on this machine, from a few real steps on cells of the set."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.cells import LabelledCells
from leuk_core.data.imports import open_set
from leuk_core.data.imports_audit import reserved_of
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.cross_validate import fit
from leuk_core.training.retrain_request import FOLDS, Request
from leuk_core.training.shown import ShownCells, prepare, scale_of_set

_LOOKED_AT = 8  # cells
_ROWS = 300  # rows of a classifier that is timed
_GROWS = {"svm": 2.0}  # power of the number of rows by which the time of a fit grows; 1 for the others


def estimate(request: Mapping[str, Any]) -> float:
    """Return the seconds that a retraining will take here, without what waits before it.

    Parameters
    ----------
    request : mapping
        See `leuk_core.training.retrain_request.Request`; checked before.

    Raises
    ------
    LeukError
        If the set or the model is not there.

    Notes
    -----
    A few cells are brought to form, shown to the model and learnt from, and each time is multiplied by how often that
    happens. What is kept from an earlier run makes it shorter.
    """
    asked = Request.from_dict(request)
    cells = open_set(asked.set)
    reserved = reserved_of(asked.set)
    n = len(cells) if reserved is None else len(reserved.sides(cells.subjects)[0])
    some = _some(cells)
    scale = asked.microns_per_pixel if asked.microns_per_pixel is not None else scale_of_set(cells)
    folds = int(asked.settings.get("folds", FOLDS))
    timed = _network if asked.is_network else _classifier
    return float(timed(asked, some, scale, n, folds))


def _classifier(asked: Request, some: LabelledCells, scale: float | None, n: int, folds: int) -> float:
    from leuk_core.features.extractor import load_extractor  # noqa: PLC0415 - imports Keras
    from leuk_core.training.retrain_classifier import EXTRACTOR  # noqa: PLC0415

    extractor = load_extractor(EXTRACTOR)
    shown, forming = _formed(some, extractor.recipe, scale)
    pictures = _pictures(shown, extractor.recipe)
    extractor.features(pictures)
    start = time.perf_counter()
    width = extractor.features(_pictures(shown, extractor.recipe)).shape[1]
    looking = (time.perf_counter() - start) / len(pictures)
    rng, rows = np.random.default_rng(0), n * (asked.copies + 1)
    timed = min(_ROWS, rows)
    start = time.perf_counter()
    fit(asked.model, [rng.random((timed, width), np.float32)], np.arange(timed) % 2, 0)
    fitting = (time.perf_counter() - start) * (rows / timed) ** _GROWS.get(asked.model, 1.0)
    return n * forming + rows * looking + (folds + 1) * fitting


def _network(asked: Request, some: LabelledCells, scale: float | None, n: int, folds: int) -> float:
    from leuk_core.registry.versions import load_task  # noqa: PLC0415
    from leuk_core.training.networks.fit import train  # noqa: PLC0415 - imports Keras
    from leuk_core.training.networks.machine import ready  # noqa: PLC0415
    from leuk_core.training.networks.workshop import CellSet, Workshop  # noqa: PLC0415
    from leuk_core.training.retrain_network import plan_of  # noqa: PLC0415

    plan, schedule = plan_of(asked), asked.schedule
    shown, forming = _formed(some, plan.recipe, scale)
    classes = tuple(entry.id for entry in load_task(asked.task).classes)
    everything = np.arange(len(some))
    short = replace(schedule, batch=min(schedule.batch, len(some)), validation=0.0, head_epochs=0, epochs=2)
    cells = CellSet(shown, everything, np.array(some.labels), everything.astype(str), classes, plan.recipe)
    with tempfile.TemporaryDirectory() as place, ready(schedule.mixed_precision):
        workshop = Workshop(asked.model, cells, short, plan.start, plan.parameters, Path(place) / "cache")
        start = time.perf_counter()
        trainee = workshop.trainee()
        building = time.perf_counter() - start
        looking = 0.0
        if schedule.cached:  # a second look at the same pictures: what is built is built
            start = time.perf_counter()
            replace(workshop, cache=Path(place) / "again").trainee()
            looking = (time.perf_counter() - start) / (len(some) * (schedule.copies + 1))
        start = time.perf_counter()
        history = train(trainee, workshop.learnt(everything), short, Path(place) / "run")
        compiling = time.perf_counter() - start
    learning = history["seconds"][-1] / len(some)
    epochs = sum(count for _, count in schedule.parts)
    learnt = n * folds  # each fold leaves its part out, and the last training takes all
    return (
        n * forming
        + n * (schedule.copies + 1) * looking
        + learnt * epochs * learning
        + (folds + 1) * (building + compiling)
    )


def _some(cells: LabelledCells) -> LabelledCells:
    """Return a few cells from all over the set, of each class."""
    positions: list[int] = []
    for label in cells.classes:
        of_class = [at for at, cell in enumerate(cells) if cell.label == label]
        step = max(1, len(of_class) // max(1, _LOOKED_AT // len(cells.classes)))
        positions += of_class[::step][: max(1, _LOOKED_AT // len(cells.classes))]
    return cells.select(positions)


def _formed(some: LabelledCells, recipe: Recipe, scale: float | None) -> tuple[ShownCells, float]:
    """Return cells brought to form, and the seconds that one takes."""
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        shown = prepare(some, recipe, Path(place), scale, jobs=1)
        return shown, (time.perf_counter() - start) / len(some)


def _pictures(shown: ShownCells, recipe: Recipe) -> np.ndarray:
    return recipe.scale(np.array([shown.picture(at, recipe) for at in range(len(shown))]))
