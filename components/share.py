"""The set that a probability is told for: by how many ALL cells out of a hundred it holds, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.classes import are_many
from leuk_core.registry import Task

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Doubt, Prediction

SHARE = "leuk.share"
OTHER = "leuk.share.other"

AS_TRAINED = "as trained"
FREE = "another"
OFFERED = ("20", "5", "1")
LEAST, MOST, AT_FIRST = 0.1, 99.9, 10.0

RULE = (
    "The label and its threshold hold for a set like the training set ({trained}), because the threshold was chosen "
    "there. The probability is the calibrated one, brought to the set that you choose by Bayes' rule. Where another "
    "class is likelier in that set, the label is taken back: undecided. This corrects for how rare the cells are, not "
    "for another microscope, stain or patient."
)


@dataclass(frozen=True)
class Share:
    """A share of the task's positive class in the set that is looked at.

    Parameters
    ----------
    task : Task
        What is told apart.
    positive : float or None
        Share of the task's positive class, from 0 to 1 without the ends; None leaves the share of the training set.
    """

    task: Task
    positive: float | None = None

    @property
    def moved(self) -> bool:
        """Whether it is another share than that of the training set."""
        return self.positive is not None and abs(self.positive - self._trained[self.task.positive or ""]) > 1e-9

    @property
    def words(self) -> str:
        """What a probability is relative to, such as "63 % ALL cells"; empty where the task does not say."""
        if self.moved and self.positive is not None:
            return f"{percent(self.positive)} {self._short(self.task.positive)} cells"
        return set_share(self.task)

    @property
    def rule(self) -> str:
        """What the label follows, for a hover text."""
        return RULE.format(trained=every_share(self.task))

    def tell(self, prediction: Prediction) -> Prediction:
        """Return an answer as it reads in this set; with the training set's share it stays as it is.

        Parameters
        ----------
        prediction : Prediction
            With probabilities calibrated for the training set.

        Returns
        -------
        Prediction
            With the probabilities of this set. Without its label, and with one doubt more, where another class is
            likelier here.
        """
        if not self.moved or not prediction.probabilities:
            return prediction
        probabilities = self._shifted(prediction, back=False)
        doubts = tuple(self._of_training(doubt) for doubt in prediction.doubts)
        label = prediction.label
        likeliest = max(probabilities, key=probabilities.__getitem__)
        if label is not None and label != likeliest:
            doubts += (self._taken_back(label, likeliest, probabilities[likeliest]),)
            label = None
        return replace(prediction, probabilities=probabilities, label=label, doubts=doubts)

    def as_trained(self, told: Prediction) -> dict[str, float]:
        """Return the probabilities of an answer that `tell` gave, as they are in a set like the training set."""
        return self._shifted(told, back=True) if self.moved and told.probabilities else told.probabilities

    def _shifted(self, prediction: Prediction, *, back: bool) -> dict[str, float]:
        from leuk_core.evaluation.calibration import prior_shift  # noqa: PLC0415 brings scikit-learn

        ids = list(prediction.probabilities)
        trained, wanted = np.array([self._trained[label] for label in ids]), self._shares(ids)
        before, after = (wanted, trained) if back else (trained, wanted)
        shifted = prior_shift([list(prediction.probabilities.values())], before, after)[0]
        return dict(zip(ids, map(float, shifted), strict=True))

    def _shares(self, ids: list[str]) -> np.ndarray:
        """Return the wanted share of each class; those that are not the positive one keep their proportions."""
        positive = self.task.positive or ""
        rest = 1 - self._trained[positive]
        wanted = self.positive or 0.0
        return np.array([wanted if label == positive else (1 - wanted) * self._trained[label] / rest for label in ids])

    @property
    def _trained(self) -> dict[str, float]:
        total = sum(self.task.training_share.values())
        return {label: share / total for label, share in self.task.training_share.items()}

    def _of_training(self, doubt: Doubt) -> Doubt:
        if doubt.code != "low-probability":
            return doubt
        return replace(doubt, text=f"{doubt.text.rstrip('.')}, both in a set with {set_share(self.task)}.")

    def _taken_back(self, label: str, likeliest: str, probability: float) -> Doubt:
        from leuk_core.prediction import Doubt  # noqa: PLC0415 brings scikit-learn

        return Doubt(
            "other-share",
            f"The label {self._short(label)} is taken back: in a set with {self.words}, {self._short(likeliest)} is "
            f"likelier ({probability:.2f}).",
        )

    def _short(self, label: str | None) -> str:
        return next((item.short for item in self.task.classes if item.id == label), str(label))


def set_share(task: Task) -> str:
    """Return what a calibrated probability is relative to, such as "63 % ALL cells".

    Parameters
    ----------
    task : Task
        A task with the share of each class in the data that its model learnt from.

    Returns
    -------
    str
        The positive class's share where the task has one, every class's otherwise, of many classes in sum; empty where
        it does not say.
    """
    if not task.training_share or task.positive is not None or not are_many(task):
        return every_share(task)
    shares = set(task.training_share.values())
    if len(shares) == 1 and len(task.training_share) == len(task.classes):
        return f"{percent(shares.pop())} of each of {len(task.classes)} classes"
    return f"{len(task.classes)} classes, shared as in training"


def every_share(task: Task) -> str:
    """Return what a calibrated probability is relative to, in full; see `set_share`.

    Parameters
    ----------
    task : Task
        As in `set_share`.
    """
    shares = task.training_share
    if not shares:
        return ""
    named = [item for item in task.classes if task.positive in (None, item.id) and item.id in shares]
    return ", ".join(f"{percent(shares[item.id])} {item.short}" for item in named) + " cells"


def percent(share: float) -> str:
    """Return a share as a percentage with what digits it needs, one after the point at most.

    Parameters
    ----------
    share : float
        From 0 to 1.

    Examples
    --------
    >>> percent(0.63), percent(0.005), percent(1 / 3)
    ('63 %', '0.5 %', '33.3 %')
    """
    return f"{round(100 * share, 1):g} %"


def chosen_share(task: Task) -> Share:
    """Return the share that this session has chosen for a task; the training set's until another is."""
    if not _can_choose(task):
        return Share(task)
    choice = st.session_state.get(f"{SHARE}.{task.id}", AS_TRAINED)
    if choice == AS_TRAINED:
        return Share(task)
    value = (st.session_state.get(f"{OTHER}.{task.id}") or AT_FIRST) if choice == FREE else choice
    return Share(task, float(value) / 100)


def choose_share(task: Task) -> None:
    """Draw the control for the share, where the task has a class whose share can be asked for.

    Parameters
    ----------
    task : Task
        What is told apart.
    """
    if not _can_choose(task):
        return
    short = next(item.short for item in task.classes if item.id == task.positive)
    trained = percent(task.training_share[task.positive or ""])
    words = {AS_TRAINED: f"{trained} (as trained)", FREE: "another", **{value: f"{value} %" for value in OFFERED}}
    with st.popover(
        f"In a set with {chosen_share(task).words}",
        icon=":material/percent:",
        help=f"How common {short} cells are where yours come from: the probabilities are told for such a set.",
    ):
        choice = st.segmented_control(
            f"Share of {short} cells in the set",
            (AS_TRAINED, *OFFERED, FREE),
            format_func=words.__getitem__,
            default=AS_TRAINED,
            required=True,
            key=f"{SHARE}.{task.id}",
            persist_state="session",
        )
        if choice == FREE:
            st.number_input(
                f"{short} cells in 100",
                min_value=LEAST,
                max_value=MOST,
                value=AT_FIRST,
                step=1.0,
                format="%.1f",
                key=f"{OTHER}.{task.id}",
                persist_state="session",
            )
        st.caption(
            f"The rarer {short} cells are, the likelier it is that a cell which looks like one is none. "
            f"{chosen_share(task).rule}"
        )


def _can_choose(task: Task) -> bool:
    return task.positive in task.training_share and 0 < task.training_share[task.positive or ""] < 1
