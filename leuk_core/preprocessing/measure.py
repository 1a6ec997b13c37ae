"""What a step of preprocessing did to a cell, in numbers: edge contrast and histograms, taken inside the cell."""

from __future__ import annotations

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter

EDGE = 3
"""Width of the cell's edge that edge contrast leaves out, in pixels: it shows the cut-out, not the cell."""


def edge_contrast(picture: np.ndarray, mask: np.ndarray) -> float:
    """Return how steep the structure inside a cell is: the mean gradient of its luminance.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3), uint8 or float32 in [0, 1]
        RGB.
    mask : ndarray of shape (height, width), bool
        The cell. Its outermost three pixels are left out.

    Returns
    -------
    float
        Luminance (0 to 1) a pixel; 0 where no pixel of the cell is left.

    Examples
    --------
    >>> ramp = np.repeat(np.linspace(0, 1, 11, dtype=np.float32)[None, :, None], 11, axis=0).repeat(3, axis=2)
    >>> round(edge_contrast(ramp, np.pad(np.ones((9, 9), bool), 1)), 3)
    0.1
    """
    _check(picture, mask)
    square = np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8)
    core = cv2.erode(mask.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(bool)
    if not core.any():
        return 0.0
    luminance = cv2.cvtColor(_unit(picture), cv2.COLOR_RGB2GRAY)
    across = cv2.Scharr(luminance, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(luminance, cv2.CV_32F, 0, 1, scale=1 / 32)
    return float(cv2.magnitude(across, down)[core].mean())


def histogram(picture: np.ndarray, mask: np.ndarray, bins: int = 64) -> np.ndarray:
    """Return the share of a cell's pixels in each step of brightness, by channel.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3), uint8 or float32 in [0, 1]
        RGB.
    mask : ndarray of shape (height, width), bool
        The cell.
    bins : int
        Number of equal steps from 0 to 1.

    Returns
    -------
    ndarray of shape (3, bins), float64
        Each row adds to 1; all zeros for an empty mask.
    """
    _check(picture, mask)
    steps = np.minimum((_unit(picture)[mask] * bins).astype(np.intp), bins - 1)
    counts = [np.bincount(steps[:, channel], minlength=bins) for channel in range(3)]
    return np.array(counts, np.float64) / max(1, len(steps))


def _unit(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint8:
        return np.multiply(picture, np.float32(1 / 255), dtype=np.float32)
    return np.ascontiguousarray(picture, np.float32)


def _check(picture: np.ndarray, mask: np.ndarray) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise InvalidParameter(f"`picture` must have the shape (height, width, 3). Received: {picture.shape}")
    if mask.dtype != np.bool_ or mask.shape != picture.shape[:2]:
        raise InvalidParameter(
            f"`mask` must be bool of shape {picture.shape[:2]}. Received: {mask.shape}, {mask.dtype}"
        )


def size_and_colour(pixels: np.ndarray, mask: np.ndarray, microns_per_pixel: float | None) -> tuple[float, np.ndarray]:
    """Return a cell's area and its mean colour on the original picture: all that the trivial baseline knows of it.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB, before any normalisation.
    mask : ndarray of shape (height, width), bool
        The cell.
    microns_per_pixel : float or None
        Scale of the picture.

    Returns
    -------
    (float, ndarray of shape (3,))
        Square micrometres (NaN where the scale is unknown) and red, green, blue from 0 to 255 (NaN without a cell).

    Examples
    --------
    >>> size_and_colour(np.full((4, 4, 3), 9, np.uint8), np.ones((4, 4), bool), 0.5)
    (4.0, array([9., 9., 9.]))
    """
    scale = np.nan if microns_per_pixel is None else microns_per_pixel
    colour = pixels[mask].mean(axis=0) if mask.any() else np.full(3, np.nan)
    return float(mask.sum()) * scale**2, colour
