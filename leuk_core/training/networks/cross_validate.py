"""Cross-validation of a network, fold by fold: each fold is a unit that may run alone, stop, and go on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split

from leuk_core.data.splits import Protocol, group_folds, image_folds, judged_only, possible_folds
from leuk_core.errors import InvalidParameter
from leuk_core.registry.weights import save_network
from leuk_core.training.cross_validate import Validated, claim, write_sizes_and_colours
from leuk_core.training.networks.fit import train
from leuk_core.training.networks.machine import ready
from leuk_core.training.networks.workshop import CellSet, Workshop
from leuk_core.training.run import environment, write_array, write_json


@dataclass(frozen=True, slots=True)
class Folds:
    """How cells are kept apart.

    Parameters
    ----------
    protocol : Protocol
        "by-image" ignores the groups.
    count, seed : int
        Number of folds and the seed of the split.
    only : int or None
        The one fold that is trained now, from 0; None trains all.
    judged : ndarray of shape (n,), bool, or None
        Cells that are judged; the others are only learnt from. None judges all.
    """

    protocol: Protocol = Protocol.BY_SUBJECT
    count: int = 5
    seed: int = 0
    only: int | None = None
    judged: np.ndarray | None = None

    def parts(self, labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return places of training and judged cells, a pair a fold."""
        if self.only is not None and not 0 <= self.only < self.count:
            raise InvalidParameter(f"`only` must be from 0 to {self.count - 1}. Received: only={self.only}")
        if self.protocol is Protocol.BY_IMAGE:
            found = image_folds(labels, self.count, self.seed)
        else:
            found = group_folds(labels, groups, self.count, self.seed)
        return found if self.judged is None else judged_only(found, self.judged, groups)

    def set_aside(
        self, train: np.ndarray, labels: np.ndarray, groups: np.ndarray, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Split the training places into those learnt from and a validation part, by group.

        The part is about this share of them, or more where there are too few groups for so small a part.
        """
        if self.protocol is Protocol.BY_IMAGE:
            learnt, aside = train_test_split(train, test_size=share, stratify=labels[train], random_state=self.seed)
            return np.sort(learnt), np.sort(aside)
        count = min(round(1 / share), possible_folds(labels[train], groups[train]))
        inner = group_folds(labels[train], groups[train], max(2, count), self.seed)
        learnt, aside = inner[0]
        return train[learnt], train[aside]


def cross_validate(workshop: Workshop, folds: Folds, folder: Path, config: dict[str, Any]) -> Validated:
    """Train a network a fold and score the cells left out; a fold that is finished is not trained again.

    Parameters
    ----------
    workshop : Workshop
        Cells, schedule and start weights.
    folds : Folds
        How cells are kept apart, and which fold is trained now.
    folder : Path
        The run folder. For each fold it gets `fold_<k>_scores.npy`, `fold_<k>.safetensors`, `fold_<k>.json` and
        `history_fold_<k>.json`; and, over all folds finished so far, the arrays of `Validated`: NaN and fold -1 for
        cells that no finished fold judged.
    config : dict
        Recorded as it is; a folder with another configuration is refused.

    Raises
    ------
    InvalidData
        If the folder holds a run with another configuration, or the folds can't be made.
    """
    cells, schedule = workshop.cells, workshop.schedule
    parts = folds.parts(cells.labels, cells.groups)
    config = {
        **config, "kind": "network", "model": workshop.name, "protocol": str(folds.protocol), "folds": folds.count,
        "seed": folds.seed, "n": len(cells.labels), "size": cells.recipe.size, "recipe_hash": cells.recipe.hash,
        "recipe": cells.recipe.to_dict(), "parameters": workshop.parameters, "schedule": schedule.to_dict(),
        "start": workshop.start.kind, "start_sha256": workshop.start.sha256,
    }  # fmt: skip
    claim(folder, config)
    write_sizes_and_colours(folder, cells.shown.areas[cells.positions], cells.shown.colours[cells.positions])
    for number in range(folds.count) if folds.only is None else (folds.only,):
        if not (folder / f"fold_{number}_scores.npy").is_file():
            _one(workshop, folds, number, parts[number], folder)
        gather(folder, parts, cells)
    return Validated(folder, config, *gather(folder, parts, cells), cells.labels, cells.groups)


def gather(
    folder: Path, parts: Sequence[tuple[np.ndarray, np.ndarray]], cells: CellSet
) -> tuple[np.ndarray, np.ndarray]:
    """Write scores, folds and confusion matrices over all finished folds of a run folder; return the first two."""
    scores = np.full((len(cells.labels), len(cells.classes)), np.nan)
    fold_of = np.full(len(cells.labels), -1)
    for number, (_, test) in enumerate(parts):
        path = folder / f"fold_{number}_scores.npy"
        if path.is_file():
            scores[test] = np.load(path, allow_pickle=False)
            fold_of[test] = number
    write_array(folder / "scores.npy", scores)
    write_array(folder / "fold.npy", fold_of)
    write_array(folder / "labels.npy", np.asarray(cells.labels, dtype=str))
    write_array(folder / "groups.npy", np.asarray(cells.groups, dtype=str))
    write_json(folder / "matrices.json", _matrices(scores, fold_of, cells))
    return scores, fold_of


def _matrices(scores: np.ndarray, fold_of: np.ndarray, cells: CellSet) -> dict[str, Any]:
    """Return confusion matrices (rows: true class) of the class with the highest score, before calibration."""

    def matrix(here: np.ndarray) -> list[list[int]]:
        called = scores[here].argmax(axis=1)
        counts = confusion_matrix(cells.target[here], called, labels=range(len(cells.classes)))
        found: list[list[int]] = counts.tolist()
        return found

    numbers = sorted(set(fold_of.tolist()) - {-1})
    return {
        "classes": list(cells.classes),
        "rows": "true class, columns: class with the highest score, before calibration and threshold",
        "all_judged": matrix(fold_of >= 0) if numbers else [],
        "by_fold": {str(number): matrix(fold_of == number) for number in numbers},
    }


def _one(workshop: Workshop, folds: Folds, number: int, part: tuple[np.ndarray, np.ndarray], folder: Path) -> None:
    start = time.perf_counter()
    cells, schedule = workshop.cells, workshop.schedule
    train_places, test = part
    by_subject = folds.protocol is Protocol.BY_SUBJECT
    learnt, aside = train_places, None
    if schedule.validation:
        learnt, aside = folds.set_aside(train_places, cells.labels, cells.groups, schedule.validation)
    with ready(schedule.mixed_precision) as machine:
        trainee = workshop.trainee()
        place = folder / f"fold_{number}"
        history = train(
            trainee, workshop.learnt(learnt), schedule, place,
            validation=None if aside is None else workshop.judged(aside),
            held_out=workshop.judged(test) if aside is None else None,
            progress=workshop.progress,
            told=None if workshop.told is None else partial(workshop.told, number),
        )  # fmt: skip
        logits, difference = workshop.logits(trainee, test)
    write_json(folder / f"history_fold_{number}.json", history)
    save_network(trainee.whole, folder / f"fold_{number}.safetensors")
    write_json(
        folder / f"fold_{number}.json",
        {
            "seconds": round(time.perf_counter() - start, 1),
            "train": len(learnt),
            "validation": 0 if aside is None else len(aside),
            "test": len(test),
            "epochs": epochs_taken(history),
            **({"persons": sorted(set(cells.groups[learnt].tolist()))} if by_subject else {}),
            "start": workshop.started,
            "machine": machine,
            "environment": environment(),
            "whole_network_differs_by": difference,
        },
    )
    write_array(folder / f"fold_{number}_scores.npy", logits)
    shutil.rmtree(place, ignore_errors=True)


def epochs_taken(history: dict[str, list[Any]]) -> dict[str, int]:
    """Return how many epochs each part went on for until the weights that were taken."""
    taken: dict[str, int] = {}
    for part in dict.fromkeys(history["part"]):
        here = [index for index, name in enumerate(history["part"]) if name == part]
        losses = [history["val_loss"][index] for index in here] if "val_loss" in history else []
        taken[part] = int(np.argmin(losses)) + 1 if losses else len(here)
    return taken
