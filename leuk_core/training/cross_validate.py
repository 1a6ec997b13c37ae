"""Cross-validation of the five classifiers: scores of each cell from a model that saw neither it nor its person."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from leuk_core.data.splits import Protocol, group_folds, image_folds, judged_only
from leuk_core.errors import InvalidData
from leuk_core.training.run import environment, today, write_array, write_json
from leuk_core.training.shown import Progress
from leuk_core.zoo import classical


@dataclass(frozen=True)
class Validated:
    """Out-of-fold scores of a run.

    Parameters
    ----------
    folder : Path
        The run folder.
    config : dict
        What was asked.
    scores : ndarray of shape (n, classes)
        Out-of-fold scores, see `leuk_core.zoo.classical.scores`.
    fold : ndarray of shape (n,), int
        Fold in which a cell was judged.
    labels, groups : ndarray of shape (n,), str
        Class and group of each cell.
    """

    folder: Path
    config: dict[str, object]
    scores: np.ndarray
    fold: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def cross_validate(
    model: str,
    features: Sequence[np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray,
    classes: Sequence[str],
    folder: Path,
    config: dict[str, object],
    *,
    protocol: Protocol = Protocol.BY_SUBJECT,
    folds: int = 5,
    seed: int = 0,
    spare: float = 0.0,
    judged: np.ndarray | None = None,
    only: int | None = None,
    progress: Progress | None = None,
) -> Validated:
    """Fit a classifier a fold and score the cells left out; a fold that is on disk is not fitted again.

    Parameters
    ----------
    model : str
        One of the five, see `leuk_core.zoo.classical`.
    features : sequence of ndarray of shape (n, features)
        The cells as they are, then augmented copies; copies of training cells only are learnt from.
    labels, groups : ndarray of shape (n,), str
        Class and group (person) of each cell.
    classes : sequence of str
        Class ids in the order of the scores.
    folder : Path
        The run folder.
    config : dict
        Recorded as it is; a folder with another configuration is refused.
    protocol : Protocol
        "by-image" ignores the groups.
    folds, seed : int
        Number of folds and the seed of the split and of the classifier.
    spare : float
        Share of each training part left aside, as the paper leaves 5 of 80 % for validation; 0 learns from all.
    judged : ndarray of shape (n,), bool, or None
        Cells that are judged; the others are only learnt from. None judges all.
    only : int or None
        The one fold that is fitted now, from 0; None fits all.
    progress : callable or None
        Called with (done, total, words).

    Raises
    ------
    InvalidData
        If the folder holds a run with another configuration, or the folds can't be made.
    """
    config = {**config, "model": model, "protocol": str(protocol), "folds": folds, "seed": seed, "n": len(labels)}
    claim(folder, config)
    by_image = protocol is Protocol.BY_IMAGE
    parts = image_folds(labels, folds, seed) if by_image else group_folds(labels, groups, folds, seed)
    if judged is not None:
        parts = judged_only(parts, judged, groups)
    target = np.array([list(classes).index(label) for label in labels])
    scores = np.full((len(labels), len(classes)), np.nan)
    fold_of = np.full(len(labels), -1)
    for number in range(folds) if only is None else (only,):
        train, test = parts[number]
        path = folder / f"fold_{number}_scores.npy"
        if path.is_file():
            scores[test] = np.load(path, allow_pickle=False)
        else:
            start = time.perf_counter()
            learnt = train
            if spare:
                learnt, _ = train_test_split(train, test_size=spare, stratify=target[train], random_state=seed)
            classifier = fit(model, [copy[learnt] for copy in features], target[learnt], seed)
            scores[test] = classical.scores(classifier, features[0][test])
            write_array(path, scores[test])
            seconds = time.perf_counter() - start
            write_json(folder / f"fold_{number}.json", {"seconds": round(seconds, 1), "train": len(learnt)})
        fold_of[test] = number
        if progress is not None:
            progress(number + 1, folds, f"{model}, {protocol}: folds")
    write_array(folder / "scores.npy", scores)
    write_array(folder / "fold.npy", fold_of)
    write_array(folder / "labels.npy", np.asarray(labels, dtype=str))
    write_array(folder / "groups.npy", np.asarray(groups, dtype=str))
    return Validated(folder, config, scores, fold_of, np.asarray(labels), np.asarray(groups))


def fit(model: str, features: Sequence[np.ndarray], target: np.ndarray, seed: int) -> object:
    """Return the classifier fitted on all given copies of the given cells."""
    everything = np.concatenate(features)
    repeated = np.tile(target, len(features))
    # n cells span n - 1 directions: one more would be noise, which the scaler then makes as large as the others
    classifier = classical.build(model, seed, max(1, min(classical.COMPONENTS, len(everything) - 1)))
    with warnings.catch_warnings():
        # the paper fixes the number of epochs; whether they were enough shows in the results
        warnings.simplefilter("ignore", ConvergenceWarning)
        return classical.without_optimizer(classifier.fit(everything, repeated))


def read_run(folder: Path) -> Validated:
    """Return what a finished run left in its folder.

    Raises
    ------
    InvalidData
        If the folder holds no finished run.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        arrays = [
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("scores", "fold", "labels", "groups")
        ]
    except (OSError, ValueError) as error:
        raise InvalidData(f"`folder` must hold a finished run. Received: {folder.name} ({error})") from error
    return Validated(folder, config, *arrays)


def write_sizes_and_colours(folder: Path, areas: np.ndarray, colours: np.ndarray) -> None:
    """Leave area (n,) and mean colour (n, 3) of each cell in a run folder: the trivial baseline is made from them."""
    write_array(folder / "area.npy", np.asarray(areas, np.float64))
    write_array(folder / "colour.npy", np.asarray(colours, np.float64))


def claim(folder: Path, config: dict[str, object]) -> None:
    """Write what was asked into a new run folder; refuse one that holds a run which was asked for otherwise.

    Raises
    ------
    InvalidData
        If it does.
    """
    path = folder / "config.json"
    if path.is_file():
        before = json.loads(path.read_text("utf-8"))
        facts = json.loads(json.dumps(config))
        if {key: value for key, value in before.items() if key in facts} != facts:
            raise InvalidData(
                f"The run folder holds a run that was asked for otherwise: choose another. Received: {folder.name}"
            )
        return
    write_json(path, {**config, "created": today(), "environment": environment()})
