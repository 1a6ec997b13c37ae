"""All cells by all models on the page: a table that fills as answers come, a row of which opens that cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.all_models import ask_all
from components.answers import Row
from components.compare import CELL, MAPS, ONE, VIEW, Comparison, compare, open_cells
from components.compare_batch import APART, PICTURE, THUMBNAIL, batch_records, disagreements_first, shown_table, summary
from components.models import model_title, warming
from components.scale import Scale, chosen_scale, offer_scale
from components.share import Share
from components.table import to_csv
from leuk_core.registry import ModelVersion

NAMES, TABLE = "leuk.compare.names", "leuk.compare.table"
APART_RULE = "How many models find another class likeliest than most do, whether or not they are decided."
EACH = 8  # answers after which the table is drawn again
ROW, HEAD, TALLEST = 52, 38, 640  # pixels


def all_cells(models: Sequence[ModelVersion], share: Share) -> None:
    """Draw the table of all cells, asking the models that were not asked yet; disagreements stand first.

    Parameters
    ----------
    models : sequence of ModelVersion
        Those that were chosen.
    share : Share
        The set that answers are told for.
    """
    scale = chosen_scale()
    found = {arrival.number: compare(arrival, models, scale, share) for arrival in open_cells()}
    with st.container(horizontal=True, vertical_alignment="center", key="leuk-cmp-batch"):
        status, download = st.empty(), st.empty()
    hint, place = st.empty(), st.empty()
    if not all(one.said.complete for one in found.values()):
        _ask(found, models, scale, share, status, place)
    ordered = disagreements_first(list(found.values()))
    status.markdown(f"**{summary(ordered)}**")
    hint.caption(_legend(share))
    state = place.dataframe(**_table(ordered), on_select="rerun", selection_mode="single-row", key=TABLE)
    for row in state.selection.rows:
        number = ordered[row].arrival.number
        hint.button(
            f"Look at picture {number} with its heat maps",
            icon=":material/compare:",
            type="primary",
            on_click=_look_at,
            args=(number,),
        )
    offer_scale(sum(_scale_unknown(one) for one in ordered))
    _save(download, ordered)


def _legend(share: Share) -> str:
    positive = next((item.short for item in share.task.classes if item.id == share.task.positive), "likeliest class")
    where = f", in a set with {share.words}" if share.words else ""
    return (
        f"Label and probability of {positive}{where}. Cells on which the models part stand first. Select a row to look "
        "at that cell."
    )


def _look_at(number: int) -> None:
    st.session_state[CELL], st.session_state[VIEW], st.session_state[MAPS] = number, ONE, True


def _scale_unknown(one: Comparison) -> bool:
    answers = [entry.prediction for entry in one.said.said if entry.prediction]
    return any(doubt.code == "scale-unknown" for prediction in answers for doubt in prediction.doubts)


def _table(found: list[Comparison]) -> dict[str, Any]:
    return {
        "data": shown_table(found),
        "hide_index": True,
        "row_height": ROW,
        "height": min(TALLEST, HEAD + ROW * len(found)),
        "column_config": {
            THUMBNAIL: st.column_config.ImageColumn("", width=64),
            PICTURE: st.column_config.NumberColumn(width=60),
            APART: st.column_config.TextColumn(help=APART_RULE),
            **{version.model: st.column_config.TextColumn(help=model_title(version)) for version in _models(found)},
        },
    }


def _models(found: list[Comparison]) -> list[ModelVersion]:
    return [entry.version for entry in found[0].said.said] if found else []


def _ask(
    found: dict[int, Comparison],
    models: Sequence[ModelVersion],
    scale: Scale,
    share: Share,
    status: DeltaGenerator,
    place: DeltaGenerator,
) -> None:
    """Ask every model about every cell; the table follows every few answers."""
    answers = 0

    def show(row: Row) -> None:
        nonlocal answers
        answers += 1
        found[row.arrival.number] = compare(row.arrival, models, scale, share)
        if answers % EACH == 0:
            place.dataframe(**_table(list(found.values())))

    place.dataframe(**_table(list(found.values())))
    for seconds in warming():
        status.progress(0.0, text=f"Loading the first model ({seconds} s); only the first answer waits.")
    waiting = [one.said.row for one in found.values() if not one.said.complete]
    ask_all(waiting, models, scale, show, lambda part, text: status.progress(part, text=text))


def _save(place: DeltaGenerator, ordered: list[Comparison]) -> None:
    with place.popover("CSV", icon=":material/download:"):
        with_names = st.checkbox(
            "with file names",
            key=NAMES,
            persist_state="session",
            help="A file name may be a patient's. Without, a picture is called by its number.",
        )
        st.download_button(
            "Download the table",
            data=lambda: to_csv(batch_records(ordered, with_names=with_names)),
            file_name="smear-comparison.csv",
            mime="text/csv",
            on_click="ignore",
        )
