"""Heat maps as pictures: laid over the cell, and as PNG with their caption inside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leuk_core.errors import InvalidParameter

COLOURS: Mapping[str, int] = MappingProxyType(
    {"viridis": cv2.COLORMAP_VIRIDIS, "cividis": cv2.COLORMAP_CIVIDIS, "inferno": cv2.COLORMAP_INFERNO}
)
"""Scales whose lightness rises evenly, so that persons who don't tell red from green read them too."""


def overlay(picture: np.ndarray, heat: np.ndarray, opacity: float = 0.5, colours: str = "viridis") -> np.ndarray:
    """Lay a heat map over a picture.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3), uint8
        RGB.
    heat : ndarray of shape (height, width)
        In [0, 1].
    opacity : float
        Of the hottest places, in [0, 1]; cooler ones are more transparent, and where the map is 0 the picture stays.
    colours : str
        One of `COLOURS`.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8

    Raises
    ------
    InvalidParameter
        If the shapes differ or a parameter is out of its range.
    """
    if not 0 <= opacity <= 1:
        raise InvalidParameter(f"`opacity` must be from 0 to 1. Received: opacity={opacity}")
    if colours not in COLOURS:
        raise InvalidParameter(f"`colours` must be one of {', '.join(COLOURS)}. Received: colours={colours!r}")
    if picture.shape[:2] != heat.shape:
        raise InvalidParameter(f"`heat` must have the picture's shape {picture.shape[:2]}. Received: {heat.shape}")
    level = np.clip(heat, 0.0, 1.0).astype(np.float32)
    colour = cv2.applyColorMap(np.round(level * 255).astype(np.uint8), COLOURS[colours])[..., ::-1]
    share = (opacity * np.sqrt(level))[..., None]
    return np.round(picture * (1 - share) + colour * share).astype(np.uint8)


def to_png(pixels: np.ndarray, caption: str = "") -> bytes:
    """Return a uint8 RGB picture as PNG, with its caption as the text "Description"."""
    info = PngInfo()
    if caption:
        info.add_itxt("Description", caption)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
