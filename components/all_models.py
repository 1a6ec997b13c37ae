"""Every model of a task asked about the same cell: what each says, how far they agree, and the asking itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from components.answers import Answer, Row, ask, keep, known
from components.classes import UNDECIDED, tally
from components.incidents import record
from components.models import loaded, model_title
from components.scale import Scale
from components.share import Share
from leuk_core.errors import LeukError
from leuk_core.registry import ModelVersion

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Prediction, Predictor

EVERY = "leuk.all"
ASKED_FOR = "leuk.all.cells"
AT_A_TIME = 32  # pictures a model is asked about before the next one: their features are still remembered then

DISAGREE_RULE = (
    "A model disagrees where its likeliest class is another one than that of the model chosen, whether or not it is "
    "decided. Information, not a doubt: it changes no label."
)


@dataclass(frozen=True)
class Said:
    """One model and its answer about a cell, as it reads in the set that is looked at; None while it is waited for."""

    version: ModelVersion
    answer: Answer | None

    @property
    def prediction(self) -> Prediction | None:
        """The prediction, None where there is none or not yet."""
        return self.answer.prediction if self.answer else None

    @property
    def under_trained(self) -> bool:
        """Whether the model's card says that it was trained too little to be counted."""
        return is_under_trained(self.version)


@dataclass(frozen=True)
class Opinions:
    """What all models say about one cell.

    Parameters
    ----------
    row : Row
        The cell, with the answer of the model that was chosen.
    said : tuple of Said
        One a model, in the fixed order of the models.
    share : Share
        The set that the answers are told for.
    """

    row: Row
    said: tuple[Said, ...]
    share: Share

    @property
    def complete(self) -> bool:
        """Whether every model was asked."""
        return all(entry.answer is not None for entry in self.said)

    @property
    def counted(self) -> list[Said]:
        """Answers that count for the agreement: those of models that are not under-trained."""
        return [entry for entry in self.said if entry.prediction is not None and not entry.under_trained]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many models give each label: the classes' short names in order, then "undecided"."""
        labels = Counter(entry.prediction.label for entry in self.counted if entry.prediction)
        return [*((item.short, labels[item.id]) for item in self.share.task.classes), (UNDECIDED, labels[None])]

    @property
    def other(self) -> int:
        """How many models find another class likeliest than the chosen one does."""
        own = _likeliest(self.row.answer.prediction if self.row.answer else None)
        leans = [_likeliest(entry.prediction) for entry in self.counted]
        return sum(lean not in (None, own) for lean in leans) if own is not None else 0

    @property
    def agreement(self) -> str:
        """How many give each label, such as "4 ALL, 0 normal, 1 undecided"."""
        return tally(self.counts)

    @property
    def verdict(self) -> str:
        """One short sentence: "2 of 5 models disagree", "no model disagrees", or how many were asked."""
        if not self.complete:
            return f"{sum(entry.answer is not None for entry in self.said)} of {len(self.said)} models asked"
        count = len(self.counted)
        if _likeliest(self.row.answer.prediction if self.row.answer else None) is None or not count:
            return "no agreement can be told"
        verb = "disagrees" if self.other == 1 else "disagree"
        return f"{self.other} of {count} models {verb}" if self.other else "no model disagrees"

    @property
    def left_out(self) -> str:
        """Which answers are not counted, and why; empty where all are."""
        under = sum(entry.under_trained for entry in self.said)
        failed = sum(entry.answer is not None and entry.prediction is None for entry in self.said)
        parts = [f"{under} under-trained, not counted"] if under else []
        return "; ".join([*parts, f"{failed} could not answer"] if failed else parts)


def _likeliest(prediction: Prediction | None) -> str | None:
    if prediction is None or not prediction.probabilities:
        return None
    return max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def is_under_trained(version: ModelVersion) -> bool:
    """Return whether a version's card says that it was trained too little to be counted with the others."""
    return bool(version.card.get("under_trained"))


def opinions(row: Row, models: Sequence[ModelVersion], scale: Scale, share: Share) -> Opinions:
    """Return what was said about one cell so far.

    Parameters
    ----------
    row : Row
        A file with a picture.
    models : sequence of ModelVersion
        What `newest_models` gives.
    scale : Scale
        What the picture's scale is taken to be.
    share : Share
        The set that the answers are told for.
    """
    picture = row.arrival.picture
    answers = [known(version.ref, picture, scale) if picture is not None else None for version in models]
    return Opinions(
        row,
        tuple(Said(version, answer and answer.told(share)) for version, answer in zip(models, answers, strict=True)),
        share,
    )


def every_cell() -> bool:
    """Return whether all models are asked about every cell of the page."""
    return bool(st.session_state.get(EVERY))


def choose_every_cell(count: int) -> None:
    """Draw the switch that asks all models about every cell.

    Parameters
    ----------
    count : int
        How many models there are.
    """
    st.toggle(
        "All models",
        key=EVERY,
        persist_state="session",
        help=f"Asks all {count} models of this task about every cell and says where they disagree. The label stays "
        "that of the model chosen at the left.",
    )


def is_asked_for(row: Row) -> bool:
    """Return whether all models are wanted for this cell: for every cell, or for it alone."""
    picture = row.arrival.picture
    return picture is not None and (every_cell() or picture.pixels_sha256 in st.session_state.get(ASKED_FOR, ()))


def ask_for(pixels_sha256: str) -> None:
    """Note that all models are wanted for one cell; kept until the session ends."""
    st.session_state.setdefault(ASKED_FOR, set()).add(pixels_sha256)


def ask_all(
    wanted: Sequence[Row],
    models: Sequence[ModelVersion],
    scale: Scale,
    show: Callable[[Row], None],
    progress: Callable[[float, str], object],
) -> None:
    """Ask every model about every cell that it was not asked about yet.

    Parameters
    ----------
    wanted : sequence of Row
        Files with a picture, in the order in which answers are wanted.
    models : sequence of ModelVersion
        Which models; one that can't be loaded gets an answer that says so, and the others go on.
    scale : Scale
        What the pictures' scale is taken to be.
    show : callable
        Called with a row after each answer about it.
    progress : callable
        Called with a share from 0 to 1 and a sentence.
    """
    missing = [
        (row, version)
        for start in range(0, len(wanted), AT_A_TIME)
        for version in models
        for row in wanted[start : start + AT_A_TIME]
        if row.arrival.picture is not None and known(version.ref, row.arrival.picture, scale) is None
    ]
    before = ""
    for done, (row, version) in enumerate(missing):
        if row.arrival.picture is None:
            continue
        step = models.index(version) + 1
        words = f"{model_title(version)}, model {step} of {len(models)}: {done} of {len(missing)} answers"
        if version.ref != before:
            progress(done / len(missing), f"Loading {words}")
            before = version.ref
        predictor = _loaded(version)
        progress(done / len(missing), f"Asking {words}")
        if isinstance(predictor, str):
            keep(Answer(None, datetime.now(UTC), predictor), version.ref, row.arrival.picture, scale)
        else:
            ask(predictor, version.ref, row.arrival.picture, scale)
        show(row)


def _loaded(version: ModelVersion) -> Predictor | str:
    """Return the predictor, or a sentence where it can't be loaded."""
    try:
        return loaded(version.ref)
    except LeukError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 one model must not take the others with it
        return f"The model could not be loaded (error {record(error)} in the log)."
