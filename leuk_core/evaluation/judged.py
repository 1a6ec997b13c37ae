"""Judged cells: truth, answer and subject of each, checked once for everything that evaluates them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.errors import InvalidData, InvalidParameter


@dataclass(frozen=True)
class Judged:
    """Cells with what they are, what a model said, and whom they come from. Made by `judged`.

    Parameters
    ----------
    classes : tuple of str
        Class ids in the order of the columns of `probabilities`.
    truth : ndarray of shape (n,), int
        Position of the true class.
    probabilities : ndarray of shape (n, classes), float64
        What the model said.
    subject : ndarray of shape (n,), int
        Number of the subject; without known subjects, each cell is its own.
    subject_names : tuple of str
        Name of each subject; empty where subjects aren't known.
    weights : ndarray of shape (n,), float64
        Weight of each cell.
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    probabilities: np.ndarray
    subject: np.ndarray
    subject_names: tuple[str, ...]
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def n_units(self) -> int:
        """Number of what is drawn anew: subjects, or cells where subjects aren't known."""
        return len(self.subject_names) or len(self)

    @cached_property
    def called(self) -> np.ndarray:
        """Position of the class with the highest probability, (n,); the first of equals."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Highest probability of each cell, (n,)."""
        return self.probabilities.max(axis=1)

    @cached_property
    def strata(self) -> np.ndarray:
        """Class that most cells of a subject have, (units,), int."""
        return self.sums(np.eye(len(self.classes))[self.truth], weighted=False).argmax(axis=1)

    def sums(self, values: np.ndarray, *, weighted: bool = True) -> np.ndarray:
        """Return the sum of `values` (n, ...) over the cells of each subject, (units, ...)."""
        flat = np.asarray(values, np.float64).reshape(len(self), -1)
        if weighted:
            flat = flat * self.weights[:, None]
        columns = [np.bincount(self.subject, column, self.n_units) for column in flat.T]
        return np.stack(columns, axis=1).reshape(self.n_units, *np.shape(values)[1:])


def judged(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str] | None = None,
    subjects: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Judged:
    """Check and bring together what is known about judged cells.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True classes: ids out of `classes`, or their positions as integers.
    probabilities : array-like of shape (n, classes)
        Each row sums to 1.
    classes : sequence of str or None
        Class ids in the order of the columns. None needs integers in `y_true` and names the classes "0", "1", ...
    subjects : array-like of shape (n,) or None
        Subject (group of joined ids) of each cell; None where they aren't known.
    weights : array-like of shape (n,) or None
        Weight of each cell, at least 0; None counts each cell once.

    Raises
    ------
    InvalidParameter
        If lengths differ, a class is unknown, or the probabilities aren't such.
    InvalidData
        If there is no cell.
    """
    answer = checked_probabilities(probabilities)
    n, k = answer.shape
    if n == 0:
        raise InvalidData("No cell was given: an evaluation needs at least one. Received: 0 cells")
    names = tuple(str(number) for number in range(k)) if classes is None else tuple(map(str, classes))
    if len(names) != k or len(set(names)) != k:
        raise InvalidParameter(
            f"`classes` must name the {k} columns of `probabilities`, each once. Received: {', '.join(names)}"
        )
    truth = positions(y_true, names, n)
    codes, subject_names = np.arange(n), np.array([], dtype=str)
    if subjects is not None:
        given = _of_length(np.asarray(subjects), n, "subjects")
        if any(subject is None for subject in given.tolist()):
            raise InvalidParameter(
                "`subjects` must name the subject of each cell, or be None where they aren't known. "
                "Received: some names and some None"
            )
        subject_names, codes = np.unique(given.astype(str), return_inverse=True)
    weight = np.ones(n) if weights is None else _of_length(np.asarray(weights, np.float64), n, "weights")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise InvalidParameter(
            f"`weights` must be finite, at least 0, and not all 0. Received: {weight.min()} to {weight.max()}"
        )
    return Judged(names, truth, answer, codes, tuple(subject_names.tolist()), weight)


def checked_probabilities(probabilities: ArrayLike) -> np.ndarray:
    """Return probabilities as float64 (n, classes).

    Raises
    ------
    InvalidParameter
        If they aren't in [0, 1] or a row doesn't sum to 1.
    """
    answer = np.asarray(probabilities, np.float64)
    if answer.ndim != 2 or answer.shape[1] < 2:
        raise InvalidParameter(
            f"`probabilities` must have a row a cell and a column a class. Received: shape {answer.shape}"
        )
    within = bool((answer >= -1e-6).all() and (answer <= 1 + 1e-6).all())  # False for NaN as well
    if not within or (np.abs(answer.sum(axis=1) - 1) > 1e-3).any():
        raise InvalidParameter(
            "`probabilities` must lie between 0 and 1 and sum to 1 in each row. "
            f"Received: values {answer.min()} to {answer.max()}, sums {answer.sum(1).min()} to {answer.sum(1).max()}"
        )
    return answer.clip(0.0, 1.0)


def positions(labels: ArrayLike, classes: Sequence[str], n: int) -> np.ndarray:
    """Return the position of each label in `classes`; integers are positions already.

    Raises
    ------
    InvalidParameter
        If a label isn't among the classes or there aren't `n`.
    """
    given = _of_length(np.asarray(labels), n, "y_true")
    if given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= len(classes):
            raise InvalidParameter(
                f"`y_true` must hold positions from 0 to {len(classes) - 1}. Received: {given.min()} to {given.max()}"
            )
        return given.astype(np.int64)
    order = {name: position for position, name in enumerate(classes)}
    unknown = sorted({str(label) for label in given.tolist()} - set(order))
    if unknown:
        raise InvalidParameter(
            f"`y_true` must hold classes out of {', '.join(classes)}. Received: {', '.join(unknown[:5])}"
        )
    return np.array([order[str(label)] for label in given.tolist()], dtype=np.int64)


def subject_weights(subjects: ArrayLike) -> np.ndarray:
    """Return a weight a cell so that every subject counts the same and the weights have mean 1, (n,).

    Examples
    --------
    >>> subject_weights(["a", "a", "a", "b"]).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    names, codes, counts = np.unique(np.asarray(subjects).astype(str), return_inverse=True, return_counts=True)
    return len(codes) / (len(names) * counts[codes])


def _of_length(values: np.ndarray, n: int, name: str) -> np.ndarray:
    if values.shape != (n,):
        raise InvalidParameter(f"`{name}` must hold one value for each of {n} cells. Received: shape {values.shape}")
    return values
