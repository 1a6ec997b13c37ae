"""Calibration: scores to probabilities that mean what they say, and how to tell whether they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from leuk_core.data.splits import group_folds, possible_folds
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.judged import checked_probabilities, judged, positions
from leuk_core.evaluation.resampling import Bootstrap, Estimate

METHODS = ("temperature", "sigmoid")
_SLOPES = (1e-3, 1e3)  # of scores brought to unit spread: flat and hard answers


@dataclass(frozen=True, slots=True)
class Calibrator:
    """From scores to calibrated probabilities: softmax(slope * scores + bias).

    Parameters
    ----------
    slope : float
        Factor on the scores, the inverse of a temperature. Never negative: the answer's ranking stays.
    bias : tuple of float
        One for each class; empty for none.
    """

    slope: float = 1.0
    bias: tuple[float, ...] = ()

    def apply(self, scores: ArrayLike) -> np.ndarray:
        """Return probabilities (n, classes) for scores (n, classes)."""
        scaled = np.asarray(scores, np.float64) * self.slope
        return softmax(scaled + np.asarray(self.bias) if self.bias else scaled, axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return slope and bias as a "decision" file of a model version holds them under "calibration"."""
        return {"slope": self.slope, "bias": list(self.bias)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Calibrator:
        """Read what `to_dict` gave."""
        return cls(float(facts["slope"]), tuple(map(float, facts["bias"])))


def fit_calibrator(
    scores: ArrayLike,
    y_true: ArrayLike,
    method: str = "temperature",
    *,
    classes: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
) -> Calibrator:
    """Fit a calibrator to scores of cells that the model did not learn from.

    Parameters
    ----------
    scores : array-like of shape (n, classes)
        Out-of-fold logits, or logarithms of probabilities; see `log_scores`.
    y_true : array-like of shape (n,)
        True classes: ids out of `classes`, or positions as integers.
    method : {"temperature", "sigmoid"}
        "temperature" leaves the answer of each cell as it is; "sigmoid" also moves the balance between the classes.
    classes : sequence of str or None
        Class ids in the order of the columns; None needs integers in `y_true`.
    weights : array-like of shape (n,) or None
        Weight of each cell.

    Raises
    ------
    InvalidParameter
        If the arguments don't fit each other.
    InvalidData
        If fewer than two classes have cells.

    Notes
    -----
    Both minimise the mean negative log likelihood, which is convex here. "temperature": one factor for all classes (Guo
    et al. 2017, "On Calibration of Modern Neural Networks"). "sigmoid": a factor and a bias a class, which with two
    classes is Platt's sigmoid with his smoothed targets (Platt 1999), with more of them bias-corrected temperature
    scaling (Alexandari et al. 2020, "Maximum Likelihood with Bias-Corrected Calibration") with his smoothing
    carried over (a cell of a class with N cells has the target (N + 1) / (N + K) there, 1 / (N + K) elsewhere).
    """
    if method not in METHODS:
        raise InvalidParameter(f"`method` must be one of {', '.join(METHODS)}. Received: method={method!r}")
    given = _checked_scores(scores)
    n, k = given.shape
    truth = positions(y_true, tuple(map(str, range(k))) if classes is None else classes, n)
    weight = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    counts = np.bincount(truth, weight, minlength=k)
    if (counts > 0).sum() < 2:
        present = int((counts > 0).sum())
        raise InvalidData(f"Calibration needs cells of at least two classes. Received: {present} among {n} cells")
    target = np.eye(k)[truth]
    if method == "sigmoid":
        own = counts[truth][:, None]
        target = (own * target + 1.0) / (own + k)
    spread = float(given.std()) or 1.0
    unit = given / spread
    share = weight / weight.sum()

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(values[0] * unit + values[1:], axis=1)
        rest = (np.exp(log_p) - target) * share[:, None]
        gradient = np.r_[(rest * unit).sum(), rest.sum(axis=0)]
        return -float((share[:, None] * target * log_p).sum()), gradient

    bounds = [_SLOPES] + [(None, None) if method == "sigmoid" else (0.0, 0.0)] * k
    options = {"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-9}
    fitted = minimize(loss, np.r_[1.0, np.zeros(k)], jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    bias = fitted[1:] - fitted[1:].mean()
    return Calibrator(float(fitted[0] / spread), tuple(bias.tolist()) if method == "sigmoid" else ())


def log_scores(probabilities: ArrayLike, least: float = 1e-6) -> np.ndarray:
    """Return the logarithm of probabilities (n, classes), which are scores that a calibrator can be fitted to.

    Parameters
    ----------
    probabilities : array-like of shape (n, classes)
        Uncalibrated probabilities.
    least : float
        Smaller probabilities count as this one: a forest's 0 is not minus infinity.
    """
    return np.log(np.maximum(checked_probabilities(probabilities), least))


@dataclass(frozen=True)
class CrossFitted:
    """Probabilities of cells by calibrators that were fitted on other groups.

    Parameters
    ----------
    probabilities : ndarray of shape (n, classes), float64
        Calibrated.
    calibrators : tuple of Calibrator
        One a fold.
    fold : ndarray of shape (n,), int
        Which of them each cell went through.
    """

    probabilities: np.ndarray
    calibrators: tuple[Calibrator, ...]
    fold: np.ndarray


def cross_fit(
    scores: ArrayLike,
    y_true: ArrayLike,
    groups: ArrayLike,
    method: str = "temperature",
    *,
    classes: Sequence[str] | None = None,
    fold: ArrayLike | None = None,
    n_splits: int = 5,
    seed: int = 0,
) -> CrossFitted:
    """Calibrate each cell by a calibrator fitted on the cells of other groups.

    A calibrator judged on the cells that it was fitted on looks better than it is; ship one fitted on all cells
    (`fit_calibrator`), and report what this one gives.

    Parameters
    ----------
    scores : array-like of shape (n, classes)
        Out-of-fold scores.
    y_true, method, classes
        As in `fit_calibrator`.
    groups : array-like of shape (n,)
        Group (subject) of each cell.
    fold : array-like of shape (n,), int, or None
        Folds to use, such as those of the cross-validation that gave the scores. None makes grouped ones.
    n_splits : int
        Number of folds to make; fewer where the groups don't allow it.
    seed : int
        Seed of the folds.

    Raises
    ------
    InvalidParameter
        If `fold` puts cells of one group in different folds.
    InvalidData
        If no two folds by group are possible.
    """
    given = _checked_scores(scores)
    n, k = given.shape
    names = tuple(map(str, range(k))) if classes is None else tuple(classes)
    truth = positions(y_true, names, n)
    group = np.asarray(groups).astype(str)
    if fold is None:
        parts = group_folds(truth, group, max(2, min(n_splits, possible_folds(truth, group))), seed)
        of_cell = np.empty(n, dtype=np.int64)
        for number, (_, test) in enumerate(parts):
            of_cell[test] = number
    else:
        of_cell = np.unique(np.asarray(fold), return_inverse=True)[1]
        pairs = np.unique(np.stack([np.unique(group, return_inverse=True)[1], of_cell]), axis=1)
        if pairs.shape[1] != len(np.unique(group)):
            raise InvalidParameter(
                "`fold` must keep the cells of a group together. "
                f"Received: {pairs.shape[1] - len(np.unique(group))} groups or more in several folds"
            )
    answer = np.empty_like(given)
    calibrators = []
    for number in range(of_cell.max() + 1):
        held_out = of_cell == number
        calibrators.append(fit_calibrator(given[~held_out], truth[~held_out], method))
        answer[held_out] = calibrators[-1].apply(given[held_out])
    return CrossFitted(answer, tuple(calibrators), of_cell)


def prior_shift(probabilities: ArrayLike, from_share: ArrayLike, to_share: ArrayLike) -> np.ndarray:
    """Return what calibrated probabilities become in a set where the classes have other shares.

    Parameters
    ----------
    probabilities : array-like of shape (n, classes)
        Calibrated for a set with `from_share`.
    from_share, to_share : array-like of shape (classes,)
        Share of each class; each sums to 1, and no `from_share` is 0.

    Raises
    ------
    InvalidParameter
        If the shares aren't such.

    Notes
    -----
    Bayes' rule with the likelihoods left as they are: each probability is multiplied by to / from and the row brought
    to sum 1 (Elkan 2001, "The Foundations of Cost-Sensitive Learning"; Saerens et al. 2002, "Adjusting the Outputs of a
    Classifier to New a Priori Probabilities"). It holds where only the shares change: not for other patients' disease,
    another stain or another microscope.

    Examples
    --------
    >>> prior_shift([[0.9, 0.1]], from_share=[0.63, 0.37], to_share=[0.05, 0.95]).round(2).tolist()
    [[0.22, 0.78]]
    """
    answer = checked_probabilities(probabilities)
    before, after = (_checked_share(share, answer.shape[1], name)
                     for share, name in ((from_share, "from_share"), (to_share, "to_share")))  # fmt: skip
    if (before == 0).any():
        raise InvalidParameter(f"`from_share` must be above 0 for each class. Received: {before.tolist()}")
    shifted = answer * (after / before)
    total = shifted.sum(axis=1, keepdims=True)
    # a row that was sure of a class which can't occur any more says nothing about the others
    return np.divide(shifted, total, out=np.tile(after, (len(answer), 1)), where=total > 0)


@dataclass(frozen=True, slots=True)
class ReliabilityRow:
    """Cells with a similar probability: did it happen as often as was said?

    Parameters
    ----------
    low, high : float
        Ends of the bin.
    n, n_subjects : int, int or None
        Cells and subjects in it.
    said : float
        Mean probability.
    happened : Estimate
        Share of them for which it was true, with its interval over subjects.
    """

    low: float
    high: float
    n: int
    n_subjects: int | None
    said: float
    happened: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON wants it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> ReliabilityRow:
        """Read what `to_dict` gave."""
        return cls(**{**facts, "happened": Estimate.from_dict(facts["happened"])})


def reliability_table(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    subjects: ArrayLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    label: str | None = None,
    n_bins: int = 10,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> list[ReliabilityRow]:
    """Return the reliability table: what was said against what happened, in bins of equal width.

    Parameters
    ----------
    y_true, probabilities, subjects, classes
        As in `leuk_core.evaluation.metrics.evaluate`; classes None needs integers in `y_true`.
    label : str or None
        The class whose probability is looked at; None takes the highest of each cell, and whether that was right.
    n_bins : int
        Number of bins between 0 and 1; bins without a cell are left out.
    n_bootstrap, level, seed : int, float, int
        See `leuk_core.evaluation.resampling.Bootstrap`.

    Raises
    ------
    InvalidParameter
        If the arguments don't fit each other.
    """
    cells = judged(y_true, probabilities, classes, subjects)
    if n_bins < 2:
        raise InvalidParameter(f"`n_bins` must be at least 2. Received: n_bins={n_bins}")
    if label is None:
        said, true = cells.confidence, cells.called == cells.truth
    elif label in cells.classes:
        column = cells.classes.index(label)
        said, true = cells.probabilities[:, column], cells.truth == column
    else:
        raise InvalidParameter(f"`label` must be one of {', '.join(cells.classes)}. Received: label={label!r}")
    bin_of = np.minimum((said * n_bins).astype(int), n_bins - 1)
    inside = np.eye(n_bins)[bin_of]
    held, happened, total = (cells.sums(inside * part[:, None]) for part in (np.ones(len(cells)), true, said))

    def shares(drawn: np.ndarray) -> dict[str, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"happened": (drawn @ happened) / (drawn @ held)}

    found = Bootstrap(n_bootstrap, level, seed).estimate(shares, cells.strata)["happened"].each()
    n = held.sum(axis=0)
    return [
        ReliabilityRow(
            low=i / n_bins,
            high=(i + 1) / n_bins,
            n=int(n[i]),
            n_subjects=None if subjects is None else int((held[:, i] > 0).sum()),
            said=float(total[:, i].sum() / n[i]),
            happened=found[i],
        )
        for i in np.flatnonzero(n > 0).tolist()
    ]


def _checked_scores(scores: ArrayLike) -> np.ndarray:
    given = np.asarray(scores, np.float64)
    if given.ndim != 2 or given.shape[1] < 2 or not np.isfinite(given).all():
        raise InvalidParameter(
            "`scores` must be finite, with a row a cell and a column a class: take `log_scores` of probabilities. "
            f"Received: shape {given.shape}"
        )
    return given


def _checked_share(share: ArrayLike, k: int, name: str) -> np.ndarray:
    given = np.asarray(share, np.float64)
    if given.shape != (k,) or not (given >= 0).all() or abs(given.sum() - 1) > 1e-6:
        raise InvalidParameter(f"`{name}` must hold {k} shares that sum to 1. Received: {given.tolist()}")
    return given
