"""Judge the networks of a finished run again by the mean over several views of each cell; nothing is trained."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuk_core.training.cross_validate import Validated, claim, write_sizes_and_colours
from leuk_core.training.networks.cross_validate import Folds, gather
from leuk_core.training.networks.inference import compiled
from leuk_core.training.networks.store import network_of_fold
from leuk_core.training.networks.workshop import Workshop
from leuk_core.training.run import write_array
from leuk_core.views import mean_of, views_of
from leuk_core.zoo import catalogue


def judge_by_views(workshop: Workshop, folds: Folds, run: Path, found: Validated, views: int) -> Validated:
    """Return the finished folds of a run judged by the mean logits over views; a fold judged before isn't again.

    Parameters
    ----------
    workshop : Workshop
        That of the run.
    folds : Folds
        Those of the run.
    run : Path
        The run folder. What is found goes into a run folder beside it, `<run>-views<n>`, which `fit --from-run` and
        `evaluate` take like any other.
    found : Validated
        The run.
    views : {1, 4, 8}
        See `leuk_core.views.views_of`.
    """
    cells, folder = workshop.cells, run.with_name(f"{run.name}-views{views}")
    config: dict[str, Any] = {**found.config, "views": views}
    claim(folder, config)
    write_sizes_and_colours(folder, cells.shown.areas[cells.positions], cells.shown.colours[cells.positions])
    parts = replace(folds, only=None).parts(cells.labels, cells.groups)
    for number in sorted(set(found.fold.tolist()) - {-1}):
        if not (folder / f"fold_{number}_scores.npy").is_file():
            for name in (f"fold_{number}.safetensors", f"fold_{number}.json", f"history_fold_{number}.json"):
                shutil.copyfile(run / name, folder / name)
            keras.utils.clear_session(free_memory=True)
            network = network_of_fold(run, number, config)
            write_array(folder / f"fold_{number}_scores.npy", _logits(network, workshop, parts[number][1], views))
        gather(folder, parts, cells)
    return Validated(folder, config, *gather(folder, parts, cells), cells.labels, cells.groups)


def _logits(network: keras.Model, workshop: Workshop, places: np.ndarray, views: int) -> np.ndarray:
    judge, seen = compiled(catalogue.logits_model(network)), workshop.seen_whole(places).resized(8)
    parts = []
    for index in range(len(seen)):
        parts.append(mean_of(judge(views_of(seen.at(0, index)[0], views)), views))
        if workshop.progress is not None:
            workshop.progress(index + 1, len(seen), f"{workshop.name}, {views} views: batches")
    return np.concatenate(parts).astype(np.float64)
