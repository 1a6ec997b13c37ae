"""Small pictures of cells and large ones of fields as data addresses; bounded caches of this process.

They are emptied by `cell_uri.cache_clear()`, `field_uri.cache_clear()` and `film_uri.cache_clear()`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial

import cv2
import numpy as np
import streamlit as st

from leuk_core.cases import CaseCell, CaseField
from leuk_core.cases.labelled import CROP_MICRONS, crop_cell, field_picture
from leuk_core.cases.records import Box

SENT = "leuk.smear.sent"
SIDE, LONGEST, FILM_SIDE = 192, 2400, 144
KEPT = 4000
"""Small pictures that stay in memory, about 10 kB each."""

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]


def thumbnails(cells: Iterable[CaseCell], fields: Iterable[CaseField]) -> dict[str, str]:
    """Return small pictures of cells that this session's browser has not got yet, by case and number."""
    by_number = {field.number: field for field in fields}
    wanted = {}
    for cell in sorted(cells, key=lambda cell: cell.field):  # a field is read once for all of its cells
        wanted[f"{cell.case_id}/{cell.number}"] = partial(cut, cell, by_number[cell.field])
    return not_sent(wanted)


def cut(cell: CaseCell, field: CaseField) -> str:
    """Return a cell's picture for the gallery."""
    return cell_uri(field.pixels_sha256, cell.box, field.microns_per_pixel)


def film(fields: Iterable[CaseField]) -> dict[str, str]:
    """Return small pictures of fields that this session's browser has not got yet, by their identity."""
    return not_sent({field.pixels_sha256: partial(film_uri, field.pixels_sha256) for field in fields})


def not_sent(wanted: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Return those that were not sent to this session's browser, which keeps them and asks for those that it misses."""
    has: set[str] = st.session_state.setdefault(SENT, set())
    new = {key: make() for key, make in wanted.items() if key not in has}
    has.update(new)
    return new


def send_again() -> None:
    """Send everything that is shown anew."""
    st.session_state.pop(SENT, None)


@lru_cache(maxsize=KEPT)
def cell_uri(pixels_sha256: str, box: Box, microns_per_pixel: float | None) -> str:
    """Return a cell's picture for the gallery."""
    pixels = field_picture(pixels_sha256).pixels
    if microns_per_pixel is not None:  # no wider than the field: there is nothing around it to be seen
        microns_per_pixel = max(microns_per_pixel, CROP_MICRONS / min(pixels.shape[:2]))
    return _uri(_sized(crop_cell(pixels, box, microns_per_pixel), SIDE))


@lru_cache(maxsize=12)
def field_uri(pixels_sha256: str) -> str:
    """Return a field's picture, large enough to look at each cell."""
    return _uri(_sized(field_picture(pixels_sha256).pixels, LONGEST))


@lru_cache(maxsize=400)
def film_uri(pixels_sha256: str) -> str:
    """Return a field's picture for the strip."""
    return _uri(_sized(field_picture(pixels_sha256).pixels, FILM_SIDE))


def _sized(pixels: np.ndarray, longest: int) -> np.ndarray:
    factor = longest / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _uri(pixels: np.ndarray) -> str:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _JPEG)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"
