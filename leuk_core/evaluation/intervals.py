"""Intervals and comparisons: a statistic over subjects, two models on the same cells, exact binomial intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.judged import judged
from leuk_core.evaluation.metrics import LOWER_IS_BETTER, OVERALL, Figures
from leuk_core.evaluation.resampling import Bootstrap, Estimate


def bootstrap_over_subjects(
    statistic: Callable[[np.ndarray], float],
    subjects: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of cells with its interval by bootstrap over subjects.

    Parameters
    ----------
    statistic : callable
        From positions of cells (int, a cell drawn twice comes twice) to a number; NaN where it is undefined.
    subjects : array-like of shape (n,)
        Subject of each cell.
    labels : array-like of shape (n,) or None
        Class of each cell; subjects are then drawn within the class that most of their cells have.
    n_bootstrap, level, seed : int, float, int
        See `Bootstrap`.

    Examples
    --------
    >>> sizes = np.array([4.0, 6.0, 5.0, 9.0])
    >>> found = bootstrap_over_subjects(lambda cells: sizes[cells].mean(), ["a", "a", "b", "c"])
    >>> found.value
    6.0
    """
    names, subject = np.unique(np.asarray(subjects).astype(str), return_inverse=True)
    if len(names) == 0:
        raise InvalidParameter("`subjects` must name the subject of at least one cell. Received: 0 cells")
    strata = np.zeros(len(names), dtype=np.int64)
    if labels is not None:
        classes, code = np.unique(np.asarray(labels).astype(str), return_inverse=True)
        if len(code) != len(subject):
            raise InvalidParameter(
                f"`labels` must hold one class for each of {len(subject)} cells. Received: {len(code)}"
            )
        table = np.zeros((len(names), len(classes)), dtype=np.int64)
        np.add.at(table, (subject, code), 1)
        strata = table.argmax(axis=1)
    every = np.arange(len(subject))

    def values(drawn: np.ndarray) -> dict[str, np.ndarray]:
        counts = drawn.astype(np.int64)
        return {"value": np.array([statistic(np.repeat(every, row[subject])) for row in counts], dtype=np.float64)}

    return Bootstrap(n_bootstrap, level, seed).estimate(values, strata)["value"].at()


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two models on the same cells.

    Parameters
    ----------
    metric : str
        Name of the figure.
    a, b : float or None
        The figure of each model.
    difference : Estimate
        a - b with its interval; the same subjects are drawn for both models.
    n, n_subjects : int, int or None
        Cells and subjects; None where images were drawn because subjects aren't known.
    level, n_bootstrap, seed : float, int, int
        How the interval was made.
    """

    metric: str
    a: float | None
    b: float | None
    difference: Estimate
    n: int
    n_subjects: int | None
    level: float
    n_bootstrap: int
    seed: int

    @property
    def better(self) -> str | None:
        """Return "a" or "b" where the interval excludes 0 in its favour, None where nothing can be said."""
        if not self.difference.excludes_zero or self.difference.low is None:
            return None
        a_is_higher = self.difference.low > 0
        return "a" if a_is_higher != (self.metric in LOWER_IS_BETTER) else "b"

    @property
    def beats(self) -> bool:
        """Whether model a beats model b: the interval of the difference excludes 0 in a's favour."""
        return self.better == "a"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON wants it."""
        return asdict(self) | {"better": self.better}


def paired_difference(
    y_true: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    metric: str = "f1_weighted",
    subjects: ArrayLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Compare two models on the same cells.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True classes: ids out of `classes`, or positions as integers.
    p_a, p_b : array-like of shape (n, classes)
        Probabilities by the two models.
    metric : str
        A name out of `leuk_core.evaluation.metrics.OVERALL`.
    subjects, classes, weights, n_bootstrap, level, seed
        As in `leuk_core.evaluation.metrics.evaluate`.

    Raises
    ------
    InvalidParameter
        If the metric is unknown or the arguments don't fit each other.

    Examples
    --------
    >>> y = [0, 0, 1, 1]
    >>> good, poor = [[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 2, [[0.1, 0.9]] * 2 + [[0.9, 0.1]] * 2
    >>> found = paired_difference(y, good, poor, "accuracy", ["1", "2", "3", "4"])
    >>> found.difference.value, found.better
    (1.0, 'a')
    """
    if metric not in OVERALL:
        raise InvalidParameter(f"`metric` must be one of {', '.join(OVERALL)}. Received: metric={metric!r}")
    first = judged(y_true, p_a, classes, subjects, weights)
    second = judged(y_true, p_b, classes, subjects, weights)
    of_a, of_b = Figures(first, metric), Figures(second, metric)

    def values(drawn: np.ndarray) -> dict[str, np.ndarray]:
        a, b = of_a(drawn)[metric], of_b(drawn)[metric]
        return {"a": a, "b": b, "difference": a - b}

    found = Bootstrap(n_bootstrap, level, seed).estimate(values, first.strata)
    return Difference(
        metric=metric,
        a=found["a"].at().value,
        b=found["b"].at().value,
        difference=found["difference"].at(),
        n=len(first),
        n_subjects=None if subjects is None else first.n_units,
        level=level,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's exact test between two models on the same cells.

    Parameters
    ----------
    only_a, only_b : int
        Cells that only model a, only model b called rightly.
    p_value : float
        Two-sided.
    n : int
        Number of cells.
    """

    only_a: int
    only_b: int
    p_value: float
    n: int


def mcnemar(y_true: ArrayLike, called_a: ArrayLike, called_b: ArrayLike) -> McNemar:
    """Test whether two models err equally often on the same cells.

    Parameters
    ----------
    y_true, called_a, called_b : array-like of shape (n,)
        True class of each cell, and what each model called it.

    Raises
    ------
    InvalidParameter
        If the lengths differ.

    Notes
    -----
    Exact (McNemar 1947, binomial form): of the cells that one model alone called rightly, half should be each one's.
    It takes cells as independent. Cells of one person aren't, so that the p value is too small where persons differ:
    whether a model beats another is decided by `paired_difference`.

    Examples
    --------
    >>> y = [1] * 12
    >>> found = mcnemar(y, [1] * 10 + [0] * 2, [0] * 9 + [1] * 3)
    >>> found.only_a, found.only_b, round(found.p_value, 4)
    (9, 2, 0.0654)
    """
    truth, a, b = (np.asarray(values) for values in (y_true, called_a, called_b))
    if not truth.shape == a.shape == b.shape or truth.ndim != 1:
        raise InvalidParameter(
            "`y_true`, `called_a` and `called_b` must hold one class a cell. "
            f"Received: shapes {truth.shape}, {a.shape} and {b.shape}"
        )
    only_a = int(((a == truth) & (b != truth)).sum())
    only_b = int(((a != truth) & (b == truth)).sum())
    discordant = only_a + only_b
    p_value = float(binomtest(only_a, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_a, only_b, p_value, len(truth))


def exact_interval(count: int, n: int, level: float = 0.95) -> Estimate:
    """Return the share `count` of `n` with its exact binomial interval (Clopper and Pearson 1934).

    Parameters
    ----------
    count, n : int
        0 <= count <= n. With n = 0 the share is not known, and anything from 0 to 1.
    level : float
        Confidence level.

    Raises
    ------
    InvalidParameter
        If the numbers can't be counts.

    Examples
    --------
    >>> exact_interval(20, 100).words(1, percent=True)
    '20.0 % (12.7 to 29.2 %)'
    """
    if not 0 <= count <= n:
        raise InvalidParameter(f"`count` must lie between 0 and `n`. Received: count={count}, n={n}")
    if not 0 < level < 1:
        raise InvalidParameter(f"`level` must lie between 0 and 1. Received: level={level}")
    if n == 0:
        return Estimate(None, 0.0, 1.0)
    ends = binomtest(int(count), int(n)).proportion_ci(level, method="exact")
    return Estimate(count / n, float(ends.low), float(ends.high))
