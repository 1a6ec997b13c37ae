"""Cells of a finished run with calibrated probabilities from models that saw neither them nor their group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from leuk_core.data.splits import Protocol, possible_folds
from leuk_core.errors import InvalidData
from leuk_core.evaluation.baseline import baseline_probabilities
from leuk_core.evaluation.calibration import cross_fit
from leuk_core.evaluation.judged import positions
from leuk_core.evaluation.metrics import Evaluation, evaluate


@dataclass(frozen=True)
class OutOfFold:
    """Judged cells of a run. Made by `judge_run`.

    Parameters
    ----------
    classes : tuple of str
        Class ids in the order of the columns.
    positive : str or None
        Class that is reported first.
    protocol : Protocol
        How cells were kept apart.
    aliases_known : bool
        Whether ids of one person were joined.
    at : ndarray of shape (m,), int
        Positions of the judged cells among all cells of the run.
    truth, fold : ndarray of shape (m,), int
        True class and fold of each judged cell.
    groups : ndarray of shape (m,), str
        Group of each judged cell.
    scores, probabilities : ndarray of shape (m, classes)
        Raw, and calibrated on other folds.
    method : str
        Method of the calibration; empty where it wasn't possible.
    of_all : tuple of ndarray of shape (n,)
        Class (int), group (str) and fold (int, -1 for cells that weren't judged) of all cells of the run.
    folds : int
        Number of folds that were asked for.
    """

    classes: tuple[str, ...]
    positive: str | None
    protocol: Protocol
    aliases_known: bool
    at: np.ndarray
    truth: np.ndarray
    fold: np.ndarray
    groups: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray
    method: str
    of_all: tuple[np.ndarray, np.ndarray, np.ndarray]
    folds: int

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def subjects(self) -> np.ndarray | None:
        """Subject of each judged cell, (m,); None where subjects aren't known."""
        return None if self.protocol is Protocol.SUBJECTS_UNKNOWN else self.groups

    @property
    def judged_folds(self) -> list[int]:
        """Numbers of the folds that were judged."""
        return [int(number) for number in np.unique(self.fold)]

    @property
    def complete(self) -> bool:
        """Whether every fold that was asked for was judged."""
        return len(self.judged_folds) >= self.folds

    def notes(self) -> list[str]:
        """Return what a person should know about the split and the calibration beside any figure."""
        found = []
        if not self.complete:
            numbers = ", ".join(str(number + 1) for number in self.judged_folds)
            words = "fold" if len(self.judged_folds) == 1 else "folds"
            found.append(
                f"Judged on {words} {numbers} of {self.folds} only: {len(self):,} of {len(self.of_all[0]):,} cells."
            )
        elif len(self) < len(self.of_all[0]):
            found.append(f"Judged: {len(self):,} of {len(self.of_all[0]):,} cells; the others were only learnt from.")
        if not self.method:
            found.append("Probabilities are not calibrated: the judged cells don't allow folds of their own.")
        return found

    def evaluation(self, probabilities: np.ndarray | None = None) -> Evaluation:
        """Return the figures of these probabilities (m, classes), or of the run's own, with the notes of the run."""
        found = evaluate(
            self.truth,
            self.probabilities if probabilities is None else probabilities,
            self.classes,
            self.subjects,
            positive=self.positive,
            protocol=self.protocol,
            aliases_known=self.aliases_known,
        )
        return replace(found, notes=(*found.notes, *self.notes()))

    def part(self, chosen: np.ndarray) -> OutOfFold:
        """Return some of the judged cells: positions (int) or a mask (m,)."""
        names = ("at", "truth", "fold", "groups", "scores", "probabilities")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def baseline(self, features: ArrayLike) -> np.ndarray:
        """Return the trivial baseline's probabilities of the judged cells on the same folds, (m, classes).

        Parameters
        ----------
        features : array-like of shape (n, 4)
            Area and mean colour of all cells of the run, see `leuk_core.evaluation.baseline`.
        """
        truth, _, fold = self.of_all
        return baseline_probabilities(features, truth, self.classes, fold=fold)[self.at]


def judge_run(
    scores: ArrayLike,
    fold: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    *,
    protocol: Protocol,
    positive: str | None = None,
    aliases_known: bool = False,
    folds: int | None = None,
    rest_kept_apart: bool = False,
) -> OutOfFold:
    """Bring a run's scores to calibrated probabilities; each cell by a calibrator fitted on other folds.

    Parameters
    ----------
    scores : array-like of shape (n, classes)
        Logits or logarithms of probabilities; a row with NaN was not judged.
    fold : array-like of shape (n,), int
        Fold in which a cell was judged; -1 where it wasn't.
    labels, groups : array-like of shape (n,), str
        Class and group of each cell.
    classes : sequence of str
        Class ids in the order of the columns.
    protocol : Protocol
        How the run kept cells apart.
    positive, aliases_known
        As in `leuk_core.evaluation.metrics.evaluate`.
    folds : int or None
        Number of folds that were asked for; None takes those that were judged.
    rest_kept_apart : bool
        Cells that weren't judged were learnt from only in folds that judge none of their group, see
        `leuk_core.data.splits.judged_only`; otherwise they count as learnt from in each fold.

    Raises
    ------
    InvalidData
        If no cell was judged, or a group stands on both sides of a fold though the protocol says it can't.

    Notes
    -----
    Two classes are calibrated by a sigmoid, more by a temperature. Where one fold alone was judged there are no other
    folds, and the judged cells are split by group anew for the calibration.
    """
    given, number = np.asarray(scores, np.float64), np.asarray(fold, np.int64)
    truth, group = positions(labels, classes, len(given)), np.asarray(groups).astype(str)
    number = np.where(np.isfinite(given).all(axis=1), number, -1)
    at = np.flatnonzero(number >= 0)
    if not len(at):
        raise InvalidData(f"The run judged no cell. Received: {len(given)} cells without scores")
    by_image = protocol is Protocol.BY_IMAGE
    if not by_image:
        within = at if rest_kept_apart else np.arange(len(given))
        _check_apart(group[within], number[within])
    together = np.arange(len(at)) if by_image else group[at]
    method = "sigmoid" if len(classes) == 2 else "temperature"
    enough = len(np.unique(number[at])) > 1
    if enough or possible_folds(truth[at], together) > 1:
        own = number[at] if enough else None
        probabilities = cross_fit(given[at], truth[at], together, method, classes=classes, fold=own).probabilities
    else:
        method, probabilities = "", softmax(given[at], axis=1)
    return OutOfFold(
        tuple(classes), positive, protocol, aliases_known, at, truth[at], number[at], group[at], given[at],
        probabilities, method, (truth, group, number), folds or len(np.unique(number[at])),
    )  # fmt: skip


def _check_apart(group: np.ndarray, fold: np.ndarray) -> None:
    for number in np.unique(fold[fold >= 0]):
        held_out = fold == number
        both = np.intersect1d(group[held_out], group[~held_out])
        if len(both):
            raise InvalidData(
                "Persons stand on both sides of a fold: this run is not by subject. "
                f"Received: {len(both)} groups on both sides of fold {number}, such as {both[0]}"
            )
