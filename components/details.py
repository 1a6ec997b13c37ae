"""The details of one picture: the original beside what the model was shown, and where the answer comes from."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from components.answers import Row
from components.pictures import small_copy

if TYPE_CHECKING:  # importing it brings scikit-learn
    from leuk_core.prediction import Prediction

SHOWN_SIDE = 450


def details(row: Row, *, opened: bool = False) -> None:
    """Draw the details under a row; what is inside is made only while they are open.

    Parameters
    ----------
    row : Row
        A file with a picture.
    opened : bool
        Whether they are open at first.
    """
    box = st.expander(
        "Details",
        expanded=opened,
        type="compact",
        key=f"leuk.details.{row.arrival.number}",
        on_change="rerun",
    )
    if box.open and row.arrival.picture is not None:
        with box:
            _inside(row)


def _inside(row: Row) -> None:
    picture = row.arrival.picture
    if picture is None:
        return
    original, seen, facts = st.columns([3, 3, 4])
    original.image(
        small_copy(picture, SHOWN_SIDE),
        caption="original",
        alt=f"original of picture {row.arrival.number}",
    )
    if row.answer is not None and row.answer.seen is not None:
        seen.image(
            row.answer.seen,
            caption="what the model was shown",
            alt=f"what the model was shown of picture {row.arrival.number}",
        )
    facts.html(_provenance(row))


def _provenance(row: Row) -> str:
    picture = row.arrival.picture
    prediction = row.answer.prediction if row.answer else None
    facts: list[tuple[str, str]] = []
    if prediction is not None and row.answer is not None:
        facts += [
            ("model", prediction.model),
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


def _scale(prediction: Prediction) -> str:
    if prediction.microns_per_pixel is None:
        return "unknown"
    source = {"given": "as given", "metadata": "from the file", "red cells": "from the red cells"}
    words = source.get(prediction.scale_source, "from its form: 450 x 450 on black, as C-NMC")
    return f"{prediction.microns_per_pixel:.3g} µm per pixel, {words}"
