"""What the page Compare looks at: which cell, which models, in which order, and what they say about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from components.all_models import Opinions, Said, opinions
from components.answers import Row, known
from components.compare_ensemble import Together, together
from components.models import chosen_version, model_title, newest_models
from components.pictures import Arrival, arrivals
from components.scale import Scale
from components.share import Share
from leuk_core.registry import ModelVersion

CELL = "leuk.compare.cell"
MODELS = "leuk.compare.models"
SORT = "leuk.compare.sort"
VIEW = "leuk.compare.view"
MAPS = "leuk.compare.maps"

ONE, ALL = "One cell", "All cells"

AS_GIVEN, BY_PROBABILITY, BY_DOUBT, BY_TIME = "order given", "probability", "doubt", "time"
SORTS = (AS_GIVEN, BY_PROBABILITY, BY_DOUBT, BY_TIME)


@dataclass(frozen=True)
class Comparison:
    """One cell and what the chosen models say about it.

    Parameters
    ----------
    arrival : Arrival
        A file with a picture.
    said : Opinions
        One answer a model, told for the set that is looked at.
    together : Together or None
        The ensemble; None where fewer than two models count.
    """

    arrival: Arrival
    said: Opinions
    together: Together | None

    @property
    def leans(self) -> list[tuple[str, int]]:
        """How many of the counted models find each class likeliest, decided or not: short names in order."""
        counts = Counter(likeliest(entry) for entry in self.said.counted)
        return [(item.short, counts[item.id]) for item in self.said.share.task.classes]

    @property
    def apart(self) -> int:
        """How many counted models find another class likeliest than most of them do."""
        counts = [count for _, count in self.leans]
        return sum(counts) - max(counts, default=0)

    @property
    def verdict(self) -> str:
        """One short sentence on how far the models agree, whether or not they are decided."""
        leans = [(name, count) for name, count in self.leans if count]
        if not leans:
            return "no agreement can be told"
        total = sum(count for _, count in leans)
        if total == 1:
            return f"1 model: {leans[0][0]} is likeliest"
        if len(leans) == 1:
            return f"all {total} models find {leans[0][0]} likeliest"
        return "likeliest: " + ", ".join(f"{name} for {count}" for name, count in leans)

    def ordered(self, sort: str) -> list[Said]:
        """Return the models' answers as one of `SORTS` wants them; those without an answer stand last."""
        keys = {BY_PROBABILITY: self._probability, BY_DOUBT: _doubt, BY_TIME: _time}
        return sorted(self.said.said, key=keys[sort]) if sort in keys else list(self.said.said)

    def _probability(self, entry: Said) -> float:
        value = followed(entry, self.said.share)
        return 2.0 if value is None else -value[1]


def compare(arrival: Arrival, models: Sequence[ModelVersion], scale: Scale, share: Share) -> Comparison:
    """Return what was said about one cell so far.

    Parameters
    ----------
    arrival : Arrival
        A file with a picture.
    models : sequence of ModelVersion
        Those that were chosen.
    scale : Scale
        What the picture's scale is taken to be.
    share : Share
        The set that the answers are told for.
    """
    said = opinions(Row(arrival, None), models, scale, share)
    raw = {version.ref: known(version.ref, arrival.picture, scale) for version in models} if arrival.picture else {}
    return Comparison(arrival, said, together(said, {ref: answer and answer.prediction for ref, answer in raw.items()}))


def likeliest(entry: Said) -> str | None:
    """Return the class id that a model finds likeliest; None where it gives no probability."""
    prediction = entry.prediction
    if prediction is None or not prediction.probabilities:
        return None
    return max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def followed(entry: Said, share: Share) -> tuple[str, float] | None:
    """Return the class whose probability is shown for an answer, and that probability; None where it gives none.

    Parameters
    ----------
    entry : Said
        A model's answer.
    share : Share
        Its task's positive class is followed, or the likeliest class where there is none.
    """
    top = likeliest(entry)
    if top is None or entry.prediction is None:
        return None
    label = share.task.positive or top
    return label, entry.prediction.probabilities[label]


def _doubt(entry: Said) -> tuple[int, int, float]:
    prediction = entry.prediction
    if prediction is None:
        return (2, 0, 0.0)
    top = max(prediction.probabilities.values(), default=0.0)
    return (0 if prediction.label is None else 1, -len(prediction.doubts), top)


def _time(entry: Said) -> float:
    return entry.prediction.milliseconds if entry.prediction else float("inf")


def open_cells() -> list[Arrival]:
    """Return this session's files that are pictures, in the order given."""
    return [arrival for arrival in arrivals() if arrival.picture is not None]


def chosen_cell() -> Arrival | None:
    """Return the cell that is looked at: the one chosen, or the first."""
    cells = open_cells()
    number = st.session_state.get(CELL)
    return next((arrival for arrival in cells if arrival.number == number), cells[0] if cells else None)


def choose_cell(number: int) -> None:
    """Look at another cell, by its number."""
    st.session_state[CELL] = number


def step(by: int) -> None:
    """Look at the next cell, or with -1 at the one before; stays where there is none."""
    cells, chosen = open_cells(), chosen_cell()
    if chosen is not None:
        place = min(max(cells.index(chosen) + by, 0), len(cells) - 1)
        choose_cell(cells[place].number)


def choose_only(names: Sequence[str]) -> None:
    """Ask these models only, by their names, of whichever task is looked at; a person may add others."""
    version = chosen_version()
    if version is not None:
        of_task = [entry.model for entry in newest_models(version)]
        key = f"{MODELS}.{version.task}"
        st.session_state[key] = [name for name in of_task if name in names] or of_task
        st.session_state[f"{key}.known"] = of_task


def choose_models(models: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Draw the choice of models and return those chosen, in the fixed order.

    Parameters
    ----------
    models : sequence of ModelVersion
        All models of the task.
    """
    key = f"{MODELS}.{models[0].task}"
    names = {version.model: model_title(version) for version in models}
    known = st.session_state.setdefault(f"{key}.known", [])
    held = st.session_state.get(key, [])
    # a model that was installed since is asked too, until a person takes it out
    st.session_state[key] = [name for name in names if name in held or name not in known]
    st.session_state[f"{key}.known"] = list(names)
    count = len(st.session_state[key])
    with st.popover(f"Models: {count} of {len(models)}", icon=":material/groups:"):
        with st.container(horizontal=True, key="leuk-models-shortcuts"):
            for words, wanted in (("All", list(names)), ("None", [])):
                st.button(words, on_click=st.session_state.update, args=({key: wanted},), key=f"leuk-models-{words}")
        chosen = st.pills(
            "Models that are asked",
            list(names),
            selection_mode="multi",
            format_func=names.__getitem__,
            key=key,
            persist_state="session",
        )
    return [version for version in models if version.model in chosen]
