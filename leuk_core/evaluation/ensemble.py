"""The ensemble: mean of several models' calibrated probabilities, and what it reached on cells that none had seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.evaluation.calibration import log_scores
from leuk_core.evaluation.coverage import choose_threshold
from leuk_core.evaluation.judged import checked_probabilities
from leuk_core.evaluation.out_of_fold import OutOfFold
from leuk_core.evaluation.resampling import Estimate
from leuk_core.evaluation.results import compact, compare, results

KIND = "ensemble"
RULE = "mean of the calibrated probabilities of its models"


def mean_of(probabilities: Sequence[ArrayLike]) -> np.ndarray:
    """Return the mean of models' calibrated probabilities, (n, classes).

    Parameters
    ----------
    probabilities : sequence of array-like of shape (n, classes)
        One a model, of the same cells.

    Raises
    ------
    InvalidData
        If there is none, or their shapes differ.

    Examples
    --------
    >>> mean_of([[[0.75, 0.25]], [[0.25, 0.75]]]).tolist()
    [[0.5, 0.5]]
    """
    given = [checked_probabilities(entry) for entry in probabilities]
    if len({entry.shape for entry in given}) != 1:
        shapes = ", ".join(str(entry.shape) for entry in given) or "none"
        raise InvalidData(f"An ensemble needs probabilities of the same cells and classes. Received: shapes {shapes}")
    mean: np.ndarray = np.mean(given, axis=0)
    return mean


def join(runs: Sequence[OutOfFold]) -> OutOfFold:
    """Return the ensemble's out-of-fold probabilities on the cells that every run judged.

    Parameters
    ----------
    runs : sequence of OutOfFold
        Runs on the same cells and folds. Each probability comes from a model, and a calibration, that saw neither the
        cell nor its person; so then does their mean.

    Raises
    ------
    InvalidData
        If there are fewer than two, if cells, classes, folds or protocol differ, or if no cell was judged by all.
    """
    if len(runs) < 2:
        raise InvalidData(f"An ensemble needs two runs or more. Received: {len(runs)}")
    first = runs[0]
    if first.protocol is Protocol.BY_IMAGE:
        raise InvalidData("An ensemble is judged by subject. Received: runs by image")
    for other in runs[1:]:
        _check_alike(first, other)
    common = first.at
    for other in runs[1:]:
        common = np.intersect1d(common, other.at)
    if not len(common):
        raise InvalidData("An ensemble needs cells that every run has judged. Received: runs of different folds")
    parts = [run.part(np.searchsorted(run.at, common)) for run in runs]
    probabilities = mean_of([part.probabilities for part in parts])
    truth, group, fold = first.of_all
    judged = np.full(len(fold), -1)
    judged[common] = fold[common]
    return replace(
        parts[0],
        scores=log_scores(probabilities),
        probabilities=probabilities,
        method=RULE if all(run.method for run in runs) else "",
        aliases_known=all(run.aliases_known for run in runs),
        of_all=(truth, group, judged),
    )


def _check_alike(first: OutOfFold, other: OutOfFold) -> None:
    one, two = ((run.classes, run.protocol, run.folds, len(run.of_all[0])) for run in (first, other))
    if one != two:
        raise InvalidData(
            f"An ensemble needs runs of the same classes, protocol, folds and cells. Received: {one} and {two}"
        )
    both = (first.of_all[2] >= 0) & (other.of_all[2] >= 0)
    for name, a, b in zip(("labels", "groups", "folds"), first.of_all, other.of_all, strict=True):
        if (a != b)[both if name == "folds" else slice(None)].any():
            raise InvalidData(f"An ensemble needs runs on the same cells and folds. Received: other {name}")


def judge_ensemble(
    runs: Mapping[str, OutOfFold],
    *,
    coverage: float,
    features: np.ndarray | None = None,
    doubted: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return everything that an evaluation file of kind "ensemble" holds about the ensemble's cells.

    Parameters
    ----------
    runs : mapping of str to OutOfFold
        By full reference of the version that each run stands for.
    coverage : float
        Share of the cells that the threshold on the highest probability lets through.
    features, doubted
        As in `leuk_core.evaluation.results.results`.

    Returns
    -------
    dict
        What `results` gives, "threshold", "threshold_rule", and "against": for each model, whether the ensemble beats
        it on the same cells.
    """
    whole = join(list(runs.values()))
    threshold = choose_threshold(whole.truth, whole.probabilities, coverage=coverage)
    return {
        "members": list(runs),
        "rule": RULE,
        "threshold": threshold,
        "threshold_rule": f"lets {coverage:.0%} of the out-of-fold cells through",
        **results(whole, threshold, features=features, doubted=doubted),
        "against": {
            ref: compare(whole, run.probabilities[np.searchsorted(run.at, whole.at)]) for ref, run in runs.items()
        },
    }


def evaluated_version(config: Mapping[str, Any], models: Path) -> str:
    """Return the full reference of the version beside which the results of a run are stored.

    Parameters
    ----------
    config : mapping
        What the run was asked for.
    models : Path
        Where versions are.

    Raises
    ------
    InvalidData
        If the run was not evaluated for any version that is installed.
    """
    place = models / str(config["task"]) / str(config["model"])
    own = json.loads(compact({"run": config}))["run"]
    for path in sorted((place / "evaluations").glob("*.json"), reverse=True):
        facts = json.loads(path.read_text("utf-8"))
        if facts.get("run") == own and (place / str(facts["version"]) / "card.json").is_file():
            return f"{config['task']}/{config['model']}@{facts['version']}"
    raise InvalidData(
        f"Each run of an ensemble must stand for an installed version: run `evaluate` with `--version` for it first. "
        f"Received: a run of {config['model']}"
    )


def store(facts: Mapping[str, Any], task: str, models: Path) -> Path:
    """Write an ensemble's evaluation; one of the same day that holds other models stays.

    Parameters
    ----------
    facts : mapping
        With "date", "protocol" and "members".
    task : str
        The task that its models are of.
    models : Path
        Where versions are.
    """
    place = models / task / KIND / "evaluations"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{facts['date']}-{facts['protocol']}.json"
    if path.is_file() and _models(json.loads(path.read_text("utf-8"))) != _models(facts):
        path = path.with_name(f"{path.stem}-{len(facts['members'])}-models.json")
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(compact(facts), encoding="utf-8")
    unfinished.replace(path)
    return path


def _models(facts: Mapping[str, Any]) -> set[str]:
    return {str(ref).partition("@")[0] for ref in facts["members"]}


@dataclass(frozen=True)
class EnsembleEvidence:
    """What an ensemble reached out of fold.

    Parameters
    ----------
    facts : mapping
        An evaluation file of kind "ensemble".
    """

    facts: Mapping[str, Any]

    @property
    def members(self) -> tuple[str, ...]:
        """Full references of the versions that it holds."""
        return tuple(self.facts["members"])

    @property
    def threshold(self) -> float:
        """Probability under which its answer is undecided."""
        return float(self.facts["threshold"])

    @property
    def figures(self) -> dict[str, Estimate]:
        """Weighted F1 and AUROC, with their intervals over subjects."""
        overall = self.facts["figures"]["overall"]
        return {
            words: Estimate.from_dict(overall[name])
            for name, words in (("f1_weighted", "weighted F1"), ("auroc", "AUROC"))
        }

    @property
    def words(self) -> str:
        """Both figures with interval, protocol, cells and subjects."""
        figures = self.facts["figures"]
        reached = ", ".join(f"{name} {_with_interval(value)}" for name, value in self.figures.items())
        persons = "" if figures["n_subjects"] is None else f" of {figures['n_subjects']} subjects"
        return f"{reached}; {figures['protocol_words']}, {figures['n']:,} cells{persons}"

    def beaten(self, name: str = "f1_weighted") -> list[str]:
        """Return the members that the ensemble beats by a figure: the interval of the difference excludes 0."""
        against = self.facts["against"]
        return [ref for ref in self.members if against[ref]["differences"][name]["beats"]]


def _with_interval(estimate: Estimate) -> str:
    if estimate.value is None or not estimate.has_interval:
        return estimate.words()
    return f"{estimate.value:.2f} (95 % {estimate.low:.2f} to {estimate.high:.2f})"


def stored(task: str, models: Path) -> list[EnsembleEvidence]:
    """Return the evaluations of a task's ensembles, newest first; none by image."""
    paths = sorted((models / task / KIND / "evaluations").glob("*.json"), reverse=True)
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    return [
        EnsembleEvidence(facts)
        for facts in found
        if facts.get("kind") == KIND and facts.get("protocol") != str(Protocol.BY_IMAGE)
    ]


def evidence_for(members: Iterable[str], task: str, models: Path) -> EnsembleEvidence | None:
    """Return the newest evaluation of exactly these models, None where this set was never judged.

    Parameters
    ----------
    members : iterable of str
        Full references of the versions.
    task : str
        Their task.
    models : Path
        Where versions are.
    """
    wanted = set(members)
    return next((entry for entry in stored(task, models) if set(entry.members) == wanted), None)


def judged_within(members: Iterable[str], task: str, models: Path) -> tuple[str, ...]:
    """Return the largest set of these models that was judged together, the newest of several; none where none was.

    Parameters
    ----------
    members : iterable of str
        Full references of the versions.
    task : str
        Their task.
    models : Path
        Where versions are.
    """
    wanted = set(members)
    inside = [entry.members for entry in stored(task, models) if set(entry.members) <= wanted]
    return max(inside, key=len, default=())
