"""Small pictures of cells and large ones of fields as data addresses; bounded caches of this process."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import cv2
import numpy as np
import streamlit as st

from leuk_core.cases import CaseCell, CaseField
from leuk_core.cases.labelled import crop_cell, field_picture

SIDE, LONGEST = 112, 2400
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]

Boxes = tuple[tuple[int, tuple[float, float, float, float]], ...]


def thumbnails(cells: Iterable[CaseCell], all_cells: Iterable[CaseCell], fields: Iterable[CaseField]) -> dict[int, str]:
    """Return small pictures by cell number; a field is read once for all of its cells."""
    wanted = {cell.field for cell in cells}
    boxes: dict[int, list[tuple[int, tuple[float, float, float, float]]]] = {number: [] for number in wanted}
    for cell in all_cells:
        if cell.field in wanted:
            boxes[cell.field].append((cell.number, cell.box))
    found: dict[int, str] = {}
    for field in fields:
        if field.number in wanted:
            found |= _cut(field.pixels_sha256, field.microns_per_pixel, tuple(boxes[field.number]))
    return found


@st.cache_data(max_entries=400, show_spinner=False)
def _cut(pixels_sha256: str, microns_per_pixel: float | None, boxes: Boxes) -> dict[int, str]:
    pixels = field_picture(pixels_sha256).pixels
    return {number: _uri(_sized(crop_cell(pixels, box, microns_per_pixel), SIDE)) for number, box in boxes}


@st.cache_data(max_entries=12, show_spinner=False)
def field_uri(pixels_sha256: str, longest: int = LONGEST) -> str:
    """Return a field's picture, at most `longest` pixels wide or tall."""
    return _uri(_sized(field_picture(pixels_sha256).pixels, longest))


@st.cache_data(max_entries=400, show_spinner=False)
def film_uri(pixels_sha256: str) -> str:
    """Return a field's picture for the strip."""
    return _uri(_sized(field_picture(pixels_sha256).pixels, 144))


def _sized(pixels: np.ndarray, longest: int) -> np.ndarray:
    factor = longest / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _uri(pixels: np.ndarray) -> str:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _JPEG)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}"
