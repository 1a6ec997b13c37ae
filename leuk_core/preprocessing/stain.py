"""Stain normalisation: bring the colours of a cell to one reference (Reinhard et al. 2001, in CIE L*a*b*)."""

import cv2
import numpy as np

REFERENCE_MEAN = (35.0, 30.0, -28.0)
REFERENCE_SPREAD = (8.0, 6.0, 6.0)
"""Mean and standard deviation of L*, a*, b* inside a cell that every cell is brought to.

They lie between the cells of C-NMC (dark, low contrast) and those of CellaVision's DM96, so that neither is stretched
or squeezed by more than two.
"""


def reinhard(pixels: np.ndarray, mask: np.ndarray, margin: int = 0) -> np.ndarray:
    """Match mean and spread of the colours inside `mask` to the reference; outside becomes black.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.
    mask : ndarray of shape (height, width), bool
        Inside the cell.
    margin : int
        Width in pixels of a seam around the mask that is brought along, by the same change of colours, instead of
        made black. Resampling needs it; statistics never see it.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        RGB; all black where the mask is empty.

    Notes
    -----
    The method removes the mean colour and the overall contrast of a cell on purpose: both follow the stain, the lamp
    and the camera more than the cell. What it can't keep is true hyperchromasia.
    """
    out = np.zeros_like(pixels)
    if not mask.any():
        return out
    inside = _lab(pixels[mask])
    mean, spread = inside.mean(axis=0), np.maximum(inside.std(axis=0), 0.5)
    where = mask
    if margin:
        kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
        where = cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
        inside = _lab(pixels[where])
    matched = (inside - mean) / spread * np.array(REFERENCE_SPREAD, np.float32) + np.array(REFERENCE_MEAN, np.float32)
    rgb = cv2.cvtColor(matched[:, None, :].astype(np.float32), cv2.COLOR_LAB2RGB)[:, 0]
    # 1, not 0, is the darkest a pixel of a cell can be: black is the ground
    out[where] = np.clip(np.rint(rgb * 255.0), 1, 255).astype(np.uint8)
    return out


def _lab(colours: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of uint8 RGB colours (n, 3), float32."""
    return cv2.cvtColor((colours.astype(np.float32) / 255.0)[:, None, :], cv2.COLOR_RGB2LAB)[:, 0]
