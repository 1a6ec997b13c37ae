"""The stages of a recipe side by side: pictures that zoom and pan together, histograms under them.

A Plotly chart would do, but Streamlit makes it anew whenever its data change, so that each move of a slider would throw
the person out of the detail looked at. `stages.js` keeps the view.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st

from leuk_core.images import SmearImage
from leuk_core.preprocessing.measure import edge_contrast, histogram
from leuk_core.preprocessing.recipe import Recipe, Stages

Box = tuple[float, float, float, float]

TITLES = {
    "original": "original",
    "cut-out": "cut out",
    "stain": "colours normalised",
    "size": "resized",
    "logmh": "LoGMH",
}
LONGEST_SHOWN = 700  # pixels; more than any panel has on a screen
STRIP_SIDE = 144

_BINS = 64
_HERE = Path(__file__).parent
_JS = (_HERE / "stages.js").read_text("utf-8")
_viewer = st.components.v2.component(
    "leuk_stages",
    html='<div class="stages" role="group"></div>',
    css=(_HERE / "stages.css").read_text("utf-8"),
    js=_JS,
)
_messenger = st.components.v2.component("leuk_filtered", js=_JS)  # the same text is the same module in the browser


@dataclass(frozen=True)
class Panel:
    """One stage as it is drawn.

    Parameters
    ----------
    name : str
        Name of the stage.
    uri : str
        The picture as a data address.
    box : tuple of float
        (left, top, right, bottom) of the picture, in pixels of the original.
    counts : ndarray of shape (3, 64)
        Histogram of the cell by channel.
    contrast : float
        Edge contrast of the cell; 0 for stages on which it is not measured.
    """

    name: str
    uri: str
    box: Box
    counts: np.ndarray
    contrast: float = 0.0


@dataclass(frozen=True)
class Prepared:
    """Everything about one cell that stays as it is while the filter is tuned.

    Parameters
    ----------
    panels : tuple of Panel
        All stages before the filter.
    sized : ndarray of shape (size, size, 3), uint8
        What the filter works on.
    mask : ndarray of shape (size, size), bool
        The cell on it.
    window : tuple of float
        Where `sized` lies on the original.
    found : bool
        Whether there is a cell.
    problem : str or None
        What the cut-out has to say.
    """

    panels: tuple[Panel, ...]
    sized: np.ndarray
    mask: np.ndarray
    window: Box
    found: bool
    problem: str | None


def prepare(picture: SmearImage, recipe: Recipe, microns_per_pixel: float | None) -> Prepared:
    """Run a recipe up to the filter and make its pictures ready to be drawn.

    Parameters
    ----------
    picture : SmearImage
        The decoded picture.
    recipe : Recipe
        Its filter is not looked at.
    microns_per_pixel : float or None
        Scale given by a person.
    """
    stages = replace(recipe, logmh=None).stages(picture, microns_per_pixel)
    region = _region(stages)
    panels = [
        _cropped(name, shown, stages.cutout.mask, region)
        for name, shown in stages.pictures.items()
        if name not in {"size", "logmh"}
    ]
    sized = stages.pictures["size"]
    panels.append(_measured("size", sized, stages.mask, stages.window))
    return Prepared(
        panels=tuple(panels),
        sized=sized,
        mask=stages.mask,
        window=stages.window,
        found=stages.cutout.found,
        problem=stages.cutout.problem,
    )


def filtered_panel(prepared: Prepared, filtered: np.ndarray) -> Panel:
    """Return the last stage as it is drawn.

    Parameters
    ----------
    prepared : Prepared
        The cell.
    filtered : ndarray of shape (size, size, 3), float32 in [0, 1]
        What `Recipe.filtered` made of it.
    """
    return _measured("logmh", filtered, prepared.mask, prepared.window)


def show(panels: Sequence[Panel], window: Box, side: int, revision: str, words: str) -> None:
    """Draw the stages before the filter in a row, with a place for the filtered picture at its end.

    They zoom and pan together and keep their view while the filter is tuned.

    Parameters
    ----------
    panels : sequence of Panel
        From left to right, without the filtered one; see `show_filtered`.
    window : tuple of float
        What is seen at first, in pixels of the original; where the filtered picture lies.
    side : int
        Largest side of a panel, in pixels of the screen.
    revision : str
        As long as it stays the same, the view stays.
    words : str
        What the row shows, for those who cannot see it.
    """
    last = {"name": "logmh", "title": TITLES["logmh"], "src": "", "box": window, "counts": []}
    _viewer(
        key="leuk-stages",
        data={
            "panels": [*map(_sent, panels), last],
            "window": window,
            "side": side,
            "revision": revision,
            "words": words,
        },
    )


def show_filtered(panel: Panel, revision: str, title: str = TITLES["logmh"]) -> None:
    """Fill the last place of the row that `show` drew.

    It is sent alone: the other panels do not change while a slider moves, and they are most of what there is to send.

    Parameters
    ----------
    panel : Panel
        From `filtered_panel`.
    revision : str
        The same as that of the row.
    title : str
        What stands under it.
    """
    _messenger(key="leuk-filtered", data={"filtered": {**_sent(panel), "title": title}, "revision": revision})


def _sent(panel: Panel) -> dict[str, Any]:
    return {
        "name": panel.name,
        "title": TITLES[panel.name],
        "src": panel.uri,
        "box": panel.box,
        "counts": np.sqrt(panel.counts).round(3).tolist(),  # the root shows rare bright and dark pixels too
    }


def row_html(cells: Sequence[tuple[str, str]], name: str, hover: Sequence[str] = ()) -> str:
    """Return up to eight small pictures in a row.

    Parameters
    ----------
    cells : sequence of (str, str)
        What stands under each picture, and the picture as a data address.
    name : str
        Of the row, for tests and styles.
    hover : sequence of str
        What is said of each picture under the pointer; may be left out.
    """
    picture = "width:100%;aspect-ratio:1;border-radius:4px;display:block"
    parts = [
        f'<figure title="{escape(said)}" style="margin:0;text-align:center;font-size:0.8rem">'
        f'<img src="{uri}" alt="LoGMH: {escape(words)}" style="{picture}"><figcaption>{escape(words)}</figcaption>'
        "</figure>"
        for (words, uri), said in zip(cells, hover or [""] * len(cells), strict=True)
    ]
    return (
        f'<div data-testid="{name}" style="display:grid;gap:0.5rem;'
        f'grid-template-columns:repeat(8,minmax(0,{STRIP_SIDE}px))">{"".join(parts)}</div>'
    )


def png_uri(picture: np.ndarray) -> str:
    """Return RGB, uint8 or float32 in [0, 1], as the data address of a lossless PNG."""
    return _uri("png", _eight_bits(picture), [cv2.IMWRITE_PNG_COMPRESSION, 1])


def small_uri(picture: np.ndarray) -> str:
    """Return RGB, uint8 or float32 in [0, 1], as the data address of a small JPEG for the strip."""
    side = STRIP_SIDE
    small = cv2.resize(_eight_bits(picture), (side, side), interpolation=cv2.INTER_AREA)
    return _uri("jpeg", small, [cv2.IMWRITE_JPEG_QUALITY, 92])


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else cv2.convertScaleAbs(picture, alpha=255.0)


def _uri(kind: str, picture: np.ndarray, options: list[int]) -> str:
    _, encoded = cv2.imencode(f".{kind}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return f"data:image/{kind};base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"


def _region(stages: Stages) -> tuple[int, int, int, int]:
    """Return the part of the original that is worth drawing: the window and half as much again on each side."""
    height, width = stages.pictures["original"].shape[:2]
    left, top, right, bottom = stages.window
    margin = (right - left) / 2
    return (
        max(0, int(left - margin)),
        max(0, int(top - margin)),
        min(width, int(right + margin) + 1),
        min(height, int(bottom + margin) + 1),
    )


def _cropped(name: str, picture: np.ndarray, mask: np.ndarray, region: tuple[int, int, int, int]) -> Panel:
    left, top, right, bottom = region
    part, inside = picture[top:bottom, left:right], mask[top:bottom, left:right]
    counts = histogram(part, inside, _BINS)
    factor = LONGEST_SHOWN / max(part.shape[:2])
    if factor < 1:
        part = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    uri = _uri("webp", np.ascontiguousarray(part), [cv2.IMWRITE_WEBP_QUALITY, 95])
    return Panel(name, uri, (left, top, right, bottom), counts)


def _measured(name: str, picture: np.ndarray, mask: np.ndarray, window: Box) -> Panel:
    return Panel(name, png_uri(picture), window, histogram(picture, mask, _BINS), edge_contrast(picture, mask))
