"""Coverage against error: how many cells get an answer, how many answers are wrong, and where to put the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.judged import Judged, judged
from leuk_core.evaluation.resampling import Bootstrap, Estimate

UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What a threshold on the highest probability does.

    Parameters
    ----------
    threshold : float
        Cells whose highest probability is lower stay undecided.
    coverage, error : Estimate
        Share of cells that get an answer, and share of those answers that is wrong (unknown where there is none).
    """

    threshold: float
    coverage: Estimate
    error: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON wants it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> CoverageRow:
        """Read what `to_dict` gave."""
        return cls(facts["threshold"], Estimate.from_dict(facts["coverage"]), Estimate.from_dict(facts["error"]))


def coverage_curve(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    subjects: ArrayLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    thresholds: ArrayLike | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[CoverageRow]:
    """Return coverage against error, from the most cautious threshold to none.

    Parameters
    ----------
    y_true, probabilities, subjects, classes
        As in `leuk_core.evaluation.metrics.evaluate`; classes None needs integers in `y_true`.
    thresholds : array-like or None
        Thresholds to look at; None takes those that answer 5, 7.5, 10, ... 100 % of the cells.
    n_bootstrap, level, seed : int, float, int
        See `leuk_core.evaluation.resampling.Bootstrap`.

    Notes
    -----
    The risk-coverage curve of selective classification (El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017).
    """
    cells = judged(y_true, probabilities, classes, subjects)
    if thresholds is None:
        levels = np.quantile(cells.confidence, np.linspace(0.95, 0.0, 39), method="lower")
    else:
        levels = np.asarray(thresholds, np.float64).ravel()
    levels = np.unique(levels)[::-1]
    answered = cells.confidence[:, None] >= levels
    wrong = answered & (cells.called != cells.truth)[:, None]
    n, some, bad = cells.sums(np.ones(len(cells))), cells.sums(answered), cells.sums(wrong)

    def shares(drawn: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "coverage": (drawn @ some) / (drawn @ n)[:, None],
                "error": (drawn @ bad) / (drawn @ some),
            }

    found = Bootstrap(n_bootstrap, level, seed).estimate(shares, cells.strata)
    return [
        CoverageRow(threshold, found["coverage"].at(i), found["error"].at(i))
        for i, threshold in enumerate(levels.tolist())
    ]


def choose_threshold(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    coverage: float | None = None,
    max_error: float | None = None,
    classes: Sequence[str] | None = None,
) -> float:
    """Return a threshold on the highest probability, below which a cell stays undecided.

    Parameters
    ----------
    y_true, probabilities, classes
        As in `leuk_core.evaluation.metrics.evaluate`: cells other than those on which the threshold will be judged.
    coverage : float or None
        At least this share of the cells gets an answer. Alone: the highest threshold that allows it.
    max_error : float or None
        At most this share of the answers is wrong: the lowest threshold that reaches it, so that most get an answer.

    Raises
    ------
    InvalidParameter
        If neither is given or one isn't a share.
    InvalidData
        If no threshold reaches both; the message says what can be reached.

    Examples
    --------
    >>> y = [0, 0, 1, 1]
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]
    >>> choose_threshold(y, p, coverage=0.75), choose_threshold(y, p, max_error=0.0)
    (0.7, 0.7)
    """
    if coverage is None and max_error is None:
        raise InvalidParameter("`coverage` or `max_error` must be given. Received: neither")
    for name, share in (("coverage", coverage), ("max_error", max_error)):
        if share is not None and not 0 <= share <= 1:
            raise InvalidParameter(f"`{name}` must lie between 0 and 1. Received: {name}={share}")
    cells = judged(y_true, probabilities, classes)
    levels, answered, error = _errors_by_threshold(cells)
    enough = answered >= (coverage or 0.0) - 1e-12
    if max_error is None:
        return float(levels[enough][0])  # thresholds fall, coverage grows
    good = enough & (error <= max_error + 1e-12)
    if not good.any():
        least = float(error[enough].min())
        raise InvalidData(
            f"No threshold keeps the error at {max_error:.3f} or less with {(coverage or 0.0):.0%} of the cells "
            f"answered: accept more errors or fewer answers. Received: an error of {least:.3f} at best"
        )
    return float(levels[good][-1])


@dataclass(frozen=True)
class Answered:
    """What a threshold does to judged cells, with intervals over subjects.

    Parameters
    ----------
    threshold : float
        Cells whose highest probability is lower are undecided.
    classes : tuple of str
        Class ids.
    coverage, error : Estimate
        Share of cells with an answer, and share of answers that is wrong.
    coverage_by_class : dict of str to Estimate
        Share of the cells of each class with an answer.
    shares : dict of str to dict of str to Estimate
        For each true class, the share of its cells that was called each class or "undecided".
    n, n_subjects : int, int or None
        Cells and subjects.
    """

    threshold: float
    classes: tuple[str, ...]
    coverage: Estimate
    error: Estimate
    coverage_by_class: dict[str, Estimate]
    shares: dict[str, dict[str, Estimate]]
    n: int
    n_subjects: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON wants it."""
        return asdict(self) | {"classes": list(self.classes)}


def at_threshold(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    subjects: ArrayLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    doubted: ArrayLike | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Answered:
    """Return how many cells get an answer, how many of those are wrong, and what each class is called.

    Parameters
    ----------
    y_true, probabilities, subjects, classes
        As in `leuk_core.evaluation.metrics.evaluate`; classes None needs integers in `y_true`.
    threshold : float
        Cells whose highest probability is lower are undecided.
    doubted : array-like of shape (n,), bool, or None
        Cells that are undecided for another reason.
    n_bootstrap, level, seed : int, float, int
        See `leuk_core.evaluation.resampling.Bootstrap`.
    """
    cells = judged(y_true, probabilities, classes, subjects)
    k = len(cells.classes)
    decided = cells.confidence >= threshold
    if doubted is not None:
        decided = decided & ~np.asarray(doubted, bool)
    outcome = np.where(decided, cells.called, k)
    pairs = np.zeros((len(cells), k, k + 1))
    pairs[np.arange(len(cells)), cells.truth, outcome] = 1.0
    table = cells.sums(pairs)

    def shares(drawn: np.ndarray) -> dict[str, np.ndarray]:
        counts = (drawn @ table.reshape(len(table), -1)).reshape(-1, k, k + 1)
        answers = counts[:, :, :k].sum(axis=(1, 2))
        right = np.trace(counts[:, :, :k], axis1=1, axis2=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_class = counts / counts.sum(axis=2, keepdims=True)
            return {
                "coverage": answers / counts.sum(axis=(1, 2)),
                "error": 1 - right / answers,
                "by_class": 1 - by_class[:, :, k],
                "shares": by_class,
            }

    found = Bootstrap(n_bootstrap, level, seed).estimate(shares, cells.strata)
    names = (*cells.classes, UNDECIDED)
    return Answered(
        threshold=float(threshold),
        classes=cells.classes,
        coverage=found["coverage"].at(),
        error=found["error"].at(),
        coverage_by_class={name: found["by_class"].at(i) for i, name in enumerate(cells.classes)},
        shares={
            true: {name: found["shares"].at(i, j) for j, name in enumerate(names)}
            for i, true in enumerate(cells.classes)
        },
        n=len(cells),
        n_subjects=None if subjects is None else cells.n_units,
    )


def _errors_by_threshold(cells: Judged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return falling thresholds, one a distinct confidence, with the coverage and error of each."""
    order = np.argsort(-cells.confidence, kind="stable")
    levels = cells.confidence[order]
    wrong = np.cumsum((cells.called != cells.truth)[order])
    last = np.flatnonzero(np.r_[levels[1:] != levels[:-1], True])  # cells of equal confidence are answered together
    return levels[last], (last + 1) / len(cells), wrong[last] / (last + 1)
