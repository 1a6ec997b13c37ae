"""A candidate against the version that answers now, on persons that neither has seen: paired, in a plain sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.data.cells import LabelledCells, Progress
from leuk_core.data.splits import Protocol
from leuk_core.evaluation.judged import judged
from leuk_core.evaluation.metrics import Figures, caption
from leuk_core.evaluation.resampling import Bootstrap, Estimate
from leuk_core.evaluation.seen import Prints
from leuk_core.evaluation.unseen import proof
from leuk_core.registry.versions import ModelVersion, load_task

METRIC = "f1_weighted"
_BATCH = 32


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to.

    Parameters
    ----------
    current, candidate : str
        References; `current` is empty where no version answers yet.
    possible : bool
        Whether the two could be compared.
    sentence : str
        The whole in one plain sentence.
    proof : str
        How it is proven that neither saw the cells; or why it is not.
    caption : str
        Protocol, cells and persons.
    n, n_subjects : int
        Cells and persons that both judged.
    left_out : int
        Pictures in which no cell was found.
    figures : dict of str to dict of str to Estimate
        "f1_weighted", "ece" and "recall_<class>": each "current", "candidate" and "difference" (candidate - current).
    got_worse : tuple of str
        Classes of which fewer cells are called rightly, beyond the interval.
    """

    current: str
    candidate: str
    possible: bool
    sentence: str
    proof: str = ""
    caption: str = ""
    n: int = 0
    n_subjects: int = 0
    left_out: int = 0
    figures: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    got_worse: tuple[str, ...] = ()

    @property
    def better(self) -> bool:
        """Whether the candidate is better beyond the interval."""
        found = self.figures.get(METRIC, {}).get("difference")
        return found is not None and found.low is not None and found.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON wants it."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        figures = {name: {which: one.to_dict() for which, one in entry.items()} for name, entry in self.figures.items()}
        return facts | {"figures": figures, "got_worse": list(self.got_worse), "better": self.better}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Comparison:
        """Read what `to_dict` gave."""
        figures = {
            name: {which: Estimate.from_dict(one) for which, one in entry.items()}
            for name, entry in facts["figures"].items()
        }
        known = {name: facts[name] for name in cls.__dataclass_fields__}
        return cls(**known | {"figures": figures, "got_worse": tuple(facts["got_worse"])})


def compare(
    current: ModelVersion | None,
    candidate: ModelVersion,
    cells: LabelledCells,
    groups: ArrayLike,
    folder: Path,
    *,
    microns_per_pixel: float | None = None,
    aliases_known: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Let two versions judge the reserved cells and compare them.

    Parameters
    ----------
    current : ModelVersion or None
        The version that answers now; None where there is none.
    candidate : ModelVersion
        The new one.
    cells : LabelledCells
        Cells of reserved persons.
    groups : array-like of shape (n,)
        Person (joined ids) of each cell.
    folder : Path
        Where prepared cells are kept; may be deleted at any time.
    microns_per_pixel : float or None
        Scale of all pictures; None as in `leuk_core.training.shown.prepare`.
    aliases_known : bool
        Whether ids of one person were joined.
    progress : callable or None
        Called with (done, total, words).
    """
    if current is None:
        return Comparison("", candidate.ref, False, "No version answers yet, so there is nothing to compare with.")
    prints = Prints(cells)
    proofs = {version.ref: proof(version, prints) for version in (current, candidate)}
    for found in proofs.values():
        if not found.unseen:
            return Comparison(current.ref, candidate.ref, False, f"Not compared: {found.words}.", found.words)
    of_current = _answers(current, cells, folder, microns_per_pixel, "current", progress)
    of_candidate = _answers(candidate, cells, folder, microns_per_pixel, "candidate", progress)
    both = np.flatnonzero(np.isfinite(of_current + of_candidate).all(axis=1))
    task = load_task(candidate.task)
    compared = judge(
        np.array(cells.labels)[both],
        of_current[both],
        of_candidate[both],
        [entry.id for entry in task.classes],
        np.asarray(groups)[both],
        words={entry.id: entry.short for entry in task.classes},
        aliases_known=aliases_known,
    )
    facts: dict[str, Any] = {"current": current.ref, "candidate": candidate.ref, "proof": proofs[current.ref].words}
    facts |= {"left_out": len(cells) - len(both)}
    return Comparison(**{**vars(compared), **facts})


def judge(
    truth: ArrayLike,
    current: ArrayLike,
    candidate: ArrayLike,
    classes: Sequence[str],
    subjects: ArrayLike,
    *,
    words: Mapping[str, str] | None = None,
    aliases_known: bool = True,
    seed: int = 0,
) -> Comparison:
    """Compare calibrated probabilities of two models on the same cells.

    Parameters
    ----------
    truth : array-like of shape (n,)
        True classes.
    current, candidate : array-like of shape (n, classes)
        Probabilities. Thresholds have no part: the class with the highest probability counts.
    classes : sequence of str
        Class ids in the order of the columns.
    subjects : array-like of shape (n,)
        Person of each cell; the same persons are drawn for both models.
    words : mapping of str to str or None
        Classes as people read them.
    aliases_known : bool
        Whether ids of one person were joined.
    seed : int
        Of the intervals.

    Examples
    --------
    >>> truth, persons = np.repeat([0, 1], 20), np.repeat(np.arange(20).astype(str), 2)
    >>> good = np.eye(2)[truth] * 0.8 + 0.1
    >>> judge(truth, good, good, ["all", "hem"], persons).sentence.split("), ")
    ['No evidence that it is better: +0.0 points of weighted F1 (95 % +0.0 to +0.0',
     'by subject · 40 cells · 20 subjects.']
    """
    cells = {
        name: judged(truth, given, classes, subjects)
        for name, given in (("current", current), ("candidate", candidate))
    }
    of = {name: Figures(one) for name, one in cells.items()}

    def values(drawn: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for name, figures in of.items():
            every = figures(drawn)
            found |= {f"{name} {METRIC}": every[METRIC], f"{name} ece": every["ece"]}
            found |= {f"{name} recall_{label}": every["class_recall"][:, at] for at, label in enumerate(classes)}
        names = [name.removeprefix("current ") for name in found if name.startswith("current ")]
        return found | {f"difference {name}": found[f"candidate {name}"] - found[f"current {name}"] for name in names}

    first = cells["current"]
    estimates = Bootstrap(seed=seed).estimate(values, first.strata, reflected=("current ece", "candidate ece"))
    figures: dict[str, dict[str, Estimate]] = {}
    for key, found in estimates.items():
        which, name = key.split(" ", 1)
        figures.setdefault(name, {})[which] = found.at()
    got_worse = tuple(label for label in classes if _beyond(figures[f"recall_{label}"]["difference"]) < 0)
    told = caption(Protocol.BY_SUBJECT.words(aliases_known=aliases_known), len(first), first.n_units)
    sentence = _sentence(figures[METRIC]["difference"], told)
    if got_worse:
        named = ", ".join((words or {}).get(label, label) for label in got_worse)
        sentence = f"{sentence[:-1]}; fewer cells are called rightly of class {named}."
    return Comparison(
        "",
        "",
        True,
        sentence,
        caption=told,
        n=len(first),
        n_subjects=first.n_units,
        figures=figures,
        got_worse=got_worse,
    )


def _answers(
    version: ModelVersion,
    cells: LabelledCells,
    folder: Path,
    microns_per_pixel: float | None,
    which: str,
    progress: Progress | None,
) -> np.ndarray:
    """Return what a version says of each cell, brought to form by its own recipe; NaN where no cell was found."""
    from leuk_core.prediction import Predictor  # noqa: PLC0415 - loads what answering needs
    from leuk_core.training.shown import prepare, scale_of_set  # noqa: PLC0415

    predictor = Predictor(version)
    recipe = predictor.recipe
    scale = microns_per_pixel if microns_per_pixel is not None else scale_of_set(cells)
    shown = prepare(cells, recipe, folder, scale, progress)
    usable = shown.usable
    probabilities = np.full((len(cells), len(predictor.task.classes)), np.nan)
    for start in range(0, len(usable), _BATCH):
        at = usable[start : start + _BATCH]
        pictures = np.array([shown.picture(index, recipe) for index in at])
        probabilities[at] = predictor.probabilities(pictures, (shown.key, recipe.hash, start))
        if progress is not None:
            progress(start + len(at), len(usable), f"reserved cells, {which} version")
    return probabilities


def _beyond(difference: Estimate) -> int:
    if not difference.excludes_zero or difference.low is None:
        return 0
    return 1 if difference.low > 0 else -1


def _sentence(difference: Estimate, told: str) -> str:
    if difference.value is None:
        return f"Nothing can be said: the figure is not defined on these cells, {told}."
    heads = {1: "It is better", -1: "It is worse", 0: "No evidence that it is better"}
    ends = "no interval"
    if difference.low is not None and difference.high is not None:
        ends = f"95 % {difference.low * 100:+.1f} to {difference.high * 100:+.1f}"
    return f"{heads[_beyond(difference)]}: {difference.value * 100:+.1f} points of weighted F1 ({ends}), {told}."
