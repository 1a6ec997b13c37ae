"""Two heat maps large beside each other, each of a model to be chosen, with captions and downloads."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from components.compare_crop import Window, as_uri, crop
from components.heat import (
    AT_FIRST,
    INFLUENCE,
    OPACITY,
    Found,
    Wanted,
    choose_opacity,
    drawn,
    make_map,
    on_original,
)
from components.models import model_title
from components.scale import Scale
from leuk_core import RESEARCH_ONLY
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion

OPENED = "leuk.heat.opened"
LEFT, RIGHT, LARGE_OPACITY = "leuk.heat.left", "leuk.heat.right", "leuk.heat.large-opacity"
BARE = "the cell without a map"
SIDE = 640


def open_large(ref: str, other: str = BARE) -> None:
    """Ask for the large view at the end of this run: one model's map at the left, another's or none at the right.

    Parameters
    ----------
    ref : str
        Full reference of the model at the left.
    other : str
        Reference of the one at the right, or `BARE`.
    """
    st.session_state[OPENED] = True
    st.session_state[LEFT], st.session_state[RIGHT] = ref, other
    st.session_state[LARGE_OPACITY] = st.session_state.get(OPACITY, AT_FIRST)


def show_large(
    picture: SmearImage, number: int, models: Sequence[ModelVersion], scale: Scale, wanted: Wanted, window: Window
) -> None:  # fmt: skip
    """Open the large view where it was asked for.

    Parameters
    ----------
    picture : SmearImage
        The cell.
    number : int
        Its number in the session.
    models : sequence of ModelVersion
        Those that can be chosen.
    scale : Scale
        What the cell's scale is taken to be.
    wanted : Wanted
        Method and class.
    window : tuple of float
        What of the picture is shown without a map.
    """
    if st.session_state.pop(OPENED, False):
        _dialog(picture, number, models, scale, wanted, window)


@st.dialog("Two heat maps of one cell", width="large")
def _dialog(
    picture: SmearImage, number: int, models: Sequence[ModelVersion], scale: Scale, wanted: Wanted, window: Window
) -> None:
    names = {version.ref: model_title(version) for version in models} | {BARE: BARE}
    by_ref = {version.ref: version for version in models}
    opacity = st.session_state.get(LARGE_OPACITY, AT_FIRST) / 100
    for column, key in zip(st.columns(2), (LEFT, RIGHT), strict=True):
        with column:
            if st.session_state.get(key) not in names:
                st.session_state[key] = BARE
            ref = st.selectbox(
                "Model", list(names), format_func=names.__getitem__, key=key, label_visibility="collapsed"
            )  # fmt: skip
            if ref == BARE:
                _large(crop(picture, window, SIDE), f"picture {number}")
                st.caption(f"Picture {number} without a map.")
                continue
            with st.spinner("Making the map"):
                found = make_map(by_ref[ref], picture, scale, wanted)
            _large(drawn(found, picture, window, SIDE, opacity), f"heat map of {names[ref]}")
            st.caption(found.caption)
            downloads(found, picture, f"picture-{number}-{by_ref[ref].model}", opacity, key=key)
    with st.container(horizontal=True, vertical_alignment="center"):
        choose_opacity(LARGE_OPACITY)
        st.caption(f"{INFLUENCE} {RESEARCH_ONLY}", width="stretch")


def _large(pixels: np.ndarray, words: str) -> None:
    st.html(f'<div class="leuk-map-large"><img src="{as_uri(pixels)}" alt="{escape(words)}"></div>')


def downloads(found: Found, picture: SmearImage, stem: str, opacity: float, *, key: str) -> None:
    """Draw the downloads of a map: the picture, and the raw map as CSV and NumPy file; nothing where there is none.

    Parameters
    ----------
    found : Found
        The map.
    picture : SmearImage
        The cell.
    stem : str
        Beginning of the files' names.
    opacity : float
        Of the hottest places in the picture, from 0 to 1.
    key : str
        Tells these buttons from others.
    """
    from leuk_core.explain import to_png  # noqa: PLC0415 brings scikit-learn

    heat = found.heat
    if heat is None or heat.problem:
        return
    caption = f"{heat.model}. {heat.caption} {RESEARCH_ONLY}"
    files = (
        (
            "PNG",
            "image/png",
            lambda: to_png(on_original(found, picture, opacity), caption),
        ),
        ("CSV", "text/csv", heat.csv),
        ("NPY", "application/octet-stream", heat.npy),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Raw map and picture:", width="content")
        for kind, mime, make in files:
            name = f"{stem}-{heat.method}.{kind.lower()}"
            st.download_button(
                kind,
                make,
                name,
                mime,
                key=f"{key}.{kind}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
