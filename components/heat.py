"""Heat maps of this session: what is wanted, made once each, and drawn over the cell."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import cv2
import numpy as np
import streamlit as st

from components.compare_crop import Window, as_uri, crop
from components.incidents import record
from components.models import loaded
from components.pictures import picture_names
from components.scale import Scale
from leuk_core.errors import LeukError
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion, Task

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without maps has no need of
    from leuk_core.explain import HeatMap

METHOD, LABEL, OPACITY = "leuk.heat.method", "leuk.heat.label", "leuk.heat.opacity"
MAPS, MAX_MAPS = "leuk.heat.maps", 48
DRAWN, MAX_DRAWN = "leuk.heat.drawn", 96

OWN = "own"
LIKELIEST = "likeliest"
AT_FIRST = 60
INFLUENCE = (
    "Bright places had most influence on this model's answer about this class; each map is scaled to its own hottest "
    "place. It shows influence, not proof: a map may look sensible where the answer is wrong."
)


@dataclass(frozen=True)
class Wanted:
    """Which maps are wanted.

    Parameters
    ----------
    method : str or None
        An id of `leuk_core.explain.METHODS`; None takes each model's own. Models that it doesn't fit take their own.
    label : str or None
        Class id to explain; None takes what each model finds likeliest.
    opacity : float
        Of the hottest places, from 0 to 1.
    """

    method: str | None = None
    label: str | None = None
    opacity: float = AT_FIRST / 100


@dataclass(frozen=True)
class Found:
    """A map, or why there is none.

    Parameters
    ----------
    heat : HeatMap or None
        The map; None where it could not be made.
    sentence : str
        Why not; empty otherwise.
    tested : str
        What the deletion test found of such maps; empty where it was not measured.
    """

    heat: HeatMap | None
    sentence: str = ""
    tested: str = ""

    @property
    def caption(self) -> str:
        """What stands under it."""
        if self.heat is None:
            return self.sentence
        return f"{self.heat.caption} {self.heat.note if self.heat.empty else self.tested}".strip()


def chosen_maps() -> Wanted:
    """Return which maps this session wants."""
    method, label = st.session_state.get(METHOD, OWN), st.session_state.get(LABEL, LIKELIEST)
    return Wanted(
        None if method == OWN else method,
        None if label == LIKELIEST else label,
        st.session_state.get(OPACITY, AT_FIRST) / 100,
    )


def choose_maps(task: Task, models: Sequence[ModelVersion]) -> None:
    """Draw the choice of method, class and opacity.

    Parameters
    ----------
    task : Task
        Names the classes.
    models : sequence of ModelVersion
        Whose maps they are: a choice of methods stands only where one of them is a network.
    """
    from leuk_core.explain import METHODS  # noqa: PLC0415 brings scikit-learn

    short = {LIKELIEST: "likeliest of each", **{item.id: item.short for item in task.classes}}
    if st.session_state.get(LABEL) not in short:
        st.session_state[LABEL] = LIKELIEST
    if any(version.kind == "network" for version in models):
        names = {OWN: "own of each", **METHODS}
        st.selectbox(
            "Method",
            list(names),
            format_func=lambda name: f"method: {names[name]}",
            key=METHOD,
            persist_state="session",
            label_visibility="collapsed",
            width=215,
            help="Own: Grad-CAM for networks, occlusion for the classifiers on features. A method that doesn't fit a "
            "model leaves it with its own. Score-CAM takes longest.",
        )
    st.selectbox(
        "What speaks for",
        list(short),
        format_func=lambda label: f"speaks for: {short[label]}",
        key=LABEL,
        persist_state="session",
        label_visibility="collapsed",
        width=250,
    )
    choose_opacity(OPACITY)


def choose_opacity(key: str) -> float:
    """Draw the opacity of the hottest places; return it, from 0 to 1."""
    st.session_state.setdefault(key, AT_FIRST)
    chosen = st.slider(
        "Opacity",
        0,
        100,
        step=10,
        format="%d %% opaque",
        key=key,
        persist_state="session",
        label_visibility="collapsed",
        width=150,
    )
    return chosen / 100


def map_of(version: ModelVersion, picture: SmearImage, scale: Scale, wanted: Wanted) -> Found | None:
    """Return a map that was made already, None where it was not.

    Parameters
    ----------
    version, picture, scale, wanted
        As in `make_map`.
    """
    held: OrderedDict[tuple[object, ...], Found] = st.session_state.setdefault(MAPS, OrderedDict())
    return held.get(_key(version, picture, scale, wanted))


def make_map(version: ModelVersion, picture: SmearImage, scale: Scale, wanted: Wanted) -> Found:
    """Make a map and keep it in the session, which holds the last `MAX_MAPS`.

    Parameters
    ----------
    version : ModelVersion
        The model.
    picture : SmearImage
        The cell.
    scale : Scale
        What its scale is taken to be.
    wanted : Wanted
        Method and class.
    """
    found = map_of(version, picture, scale, wanted)
    if found is None:
        found = _made(version, picture, scale, wanted)
    held = st.session_state.setdefault(MAPS, OrderedDict())
    key = _key(version, picture, scale, wanted)
    held[key] = found
    held.move_to_end(key)
    while len(held) > MAX_MAPS:
        held.popitem(last=False)
    return found


def _made(version: ModelVersion, picture: SmearImage, scale: Scale, wanted: Wanted) -> Found:
    from leuk_core.explain import heat_map, methods  # noqa: PLC0415 brings scikit-learn
    from leuk_core.explain.words import deletion_words  # noqa: PLC0415

    try:
        predictor = loaded(version.ref)
        method = wanted.method if wanted.method in methods(predictor) else None
        found = heat_map(predictor, picture, scale.of(picture), method=method, label=wanted.label)
        return Found(found, tested=deletion_words(version, found.method))
    except LeukError as error:
        return Found(None, str(error))
    except Exception as error:  # noqa: BLE001 one model must not take the others with it
        return Found(
            None, f"No map: something unexpected happened (error {record(error, picture_names())} in the log)."
        )


def _key(version: ModelVersion, picture: SmearImage, scale: Scale, wanted: Wanted) -> tuple[object, ...]:
    return (version.ref, picture.pixels_sha256, scale.of(picture), wanted.method, wanted.label)


def drawn(found: Found, picture: SmearImage, window: Window, side: int, opacity: float) -> np.ndarray:
    """Return the cell with its map over it; the bare cell where the map is empty or there is none.

    Parameters
    ----------
    found : Found
        The map.
    picture : SmearImage
        The cell.
    window : tuple of float
        What of the picture is shown where there is no map; a map is shown on the window that its model saw.
    side : int
        Side of the result, in pixels.
    opacity : float
        Of the hottest places, from 0 to 1.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
    """
    from leuk_core.explain import overlay  # noqa: PLC0415 brings scikit-learn

    if found.heat is None or found.heat.empty:
        return crop(picture, window, side)
    heat = cv2.resize(found.heat.on_seen, (side, side), interpolation=cv2.INTER_LINEAR)
    return overlay(crop(picture, found.heat.window, side), heat, opacity)


def on_original(found: Found, picture: SmearImage, opacity: float) -> np.ndarray:
    """Return the whole picture (height, width, 3; uint8) with the map over it."""
    from leuk_core.explain import overlay  # noqa: PLC0415 brings scikit-learn

    if found.heat is None or found.heat.empty:
        return picture.pixels
    return overlay(picture.pixels, found.heat.on_original(), opacity)


def _drawn_uri(found: Found, picture: SmearImage, window: Window, side: int, opacity: float) -> str:
    """Return `drawn` as a data address; the last `MAX_DRAWN` are kept in the session."""
    held: OrderedDict[tuple[object, ...], tuple[Found, str]] = st.session_state.setdefault(DRAWN, OrderedDict())
    key = (id(found), window, side, opacity)
    known = held.get(key)
    if known is None or known[0] is not found:  # what is kept holds the map, so that its id stays its own
        known = held[key] = (found, as_uri(drawn(found, picture, window, side, opacity)))
        while len(held) > MAX_DRAWN:
            held.popitem(last=False)
    return known[1]


def map_html(found: Found | None, picture: SmearImage, window: Window, name: str, side: int, opacity: float) -> str:
    """Return a map as a small picture with a word where there is nothing to see.

    Parameters
    ----------
    found : Found or None
        The map; None while it is waited for.
    picture : SmearImage
        The cell.
    window : tuple of float
        As in `drawn`.
    name : str
        Whose map it is.
    side : int
        Side of what is sent to the browser, in pixels.
    opacity : float
        Of the hottest places, from 0 to 1.
    """
    if found is None:
        return '<div class="leuk-map leuk-map-none"><span>map …</span></div>'
    uri = _drawn_uri(found, picture, window, side, opacity)
    word = "no map" if found.heat is None else "no positive evidence" if found.heat.empty else ""
    mark = f"<span>{word}</span>" if word else ""
    return (
        f'<div class="leuk-map" title="{escape(found.caption)}">'
        f'<img src="{uri}" alt="heat map of {escape(name)}: {escape(found.caption)}">{mark}</div>'
    )
