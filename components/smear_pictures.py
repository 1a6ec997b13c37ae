"""Small pictures of cells and large ones of fields as data addresses; bounded caches of this process.

They are emptied by `cell_uri.cache_clear()`, `field_uri.cache_clear()` and `film_uri.cache_clear()`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np

from leuk_core.cases import CaseCell, CaseField
from leuk_core.cases.labelled import crop_cell, field_picture
from leuk_core.cases.records import Box

SIDE, LONGEST, FILM_SIDE = 192, 2400, 144
KEPT = 4000
"""Small pictures that stay in memory, about 10 kB each."""

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]


def thumbnails(cells: Iterable[CaseCell], fields: Iterable[CaseField]) -> dict[int, str]:
    """Return small pictures by cell number; a field is read once for all of its cells."""
    by_number = {field.number: field for field in fields}
    found: dict[int, str] = {}
    for cell in sorted(cells, key=lambda cell: cell.field):
        field = by_number[cell.field]
        found[cell.number] = cell_uri(field.pixels_sha256, cell.box, field.microns_per_pixel)
    return found


@lru_cache(maxsize=KEPT)
def cell_uri(pixels_sha256: str, box: Box, microns_per_pixel: float | None) -> str:
    """Return a cell's picture for the gallery."""
    return _uri(_sized(crop_cell(field_picture(pixels_sha256).pixels, box, microns_per_pixel), SIDE))


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
