"""The model's answers about this session's pictures: asked once each, kept across pages, sorted and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components.incidents import record
from components.pictures import MAX_PICTURES, Arrival, arrivals, picture_names
from components.scale import Scale
from leuk_core.errors import LeukError
from leuk_core.images import SmearImage

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Prediction, Predictor

ANSWERS = "leuk.answers"
MAX_ANSWERS = 2 * MAX_PICTURES

STATES = ("answered", "undecided", "refused", "failed", "waiting")


@dataclass(frozen=True)
class Answer:
    """What a model said about a picture, or why it said nothing.

    Parameters
    ----------
    prediction : Prediction or None
        Without its `seen` array, which is kept smaller beside it. None where the model failed.
    seen : ndarray of shape (size, size, 3), uint8, or None
        What the model was shown.
    at : datetime
        When, in UTC.
    sentence : str
        Why there is no prediction; empty otherwise.
    """

    prediction: Prediction | None
    seen: np.ndarray | None
    at: datetime
    sentence: str = ""


@dataclass(frozen=True)
class Row:
    """A file of the session together with its answer, as one row of the page or the table."""

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


def rows(model: str | None, scale: Scale) -> list[Row]:
    """Return a row for each file of the session, in the order given.

    Parameters
    ----------
    model : str or None
        Full reference of the model whose answers are wanted; None where none is installed.
    scale : Scale
        What the pictures' scale is taken to be.
    """
    held = st.session_state.setdefault(ANSWERS, {})
    found = []
    for arrival in arrivals():
        answer = None
        if arrival.picture is not None and model is not None:
            answer = held.get(_key(model, arrival.picture, scale))
        found.append(Row(arrival, answer))
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
        answer = Answer(None, None, now, str(error))
    except Exception as error:  # noqa: BLE001 one picture must not take the others with it
        number = record(error, picture_names())
        answer = Answer(None, None, now, f"No answer: something unexpected happened (error {number} in the log).")
    else:
        seen = None if prediction.seen is None else np.rint(np.clip(prediction.seen, 0, 1) * 255).astype(np.uint8)
        answer = Answer(replace(prediction, seen=None), seen, now)
    held = st.session_state.setdefault(ANSWERS, {})
    held[_key(model, picture, scale)] = answer
    return answer


def forget_gone() -> None:
    """Drop answers about pictures that are gone and, of the rest, all but the newest `MAX_ANSWERS`."""
    present = {arrival.picture.pixels_sha256 for arrival in arrivals() if arrival.picture is not None}
    held = st.session_state.setdefault(ANSWERS, {})
    kept = [(key, answer) for key, answer in held.items() if key[1] in present]
    st.session_state[ANSWERS] = dict(kept[-MAX_ANSWERS:])


def summary(found: Iterable[Row]) -> str:
    """Return the line over the rows, such as "14 pictures: 11 answered, 2 undecided, 1 refused".

    Parameters
    ----------
    found : iterable of Row
        What is to be counted.
    """
    counts = Counter(row.state for row in found)
    total = sum(counts.values())
    parts = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    return f"{total} {'picture' if total == 1 else 'pictures'}: {', '.join(parts)}"
