"""The stages of a recipe side by side: one figure whose pictures zoom and pan together, histograms under them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import cv2
import numpy as np

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
CONFIG = {
    "scrollZoom": True,
    "displaylogo": False,
    "doubleClick": "reset",
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
    "toImageButtonOptions": {"filename": "stages", "scale": 2},
}

_CHANNELS = (("red", "#c33c3c"), ("green", "#2e8b57"), ("blue", "#3b6fc4"))
_BINS = 64
_GAP = 0.012  # between panels, as a share of the figure's width
_HISTOGRAM_PX = 84
_TITLE_PX = 26


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


def figure(panels: Sequence[Panel], window: Box, side: int, revision: str) -> dict[str, Any]:
    """Return the panels in a row with matched axes, a histogram under each, as a Plotly figure.

    Parameters
    ----------
    panels : sequence of Panel
        From left to right.
    window : tuple of float
        What is seen at first, in pixels of the original.
    side : int
        Largest height of a panel, in pixels of the screen.
    revision : str
        As long as it stays the same, a redrawn figure keeps its zoom.
    """
    height = side + _TITLE_PX + _HISTOGRAM_PX
    top, bottom = 1 - _TITLE_PX / height, (_HISTOGRAM_PX + 10) / height
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": 2, "r": 2, "t": 2, "b": 18},
        "showlegend": False,
        "dragmode": "pan",
        "uirevision": revision,
        "images": [],
        "annotations": [],
    }
    traces: list[dict[str, Any]] = []
    wide = (1 + _GAP) / len(panels)
    tallest = max((float(np.sqrt(panel.counts).max()) for panel in panels), default=1.0) or 1.0
    for index, panel in enumerate(panels):
        domain = [index * wide, index * wide + wide - _GAP]
        number, under = _suffix(index), _suffix(index + len(panels))
        layout[f"xaxis{number}"], layout[f"yaxis{number}"] = _picture_axes(index, domain, (bottom, top), window)
        layout[f"xaxis{under}"], layout[f"yaxis{under}"] = _histogram_axes(under, domain, bottom, tallest)
        layout["images"].append(_image(panel, number))
        layout["annotations"].append(_title(panel, domain, top))
        traces.append(_corners(window, number))
        traces += _curves(panel.counts, under)
    return {"data": traces, "layout": layout}


def strip_html(cells: Sequence[tuple[str, str]]) -> str:
    """Return small pictures in a row.

    Parameters
    ----------
    cells : sequence of (str, str)
        What stands under each picture, and the picture as a data address.
    """
    parts = [
        f'<figure style="margin:0;text-align:center;font-size:0.8rem"><img src="{uri}" alt="LoGMH of {escape(name)}" '
        f'style="width:100%;aspect-ratio:1;border-radius:4px;display:block"><figcaption>{escape(name)}</figcaption>'
        "</figure>"
        for name, uri in cells
    ]
    return (
        '<div data-testid="leuk-strip" style="display:grid;gap:0.5rem;'
        f'grid-template-columns:repeat(auto-fill,minmax(84px,{STRIP_SIDE}px))">{"".join(parts)}</div>'
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


def _suffix(index: int) -> str:
    return "" if index == 0 else str(index + 1)


def _picture_axes(
    index: int, domain: list[float], heights: tuple[float, float], window: Box
) -> tuple[dict[str, Any], dict[str, Any]]:
    left, top, right, bottom = window
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "constrain": "domain"}
    across = {**plain, "domain": domain, "range": [left, right], "anchor": f"y{_suffix(index)}"}
    down = {
        **plain,
        "domain": list(heights),
        "range": [bottom, top],
        "anchor": f"x{_suffix(index)}",
        "scaleanchor": f"x{_suffix(index)}",
        "constraintoward": "top",
    }
    if index:
        across["matches"], down["matches"] = "x", "y"
    return across, down


def _histogram_axes(
    under: str, domain: list[float], bottom: float, tallest: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    across = {
        "domain": domain,
        "range": [0, 1],
        "anchor": f"y{under}",
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "tickvals": [0.02, 0.5, 0.98],
        "ticktext": ["dark", "", "bright"],
        "tickfont": {"size": 11},
        "showline": True,
        "linecolor": "#8888",
    }
    down = {
        "domain": [0.0, max(0.05, bottom - 0.05)],
        "range": [0, 1.05 * tallest],
        "anchor": f"x{under}",
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
    }
    return across, down


def _image(panel: Panel, number: str) -> dict[str, Any]:
    left, top, right, bottom = panel.box
    return {
        "source": panel.uri,
        "xref": f"x{number}",
        "yref": f"y{number}",
        "x": left,
        "y": top,
        "sizex": right - left,
        "sizey": bottom - top,
        "xanchor": "left",
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
    }


def _title(panel: Panel, domain: list[float], top: float) -> dict[str, Any]:
    return {
        "text": TITLES.get(panel.name, panel.name),
        "xref": "paper",
        "yref": "paper",
        "x": sum(domain) / 2,
        "y": top,
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13},
    }


def _corners(window: Box, number: str) -> dict[str, Any]:
    """Two invisible points: Plotly draws no axes, and so no picture, where there is no trace."""
    left, top, right, bottom = window
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [left, right],
        "y": [top, bottom],
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "marker": {"opacity": 0},
        "hoverinfo": "skip",
    }


def _curves(counts: np.ndarray, under: str) -> list[dict[str, Any]]:
    """Histogram curves; the root of the share, so that rare bright and dark pixels are seen too."""
    places = ((np.arange(_BINS) + 0.5) / _BINS).round(4).tolist()
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": places,
            "y": np.sqrt(counts[channel]).round(4).tolist(),
            "xaxis": f"x{under}",
            "yaxis": f"y{under}",
            "line": {"color": colour, "width": 1.2},
            "hoverinfo": "skip",
        }
        for channel, (name, colour) in enumerate(_CHANNELS)
    ]
