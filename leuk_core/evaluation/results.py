"""What is stored about a finished run beside a model version: every figure that its page and its report show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leuk_core.data.groups import natural_key
from leuk_core.errors import InvalidData
from leuk_core.evaluation.calibration import reliability_table
from leuk_core.evaluation.coverage import at_threshold, coverage_curve
from leuk_core.evaluation.intervals import mcnemar, paired_difference
from leuk_core.evaluation.judged import Judged, judged
from leuk_core.evaluation.metrics import Figures
from leuk_core.evaluation.out_of_fold import OutOfFold
from leuk_core.evaluation.resampling import Bootstrap

BASELINE = "logistic regression on area and mean colour"
COMPARED = ("f1_weighted", "auroc", "accuracy")
BY_FOLD = ("f1_weighted", "auroc")
GIVEN_IDS = "given_ids"
"""Key of the figures that the same model has where ids of one person are not joined."""
HIGHEST = "highest"
DIGITS = 5
POINTS = 50
"""Most points of a learning curve that are kept."""
CURVES = ("loss", "val_loss", "accuracy", "val_accuracy", "f1", "val_f1", "auroc", "val_auroc")


def results(
    run: OutOfFold,
    threshold: float,
    *,
    features: np.ndarray | None = None,
    doubted: np.ndarray | None = None,
    histories: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """Return everything that an evaluation file of kind "results" holds about a run's cells.

    Parameters
    ----------
    run : OutOfFold
        The judged cells.
    threshold : float
        Cells whose highest probability is lower are undecided.
    features : ndarray of shape (n, 4) or None
        Area and mean colour of all cells of the run; None leaves the trivial baseline out and says so.
    doubted : ndarray of shape (n,), bool, or None
        Cells of the run that are undecided for another reason.
    histories : mapping of str to mapping of str to sequence of float, or None
        Learning curves by fold.

    Returns
    -------
    dict
        "figures", "split", "notes", "reliability", "coverage", "at_threshold", "unlike_known" (whether `doubted` was
        given) and "by_fold" always; "baseline" and "paired" where features are known; "subjects" where subjects are;
        "history" where there are curves.
    """
    curve = coverage_curve(run.truth, run.probabilities, run.subjects, classes=run.classes)
    unlike = None if doubted is None else np.asarray(doubted, bool)[run.at]
    answered = at_threshold(run.truth, run.probabilities, threshold, run.subjects, classes=run.classes, doubted=unlike)
    split = {"complete": run.complete, "folds": run.judged_folds, "of_folds": run.folds, "n": len(run)}
    found: dict[str, Any] = {
        "figures": run.evaluation().to_dict(),
        "split": {**split, "of_cells": len(run.of_all[0])},
        "notes": [],
        "reliability": reliability(run),
        "coverage": [row.to_dict() for row in curve],
        "at_threshold": answered.to_dict(),
        "unlike_known": doubted is not None,
        "by_fold": by_fold(run),
    }
    if features is None:
        found["notes"].append("No trivial baseline: the run has no area and mean colour of its cells.")
    else:
        try:
            baseline = run.baseline(features)
        except InvalidData as error:
            found["notes"].append(f"No trivial baseline: {error}")
        else:
            found["baseline"] = {"words": BASELINE, "figures": run.evaluation(baseline).to_dict()}
            found["paired"] = {"against": BASELINE, **compare(run, baseline)}
    if run.subjects is not None:
        found["subjects"] = called_by_subject(run)
    if histories:
        found["history"] = thinned(histories)
    return found


def reliability(run: OutOfFold) -> dict[str, list[dict[str, Any]]]:
    """Return reliability tables: of the highest probability, and of the positive class where there is one."""
    labels = {HIGHEST: None} if run.positive is None else {HIGHEST: None, run.positive: run.positive}
    return {
        name: [
            row.to_dict()
            for row in reliability_table(
                run.truth, run.probabilities, run.subjects, classes=run.classes, label=label
            )
        ]
        for name, label in labels.items()
    }  # fmt: skip


def compare(run: OutOfFold, other: np.ndarray) -> dict[str, Any]:
    """Compare a run with other probabilities (m, classes) of the same cells.

    Returns
    -------
    dict
        "differences" by figure, each with "beats" (true only where the interval over subjects excludes 0 in favour of
        the run), "n" and "n_subjects"; and "mcnemar".
    """
    differences = {}
    for name in COMPARED:
        found = paired_difference(run.truth, run.probabilities, other, name, run.subjects, classes=run.classes)
        differences[name] = found.to_dict() | {"beats": found.beats}
    test = mcnemar(run.truth, run.probabilities.argmax(axis=1), other.argmax(axis=1))
    return {
        "differences": differences,
        "mcnemar": {"only_model": test.only_a, "only_other": test.only_b, "p_value": test.p_value, "n": test.n},
    }


def by_fold(run: OutOfFold) -> list[dict[str, Any]]:
    """Return weighted F1 and AUROC of each judged fold, with cells, subjects and intervals."""
    rows = []
    for number in run.judged_folds:
        part = run.part(run.fold == number)
        cells = _judged(part)
        found = Bootstrap().estimate(Figures(cells), cells.strata)
        rows.append(
            {
                "fold": number,
                "n": len(part),
                "n_subjects": None if part.subjects is None else cells.n_units,
                **{name: found[name].at().to_dict() for name in BY_FOLD},
            }
        )
    return rows


def called_by_subject(run: OutOfFold) -> list[dict[str, Any]]:
    """Return, for each subject, its class, its number of cells and how many were called each class."""
    cells = _judged(run)
    called = cells.sums(np.eye(len(cells.classes))[cells.called]).astype(int)
    rows = [
        {
            "subject": name,
            "label": cells.classes[stratum],
            "n": int(counts.sum()),
            "called": {label: int(count) for label, count in zip(cells.classes, counts, strict=True) if count},
        }
        for name, stratum, counts in zip(cells.subject_names, cells.strata, called, strict=True)
    ]
    return sorted(rows, key=lambda row: natural_key(row["subject"]))


def thinned(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Any]:
    """Return learning curves with at most `POINTS` epochs each, first and last among them.

    Returns
    -------
    dict
        By fold: "epochs" (counted from 1), and each curve of `CURVES` that is there.
    """
    found: dict[str, Any] = {}
    for fold, history in histories.items():
        curves: dict[str, list[float]] = {name: list(history[name]) for name in CURVES if len(history.get(name, ()))}
        if not curves:
            continue
        last = max(map(len, curves.values()))
        epochs = np.unique(np.linspace(1, last, min(last, POINTS)).round().astype(int))
        found[fold] = {
            "epochs": epochs.tolist(),
            **{
                name: [values[epoch - 1] if epoch <= len(values) else None for epoch in epochs.tolist()]
                for name, values in curves.items()
            },
        }
    return found


def compact(facts: Mapping[str, Any], digits: int = DIGITS) -> str:
    """Return facts as JSON with a line a key and numbers of `digits` digits; what is not a number becomes null."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(_rounded(value, digits), ensure_ascii=False, separators=(',', ':'))}"
        for key, value in facts.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry, digits) for entry in value]
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        number = float(value)
        return round(number, digits) if abs(number) >= 1 else float(f"{number:.{digits}g}")
    return value


def _judged(run: OutOfFold) -> Judged:
    return judged(run.truth, run.probabilities, run.classes, run.subjects)
