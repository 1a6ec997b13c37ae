"""The details of one picture: the original beside what the model was shown, all models, where the answer comes from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.delta_generator import DeltaGenerator

from components.all_models import ask_for, is_asked_for
from components.answers import Row
from components.compare import choose_cell
from components.heat import Wanted, choose_opacity, drawn, make_map
from components.heat_large import downloads
from components.models import threshold_of
from components.pictures import small_copy
from components.scale import chosen_scale
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion, find_version
from leuk_core.zoo.catalogue import Box

if TYPE_CHECKING:  # importing it brings scikit-learn
    from leuk_core.prediction import Prediction

SHOWN_SIDE = 450
SEEN, MAX_SEEN = "leuk.seen", 24
MAPPED = "leuk.map.cells"
COMPARE = "pages/compare.py"
SIDE_BY_SIDE = "This cell on the page Compare: all models side by side, with heat maps."


def details(row: Row, models: Sequence[ModelVersion], *, opened: bool = False) -> DeltaGenerator | None:
    """Draw the details under a row; what is inside is made only while they are open.

    Parameters
    ----------
    row : Row
        A file with a picture.
    models : sequence of ModelVersion
        All models of the task.
    opened : bool
        Whether they are open at first.

    Returns
    -------
    DeltaGenerator or None
        Where the answers of all models go; None where they are not wanted or not to be seen.
    """
    box = st.expander(
        "Details",
        expanded=opened,
        type="compact",
        key=f"leuk.details.{row.arrival.number}",
        on_change="rerun",
    )
    if not box.open or row.arrival.picture is None:
        return None
    with box:
        _actions(row, models)
        place = st.empty() if len(models) > 1 and row.answer is not None and is_asked_for(row) else None
        _inside(row)
    return place


def _actions(row: Row, models: Sequence[ModelVersion]) -> None:
    """Draw what can be asked for beyond the answer: a heat map, all models here, and all models side by side."""
    picture, number = row.arrival.picture, row.arrival.number
    if picture is None or row.answer is None:
        return
    with st.container(horizontal=True, gap="small"):
        if row.answer.prediction is not None and not _is_mapped(picture):
            st.button(
                "Heat map",
                icon=":material/visibility:",
                key=f"leuk.map.wanted.{number}",
                help="Where the model looked. Takes a little longer than an answer.",
                on_click=_map_wanted,
                args=(picture.pixels_sha256,),
            )
        if len(models) < 2:
            return
        if not is_asked_for(row):
            st.button(
                f"Ask all {len(models)} models",
                icon=":material/groups:",
                key=f"leuk.ask.{number}",
                on_click=ask_for,
                args=(picture.pixels_sha256,),
            )
        if st.button(
            "Compare",
            icon=":material/compare:",
            key=f"leuk.compare.open.{number}",
            help=SIDE_BY_SIDE,
            on_click=choose_cell,
            args=(number,),
        ):
            st.switch_page(COMPARE)


def _is_mapped(picture: SmearImage) -> bool:
    return picture.pixels_sha256 in st.session_state.get(MAPPED, ())


def _map_wanted(pixels_sha256: str) -> None:
    st.session_state.setdefault(MAPPED, set()).add(pixels_sha256)


def _inside(row: Row) -> None:
    picture = row.arrival.picture
    if picture is None:
        return
    prediction = row.answer.prediction if row.answer else None
    mapped = prediction is not None and _is_mapped(picture)
    original, seen, *heat, facts = st.columns([3, 3, 3, 4] if mapped else [3, 3, 4])
    original.image(
        small_copy(picture, SHOWN_SIDE),
        caption="original",
        alt=f"original of picture {row.arrival.number}",
    )
    if prediction is not None:
        shown, found = _seen(row, prediction), prediction.boxes[:1]
        seen.image(
            boxed(shown, found[0]) if found else shown,
            caption="what the model was shown"
            + "".join(f"; the box: the cell it found, score {one[4]:.2f}" for one in found),
            alt=f"what the model was shown of picture {row.arrival.number}",
        )
    for column in heat:
        with column:
            _heat_map(row, prediction)
    facts.html(_provenance(row))


def _heat_map(row: Row, prediction: Prediction | None) -> None:
    """Draw the map of the model that answered, for the class that it finds likeliest."""
    picture, number = row.arrival.picture, row.arrival.number
    if picture is None or prediction is None:
        return
    with st.spinner("Making the map"):
        found = make_map(find_version(prediction.model), picture, chosen_scale(), Wanted())
    if found.heat is None:
        st.caption(found.sentence)
        return
    place = st.empty()
    opacity = choose_opacity(f"leuk.map.opacity.{number}")
    shown = drawn(found, picture, found.heat.window, SHOWN_SIDE, opacity)
    place.image(shown, caption=found.caption, alt=f"heat map of picture {number}")
    downloads(found, picture, f"picture-{number}", opacity, key=f"leuk.map.files.{number}")


def _seen(row: Row, prediction: Prediction) -> np.ndarray:
    """Return what the model was shown, uint8, made again by its recipe; the last few are kept in the session."""
    held: OrderedDict[tuple[str, str, float | None], np.ndarray] = st.session_state.setdefault(SEEN, OrderedDict())
    scale = chosen_scale().of(row.arrival.picture)
    key = (prediction.pixels_sha256, prediction.model, scale)
    if key not in held:
        shown = find_version(prediction.model).recipe.stages(row.arrival.picture, scale).pictures["logmh"]
        held[key] = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        while len(held) > MAX_SEEN:
            held.popitem(last=False)
    held.move_to_end(key)
    return held[key]


def boxed(shown: np.ndarray, box: Box) -> np.ndarray:
    """Return a picture (n, n, 3), enlarged to `SHOWN_SIDE`, with a detector's box on it, white within black."""
    picture = Image.fromarray(shown).resize((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.BICUBIC)
    pen, corners = ImageDraw.Draw(picture), [edge * SHOWN_SIDE / len(shown) for edge in box[:4]]
    pen.rectangle(corners, outline="black", width=5)
    pen.rectangle([corners[0] + 1, corners[1] + 1, corners[2] - 1, corners[3] - 1], outline="white", width=2)
    return np.asarray(picture)


def _provenance(row: Row) -> str:
    picture = row.arrival.picture
    prediction = row.answer.prediction if row.answer else None
    facts: list[tuple[str, str]] = []
    if prediction is not None and row.answer is not None:
        facts += [
            ("model", prediction.model),
            ("threshold", _threshold(prediction)),
            ("recipe", prediction.recipe_hash),
            ("answered", f"{row.answer.at.astimezone():%Y-%m-%d %H:%M:%S %Z}"),
            ("scale taken", _scale(prediction)),
            ("took", f"{prediction.milliseconds:.0f} ms"),
        ]
    if picture is not None:
        own = picture.microns_per_pixel
        facts += [
            ("picture", picture.pixels_sha256),
            ("file", picture.file_sha256),
            ("format", picture.format),
            ("scale in the file", f"{own:.3g} µm per pixel" if own else "not given"),
        ]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f'<dl class="leuk-facts">{lines}</dl>'


def _threshold(prediction: Prediction) -> str:
    version = find_version(prediction.model)
    rule = str(version.decision().get("threshold_rule", ""))
    return f"{threshold_of(version):.2f}" + (f", {rule}" if rule else "")


def _scale(prediction: Prediction) -> str:
    if prediction.microns_per_pixel is None:
        return "unknown"
    source = {"given": "as given", "metadata": "from the file", "red cells": "from the red cells"}
    words = source.get(prediction.scale_source, "from its form: 450 x 450 on black, as C-NMC")
    return f"{prediction.microns_per_pixel:.3g} µm per pixel, {words}"
