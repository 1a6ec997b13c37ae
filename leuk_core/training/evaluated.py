"""A finished run, judged: calibrated cells, the decision that a version answers by, and the files beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.groups import natural_key
from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.evaluation.calibration import fit_calibrator
from leuk_core.evaluation.coverage import choose_threshold
from leuk_core.evaluation.out_of_fold import OutOfFold, judge_run
from leuk_core.evaluation.results import compact, results
from leuk_core.registry.versions import load_task
from leuk_core.training.cross_validate import Validated
from leuk_core.training.run import today, whole

COVERAGE = 0.85
"""Share of out-of-fold cells that the threshold on the highest probability lets through."""


def judge(found: Validated) -> OutOfFold:
    """Return the judged cells of a run with calibrated probabilities."""
    task = load_task(str(found.config["task"]))
    folds = found.config.get("folds")
    return judge_run(
        found.scores,
        found.fold,
        found.labels,
        found.groups,
        [entry.id for entry in task.classes],
        protocol=Protocol(str(found.config["protocol"])),
        positive=task.positive,
        aliases_known=bool(found.config["aliases_known"]),
        folds=folds if isinstance(folds, int) else None,
        rest_kept_apart="judged_source" in found.config,
    )


def results_of(found: Validated, judged: OutOfFold, threshold: float) -> dict[str, Any]:
    """Return what an evaluation file of kind "results" holds about a run: see `leuk_core.evaluation.results`."""
    return results(
        judged,
        threshold,
        features=sizes_and_colours(found),
        doubted=array_of(found, "unlike"),
        histories=histories_of(found),
    )


def decision_of(version: str | None, judged: OutOfFold) -> dict[str, Any]:
    """Return calibration and threshold as an evaluation file of kind "decision" holds them."""
    method = judged.method or ("sigmoid" if len(judged.classes) == 2 else "temperature")
    calibrator = fit_calibrator(judged.scores, judged.truth, method)
    return {
        "kind": "decision",
        "version": version,
        "date": today(),
        "protocol": str(judged.protocol),
        "calibration": {
            "method": method,
            **calibrator.to_dict(),
            "fitted_on": "out-of-fold scores of all judged cells",
        },
        "threshold": choose_threshold(judged.truth, judged.probabilities, coverage=COVERAGE),
        "threshold_rule": f"lets {COVERAGE:.0%} of the out-of-fold cells through",
        "n": len(judged),
    }


def store_results(path: Path, found: Validated, version: str, facts: dict[str, Any]) -> None:
    """Write the results of a run beside a version, whole or not at all."""
    head = {
        "kind": "results", "version": version, "date": today(), "protocol": found.config["protocol"],
        "run": found.config,
    }  # fmt: skip
    with whole(path) as unfinished:
        unfinished.write_text(compact(head | facts), encoding="utf-8")


def sizes_and_colours(found: Validated) -> np.ndarray | None:
    """Return area and mean colour of each cell of a run, (n, 4); None where the run does not hold them."""
    area, colour = array_of(found, "area"), array_of(found, "colour")
    return None if area is None or colour is None else np.column_stack([area, colour])


def array_of(found: Validated, name: str) -> np.ndarray | None:
    """Return an array of a run with a row for each of its cells; None where the run does not hold it.

    Raises
    ------
    InvalidData
        If it has another number of rows.
    """
    path = found.folder / f"{name}.npy"
    if not path.is_file():
        return None
    values: np.ndarray = np.load(path, allow_pickle=False)
    if len(values) != len(found.labels):
        raise InvalidData(
            f"{path.name} of a run must have a row for each of its {len(found.labels)} cells. Received: {len(values)}"
        )
    return values


def histories_of(found: Validated) -> dict[str, dict[str, list[float]]]:
    """Return the learning curves of a run's folds."""
    paths = {path.stem.removeprefix("history_fold_"): path for path in found.folder.glob("history_fold_*.json")}
    return {fold: json.loads(paths[fold].read_text("utf-8")) for fold in sorted(paths, key=natural_key)}
