"""The model's answers about this session's pictures: asked once each, kept across pages, sorted and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from components.classes import tally
from components.incidents import record
from components.pictures import MAX_PICTURES, Arrival, arrivals, picture_names
from components.scale import Scale
from components.share import Share
from leuk_core.errors import LeukError
from leuk_core.images import SmearImage
from leuk_core.registry import Task
from leuk_core.registry.versions import MODELS

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Prediction, Predictor

ANSWERS = "leuk.answers"
MAX_ANSWERS = (1 + len(MODELS)) * MAX_PICTURES

STATES = ("answered", "undecided", "refused", "failed", "waiting")


@dataclass(frozen=True)
class Answer:
    """What a model said about a picture, or why it said nothing.

    Parameters
    ----------
    prediction : Prediction or None
        Without its `seen` array, which the recipe makes again where it is to be shown. None where the model failed.
    at : datetime
        When, in UTC.
    sentence : str
        Why there is no prediction; empty otherwise.
    """

    prediction: Prediction | None
    at: datetime
    sentence: str = ""

    def told(self, share: Share | None) -> Answer:
        """Return the answer as it reads in a set with another share of the positive class."""
        if share is None or self.prediction is None:
            return self
        return replace(self, prediction=share.tell(self.prediction))


@dataclass(frozen=True)
class Row:
    """A file of the session together with its answer, as one row of the page or the table.

    Parameters
    ----------
    arrival : Arrival
        The file.
    answer : Answer or None
        As it reads in the set that is looked at; None while it is waited for.
    """

    arrival: Arrival
    answer: Answer | None

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.arrival.picture is None:
            return "refused"
        if self.answer is None:
            return "waiting"
        if self.answer.prediction is None:
            return "failed"
        return "undecided" if self.answer.prediction.label is None else "answered"

    @property
    def label(self) -> str | None:
        """Class id of an answered row, None for any other."""
        return self.answer.prediction.label if self.answer and self.answer.prediction else None

    @property
    def sentence(self) -> str:
        """Why there is no answer; empty where there is one or it is still to come."""
        return self.arrival.sentence or (self.answer.sentence if self.answer else "")

    def doubts(self, code: str) -> bool:
        """Return whether the answer carries the doubt `code`."""
        prediction = self.answer.prediction if self.answer else None
        return prediction is not None and any(doubt.code == code for doubt in prediction.doubts)

    @property
    def doubt(self) -> tuple[int, int, float]:
        """Sort key: the most doubtful answer first, files without an answer last."""
        prediction = self.answer.prediction if self.answer else None
        if prediction is None:
            return (3 if self.state == "refused" else 2, 0, 0.0)
        top = max(prediction.probabilities.values(), default=0.0)
        return (0 if prediction.label is None else 1, -len(prediction.doubts), top)


def _key(model: str, picture: SmearImage, scale: Scale) -> tuple[str, str, float | None]:
    given = scale.of(picture)
    return (model, picture.pixels_sha256, picture.microns_per_pixel if given is None else given)


def known(model: str, picture: SmearImage, scale: Scale) -> Answer | None:
    """Return what a model said about a picture in this session, None where it was not asked.

    Parameters
    ----------
    model, picture, scale
        As in `ask`.
    """
    answer: Answer | None = st.session_state.setdefault(ANSWERS, {}).get(_key(model, picture, scale))
    return answer


def rows(model: str | None, scale: Scale, share: Share | None = None) -> list[Row]:
    """Return a row for each file of the session, in the order given.

    Parameters
    ----------
    model : str or None
        Full reference of the model whose answers are wanted; None where none is installed.
    scale : Scale
        What the pictures' scale is taken to be.
    share : Share or None
        The set that the answers are told for; None is one like the training set.
    """
    found = []
    for arrival in arrivals():
        answer = None
        if arrival.picture is not None and model is not None:
            answer = known(model, arrival.picture, scale)
        found.append(Row(arrival, answer and answer.told(share)))
    return found


def ask(predictor: Predictor, model: str, picture: SmearImage, scale: Scale) -> Answer:
    """Ask the model about one picture, keep the answer in the session and return it.

    Parameters
    ----------
    predictor : Predictor
        The loaded model.
    model : str
        Its full reference.
    picture : SmearImage
        What it is asked about.
    scale : Scale
        What the picture's scale is taken to be.

    Returns
    -------
    Answer
        One without a prediction where the model could not answer: a picture's failure stops no other picture.
    """
    now = datetime.now(UTC)
    try:
        prediction = predictor.predict(picture, microns_per_pixel=scale.of(picture))
    except LeukError as error:
        answer = Answer(None, now, str(error))
    except Exception as error:  # noqa: BLE001 one picture must not take the others with it
        number = record(error, picture_names())
        answer = Answer(None, now, f"No answer: something unexpected happened (error {number} in the log).")
    else:
        answer = Answer(replace(prediction, seen=None), now)
    return keep(answer, model, picture, scale)


def keep(answer: Answer, model: str, picture: SmearImage, scale: Scale) -> Answer:
    """Keep an answer in the session and return it.

    Parameters
    ----------
    answer : Answer
        The answer, or why there is none.
    model, picture, scale
        As in `ask`.
    """
    st.session_state.setdefault(ANSWERS, {})[_key(model, picture, scale)] = answer
    return answer


def forget_gone() -> None:
    """Drop answers about pictures that are gone and, of the rest, all but the newest `MAX_ANSWERS`."""
    present = {arrival.picture.pixels_sha256 for arrival in arrivals() if arrival.picture is not None}
    held = st.session_state.setdefault(ANSWERS, {})
    kept = [(key, answer) for key, answer in held.items() if key[1] in present]
    st.session_state[ANSWERS] = dict(kept[-MAX_ANSWERS:])


def summary(found: Iterable[Row], classes: Task | None = None) -> str:
    """Return the line over the rows, such as "14 pictures: 11 answered (3 ALL, 8 normal), 2 undecided, 1 refused".

    Parameters
    ----------
    found : iterable of Row
        What is to be counted.
    classes : Task or None
        Names the labels; None leaves them out.
    """
    listed = list(found)
    counts = Counter(row.state for row in listed)
    labels = Counter(row.label for row in listed)
    total = sum(counts.values())
    named = tally([(item.short, labels[item.id]) for item in classes.classes]) if classes else ""
    parts = [
        f"{counts[state]} {state}" + (f" ({named})" if named and state == "answered" else "")
        for state in STATES
        if counts[state]
    ]
    return f"{total} {'picture' if total == 1 else 'pictures'}: {', '.join(parts)}"
