"""Figures of a classifier on judged cells, each with an interval by bootstrap over subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.judged import Judged, judged
from leuk_core.evaluation.resampling import Bootstrap, Estimate

OVERALL = (
    "accuracy",
    "balanced_accuracy",
    "precision_weighted",
    "recall_weighted",
    "specificity_weighted",
    "f1_weighted",
    "f1_macro",
    "auroc",
    "auprc",
    "brier",
    "ece",
)
"""Figures of the whole."""

BY_CLASS = ("precision", "recall", "specificity", "f1", "auroc", "auprc", "error")
"""Figures of one class against the rest; `error` is the share of its cells that were called something else."""

LOWER_IS_BETTER = ("brier", "ece", "error")

ECE_BINS = 15


@dataclass(frozen=True)
class Evaluation:
    """What a model reached on a set of cells, how the cells were kept apart, and how sure that is.

    Parameters
    ----------
    classes : tuple of str
        Class ids, in the order of rows and columns of `confusion`.
    positive : str or None
        Class whose figures a person sees first, in a task of two classes.
    protocol : str
        "by-subject", "by-image" or "subjects-unknown": results of different protocols never share a ranking.
    protocol_words : str
        The protocol as people read it.
    resampled : {"subjects", "images"}
        What was drawn anew for the intervals.
    n : int
        Number of cells.
    n_subjects : int or None
        Number of subjects; None where they aren't known.
    cells_by_class, subjects_by_class : dict of str to int
        Their numbers by class (a subject with cells of two classes counts in both).
    weighted : bool
        Whether cells had weights of their own.
    overall : dict of str to Estimate
        Figures named in `OVERALL`.
    by_class : dict of str to dict of str to Estimate
        Figures named in `BY_CLASS`, for each class.
    confusion : list of list of float
        Cells (their weights) by true class (rows) and called class (columns).
    confusion_share : list of list of Estimate
        The same as a share of each row.
    level, n_bootstrap, seed : float, int, int
        How the intervals were made.
    notes : tuple of str
        Sentences that a person should know beside the figures.
    """

    classes: tuple[str, ...]
    positive: str | None
    protocol: str
    protocol_words: str
    resampled: str
    n: int
    n_subjects: int | None
    cells_by_class: dict[str, int]
    subjects_by_class: dict[str, int]
    weighted: bool
    overall: dict[str, Estimate]
    by_class: dict[str, dict[str, Estimate]]
    confusion: list[list[float]]
    confusion_share: list[list[Estimate]]
    level: float
    n_bootstrap: int
    seed: int
    notes: tuple[str, ...] = field(default=())

    @property
    def caption(self) -> str:
        """Protocol, number of cells and subjects, as every figure and table carries them."""
        return caption(self.protocol_words, self.n, self.n_subjects)

    def figure(self, name: str, label: str | None = None) -> Estimate:
        """Return one figure, of the whole or of a class.

        Raises
        ------
        InvalidParameter
            If there is no such figure or class.
        """
        table = self.overall if label is None else self.by_class.get(label, {})
        if name not in table:
            raise InvalidParameter(
                f"`name` must be one of {', '.join(OVERALL)}, or with a class out of {', '.join(self.classes)} one of "
                f"{', '.join(BY_CLASS)}. Received: name={name!r}, label={label!r}"
            )
        return table[name]

    def share_called(self, true: str, called: str) -> Estimate:
        """Return which share of the cells of class `true` was called `called` ("of 100 normal cells about N ...").

        Raises
        ------
        InvalidParameter
            If there is no such class.
        """
        if not {true, called} <= set(self.classes):
            raise InvalidParameter(
                f"`true` and `called` must be out of {', '.join(self.classes)}. Received: {true!r} and {called!r}"
            )
        return self.confusion_share[self.classes.index(true)][self.classes.index(called)]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON wants it."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return facts | {
            "classes": list(self.classes),
            "overall": _plain(self.overall),
            "by_class": {label: _plain(figures) for label, figures in self.by_class.items()},
            "confusion_share": [[share.to_dict() for share in row] for row in self.confusion_share],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Evaluation:
        """Read what `to_dict` gave; further keys are ignored."""
        known = {name: facts[name] for name in cls.__dataclass_fields__}
        return cls(
            **known
            | {
                "classes": tuple(facts["classes"]),
                "overall": _estimates(facts["overall"]),
                "by_class": {label: _estimates(figures) for label, figures in facts["by_class"].items()},
                "confusion_share": [[Estimate.from_dict(share) for share in row] for row in facts["confusion_share"]],
                "notes": tuple(facts["notes"]),
            }
        )


def evaluate(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    subjects: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    seed: int = 0,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    positive: str | None = None,
    *,
    protocol: Protocol | str | None = None,
    aliases_known: bool = False,
) -> Evaluation:
    """Evaluate probabilities of cells that the model did not learn from.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True classes: ids out of `classes`, or their positions as integers.
    probabilities : array-like of shape (n, classes)
        Each row sums to 1; the highest is the model's answer.
    classes : sequence of str
        Class ids in the order of the columns.
    subjects : array-like of shape (n,) or None
        Subject (group of joined ids) of each cell. None draws images anew, and the protocol says so.
    weights : array-like of shape (n,) or None
        Weight of each cell, for example `subject_weights(subjects)`.
    seed, n_bootstrap, level : int, int, float
        How the intervals are made, see `Bootstrap`.
    positive : str or None
        Class to put first, recorded only: the figures of both classes are always there.
    protocol : Protocol, str or None
        How training and judged cells were kept apart. None means "by-subject" with `subjects`, else "subjects-unknown".
    aliases_known : bool
        Whether ids of the same person were looked for and joined: without that, "by subject" reads "by given id".

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidParameter
        If the arguments don't fit each other.

    Notes
    -----
    Figures follow scikit-learn's definitions. A precision without any such call is not known (and counts as 0 in the
    weighted mean). Classes without a cell are left out of the unweighted means. `auroc` and `auprc` of the whole are
    the mean over the classes, each against the rest; with two classes `auroc` is the usual one; AUPRC is average
    precision. `brier` is the mean squared difference, summed over the classes, halved with two classes, so that it is
    the usual one there. `ece` takes the highest probability in 15 bins of equal width (Guo et al. 2017, "On Calibration
    of Modern Neural Networks"); its interval is mirrored, because resampling itself raises it.

    Examples
    --------
    >>> y = ["all", "all", "hem", "hem"]
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]]
    >>> found = evaluate(y, p, ["all", "hem"], subjects=["1", "2", "H1", "H2"], n_bootstrap=100)
    >>> found.overall["accuracy"].value, found.confusion, found.caption
    (0.75, [[1.0, 1.0], [0.0, 2.0]], 'by given id · 4 cells · 4 subjects')
    """
    cells = judged(y_true, probabilities, classes, subjects, weights)
    if positive is not None and positive not in cells.classes:
        raise InvalidParameter(f"`positive` must be one of {', '.join(cells.classes)}. Received: positive={positive!r}")
    chosen = _protocol(protocol, known=subjects is not None)
    draw = Bootstrap(n_bootstrap, level, seed)
    found = draw.estimate(Figures(cells), cells.strata, reflected=("ece",))
    confusion = cells.sums(one_hot_pairs(cells.truth, cells.called, len(cells.classes))).sum(axis=0)
    per_class = {name: found[f"class_{name}"] for name in BY_CLASS}
    share = found["confusion_share"]
    k = range(len(cells.classes))
    units = cells.sums(np.eye(len(cells.classes))[cells.truth], weighted=False) > 0
    return Evaluation(
        classes=cells.classes,
        positive=positive,
        protocol=str(chosen),
        protocol_words=chosen.words(aliases_known=aliases_known),
        resampled="images" if subjects is None else "subjects",
        n=len(cells),
        n_subjects=None if subjects is None else cells.n_units,
        cells_by_class=_counts(cells.classes, np.bincount(cells.truth, minlength=len(cells.classes))),
        subjects_by_class={} if subjects is None else _counts(cells.classes, units.sum(axis=0)),
        weighted=weights is not None,
        overall={name: found[name].at() for name in OVERALL},
        by_class={label: {name: per_class[name].at(i) for name in BY_CLASS} for i, label in enumerate(cells.classes)},
        confusion=confusion.tolist(),
        confusion_share=[[share.at(i, j) for j in k] for i in k],
        level=level,
        n_bootstrap=n_bootstrap,
        seed=seed,
        notes=tuple(_notes(cells, known=subjects is not None)),
    )


class Figures:
    """All figures of judged cells as a function of how often each subject was drawn.

    Parameters
    ----------
    cells : Judged
        What is judged.
    only : str or None
        A name out of `OVERALL`, to spare the work on all others.
    """

    def __init__(self, cells: Judged, only: str | None = None) -> None:
        k = len(cells.classes)
        hot = np.eye(k)[cells.truth]
        self.cells = cells
        self.only = only
        self.present = np.bincount(cells.truth, cells.weights, minlength=k) > 0
        self._confusion = cells.sums(one_hot_pairs(cells.truth, cells.called, k))
        squares = ((cells.probabilities - hot) ** 2).sum(axis=1) / (2 if k == 2 else 1)
        self._squares = cells.sums(squares)
        bins = np.minimum((cells.confidence * ECE_BINS).astype(int), ECE_BINS - 1)
        gap = cells.confidence - (cells.called == cells.truth)
        self._gaps = cells.sums(np.eye(ECE_BINS)[bins] * gap[:, None])
        ranked = range(k) if only in (None, "auroc", "auprc") else ()
        self._ranks = [Ranking(cells, label) for label in ranked]

    def __call__(self, drawn: np.ndarray) -> dict[str, np.ndarray]:
        """Return the figures for weights of shape (resamples, subjects)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            figures = self._from_counts(drawn) | self._from_ranks(drawn)
        return figures if self.only is None else {self.only: figures[self.only]}

    def _from_counts(self, drawn: np.ndarray) -> dict[str, np.ndarray]:
        k = len(self.cells.classes)
        counts = (drawn @ self._confusion.reshape(len(self._confusion), -1)).reshape(-1, k, k)
        right = np.diagonal(counts, axis1=1, axis2=2)
        actual, called = counts.sum(axis=2), counts.sum(axis=1)
        total = actual.sum(axis=1)
        weight = actual / total[:, None]
        by_class = {
            "precision": right / called,
            "recall": right / actual,
            "specificity": (total[:, None] - actual - called + right) / (total[:, None] - actual),
            "f1": 2 * right / (actual + called),
            "error": 1 - right / actual,
        }
        weighted = {
            f"{name}_weighted": (np.nan_to_num(by_class[name]) * weight).sum(axis=1)
            for name in ("precision", "recall", "specificity", "f1")
        }
        return {
            "accuracy": right.sum(axis=1) / total,
            "balanced_accuracy": by_class["recall"][:, self.present].mean(axis=1),
            **weighted,
            "f1_macro": by_class["f1"][:, self.present].mean(axis=1),
            "brier": drawn @ self._squares / total,
            "ece": np.abs(drawn @ self._gaps).sum(axis=1) / total,
            "confusion_share": counts / actual[:, :, None],
            **{f"class_{name}": values for name, values in by_class.items()},
        }

    def _from_ranks(self, drawn: np.ndarray) -> dict[str, np.ndarray]:
        if not self._ranks:
            return {}
        both = np.array([ranking.areas(drawn) for ranking in self._ranks])  # class, area, resample
        roc, pr = both[:, 0].T, both[:, 1].T
        return {
            "auroc": roc[:, self.present].mean(axis=1),
            "auprc": pr[:, self.present].mean(axis=1),
            "class_auroc": roc,
            "class_auprc": pr,
        }


class Ranking:
    """Cells in the order of the probability of one class, for the areas under its ROC and precision-recall curves."""

    _ROWS = 64  # resamples at once: their cells should stay in the processor's cache

    def __init__(self, cells: Judged, label: int) -> None:
        score = cells.probabilities[:, label]
        order = np.argsort(-score, kind="stable")
        ordered = score[order]
        self._subject = cells.subject[order]
        self._weight = cells.weights[order]
        self._positive = (cells.truth[order] == label).astype(np.float64)
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._last = None if len(starts) == len(order) else np.r_[starts[1:], len(order)] - 1

    def areas(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return AUROC and average precision for weights (resamples, subjects); NaN where a side is empty."""
        parts = [self._areas(drawn[start : start + self._ROWS]) for start in range(0, len(drawn), self._ROWS)]
        roc, pr = zip(*parts, strict=True)
        return np.concatenate(roc), np.concatenate(pr)

    def _areas(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weight = drawn[:, self._subject] * self._weight
        true = np.cumsum(weight * self._positive, axis=1)
        every = np.cumsum(weight, axis=1)
        if self._last is not None:  # equal scores are one step of both curves
            true, every = true[:, self._last], every[:, self._last]
        gain = np.diff(true, axis=1, prepend=0.0)
        positives = true[:, -1]
        negatives = every[:, -1] - positives
        # each positive outranks the negatives below it, and half of those that tie with it
        false = every - true
        tied = np.diff(false, axis=1, prepend=0.0)
        outranked = (gain * (negatives[:, None] - false + tied / 2)).sum(axis=1)
        some = (positives > 0) & (negatives > 0)
        roc = np.where(some, outranked / (positives * negatives), np.nan)
        precision = np.divide(true, every, out=np.zeros_like(true), where=every > 0)
        return roc, np.where(positives > 0, (gain * precision).sum(axis=1) / positives, np.nan)


def one_hot_pairs(truth: np.ndarray, called: np.ndarray, k: int) -> np.ndarray:
    """Return (n, k, k) with a 1 at true and called class of each cell."""
    pairs = np.zeros((len(truth), k, k))
    pairs[np.arange(len(truth)), truth, called] = 1.0
    return pairs


def caption(protocol_words: str, n: int, n_subjects: int | None) -> str:
    """Return the line that goes with every figure: protocol, cells, subjects.

    Examples
    --------
    >>> caption("by subject", 6150, 43)
    'by subject · 6,150 cells · 43 subjects'
    """
    subjects = "subjects unknown" if n_subjects is None else f"{n_subjects:,} subjects"
    parts = [protocol_words, f"{n:,} cells", subjects]
    if n_subjects is None and protocol_words.startswith(subjects):
        parts.pop()
    return " · ".join(parts)


def _protocol(protocol: Protocol | str | None, *, known: bool) -> Protocol:
    if protocol is None:
        return Protocol.BY_SUBJECT if known else Protocol.SUBJECTS_UNKNOWN
    try:
        chosen = Protocol(protocol)
    except ValueError as error:
        raise InvalidParameter(
            f"`protocol` must be one of {', '.join(Protocol)}. Received: protocol={protocol!r}"
        ) from error
    if chosen is Protocol.BY_SUBJECT and not known:
        raise InvalidParameter("`protocol` can be by-subject only with `subjects`. Received: subjects=None")
    return chosen


def _notes(cells: Judged, *, known: bool) -> list[str]:
    notes = []
    if not known:
        notes.append("Intervals are by bootstrap over images, as subjects aren't known: they may be far too narrow.")
    missing = [name for i, name in enumerate(cells.classes) if not (cells.truth == i).any()]
    if missing:
        notes.append(f"No cell of class {', '.join(missing)} was judged.")
    strata, counts = np.unique(cells.strata, return_counts=True)
    unit = "subject" if known else "image"
    if counts.min() < 2:
        alone = ", ".join(cells.classes[stratum] for stratum in strata[counts < 2])
        notes.append(f"No intervals: one {unit} alone stands for class {alone}.")
    elif counts.min() < 10:
        few = ", ".join(f"{cells.classes[s]} {c}" for s, c in zip(strata, counts, strict=True) if c < 10)
        notes.append(f"Fewer than 10 {unit}s in a class ({few}): the intervals are rough.")
    return notes


def _counts(classes: Sequence[str], counts: np.ndarray) -> dict[str, int]:
    return dict(zip(classes, map(int, counts), strict=True))


def _plain(figures: Mapping[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {name: estimate.to_dict() for name, estimate in figures.items()}


def _estimates(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    return {name: Estimate.from_dict(estimate) for name, estimate in figures.items()}
