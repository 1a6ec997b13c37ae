"""The scale of a whole field, from its red cells where nobody gave it.

`leuk_core.preprocessing.cutout.red_cell_scale` needs red cells that stand alone on a crop. In a field most touch each
other, have a pale middle or lie over one another, but there are many: the largest circles that fit into them tell.
"""

from __future__ import annotations

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage
from leuk_core.preprocessing.cutout import RED_CELL_MICRONS, is_on_black, optical_density

WORKING_SIDE = 640
"""Longest side, in pixels, at which red cells are measured."""

FEWEST = 5
"""Red cells without which nothing is said."""

NUCLEI = np.array([0.3, 1.0, -0.4], np.float32)
"""Weights of red, green and blue density that tell nuclei from red cells; chosen on training fields of BCCD and TXL."""

ROUNDED = 1.10
"""Diameter of a red cell over that of the largest circle inside; so that a usual field has the scale at which the
detector and the models learnt, by `leuk_core.preprocessing.cutout.red_cell_scale`."""

DARKER = 1.7
"""Times as dark as the middle one of all circles: no red cell but a nucleus, with what lies around it."""

FEW_STAINED, PARTED = 0.4, 0.75
"""Where less than this share of a field is stained, Otsu's threshold may have parted nuclei from all else; what it left
is parted once more where two kinds explain so much of its variance: of evenly spread values it is 0.75."""

WIDEST = 3.0
"""Times the middle red cell that a white cell's circle can be; where it is more, specks were measured and not cells."""

PLAUSIBLE = (0.02, 1.0)
"""Micrometres a pixel between which cells can be recognised at all."""


def field_scale(image: SmearImage, given: float | None = None) -> tuple[float | None, str]:
    """Return micrometres a pixel of a field, and where they come from.

    Parameters
    ----------
    image : SmearImage
        The field.
    given : float or None
        Scale given by a person; wins over the file's own and that of the red cells.

    Returns
    -------
    scale : float or None
        None where it is unknown.
    source : str
        "person", "file", "red cells" or "unknown".

    Raises
    ------
    InvalidParameter
        If the given scale is not one at which cells can be recognised.
    """
    if given is not None:
        if not PLAUSIBLE[0] <= given <= PLAUSIBLE[1]:
            raise InvalidParameter(
                f"`microns_per_pixel` must be from {PLAUSIBLE[0]} to {PLAUSIBLE[1]}. Received: {given}"
            )
        return given, "person"
    if image.microns_per_pixel is not None and PLAUSIBLE[0] <= image.microns_per_pixel <= PLAUSIBLE[1]:
        return image.microns_per_pixel, "file"
    measured = red_cells_scale(image.pixels)
    return (measured, "red cells") if measured is not None else (None, "unknown")


def red_cells_scale(pixels: np.ndarray) -> float | None:
    """Estimate micrometres a pixel from the circles that fit into the red cells of a field.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.

    Returns
    -------
    float or None
        None on black ground, with fewer than `FEWEST` red cells, or where the result can't be that of red cells.

    Notes
    -----
    Half of the red area lies in cells smaller than the one that counts: specks weigh little, a few large cells don't
    decide. White cells are left out by their colour: one large one would else outweigh the few red cells of a narrow
    field. Micro- and macrocytes move the result with them.
    """
    if is_on_black(pixels):
        return None
    factor = min(1.0, WORKING_SIDE / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    density = optical_density(small)
    inside = cv2.distanceTransform(_pale_too(density), cv2.DIST_L2, 5)
    inside = cv2.GaussianBlur(inside, (0, 0), 1)
    rows, columns = np.nonzero((inside == cv2.dilate(inside, disc(9))) & (inside > 3))
    radii = inside[rows, columns]
    height, width = inside.shape
    whole = (columns > radii) & (rows > radii) & (columns < width - radii) & (rows < height - radii)
    rows, columns, radii = rows[whole], columns[whole], radii[whole]
    red = _is_red(density, rows, columns, radii)
    white, radii = radii[~red], np.sort(radii[red])
    if len(radii) < FEWEST:
        return None
    areas = np.cumsum(radii**2)
    middle = radii[np.searchsorted(areas, areas[-1] / 2)]
    if len(white) and white.max() > WIDEST * middle:
        return None
    scale = RED_CELL_MICRONS * factor / (2 * ROUNDED * float(middle))
    return scale if PLAUSIBLE[0] <= scale <= PLAUSIBLE[1] else None


def _is_red(density: np.ndarray, rows: np.ndarray, columns: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return which circles are no darker than most: nuclei absorb more green than red cells do, in every stain."""
    if not len(radii):
        return np.zeros(0, bool)
    sums = cv2.integral(density @ NUCLEI)
    half = np.maximum(1, np.rint(0.7 * radii)).astype(int)  # the square inside the circle
    high, wide = density.shape[:2]
    y0, y1 = (rows - half).clip(0, high), (rows + half + 1).clip(0, high)
    x0, x1 = (columns - half).clip(0, wide), (columns + half + 1).clip(0, wide)
    dark = (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]) / ((y1 - y0) * (x1 - x0))
    return np.asarray(dark <= DARKER * np.median(dark))


def _pale_too(density: np.ndarray) -> np.ndarray:
    """Return what is stained, with red cells that are so pale beside a nucleus that `stained` takes them for ground."""
    found = stained(density)
    green = np.clip(cv2.GaussianBlur(density[..., 1], (0, 0), 1.5), 0, 0.4)  # what is noise has no two kinds then
    level = otsu(green, 0.4)
    left = green[green <= level]
    if found.mean() >= FEW_STAINED or left.size < 100:
        return found
    lower = otsu(left, level)
    pale = left > lower
    between = pale.mean() * (1 - pale.mean()) * (left[pale].mean() - left[~pale].mean()) ** 2 if pale.any() else 0.0
    return stained(density, level=lower) if between > PARTED * left.var() else found


def stained(density: np.ndarray, share: float = 0.75, level: float | None = None) -> np.ndarray:
    """Return what is not ground, as uint8 0 or 1; pale middles of cells are filled, ground between cells is not.

    Parameters
    ----------
    density : ndarray of shape (height, width, 3), float32
        See `leuk_core.preprocessing.cutout.optical_density`.
    share : float
        Of Otsu's threshold from which on a place counts; less lets paler cytoplasm in.
    level : float or None
        Another threshold than Otsu's.
    """
    green = np.minimum(density[..., 1], 0.4)
    level = max(share * (otsu(green, 0.4) if level is None else level), 0.025)
    mask = cv2.morphologyEx((green > level).astype(np.uint8), cv2.MORPH_OPEN, disc(3))
    outlines, levels = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for index, outline in enumerate(outlines):
        if levels[0][index][3] < 0:
            continue
        around = cv2.arcLength(outline, closed=True)
        if around == 0 or 4 * np.pi * cv2.contourArea(outline) / around**2 > 0.6:
            cv2.drawContours(mask, outlines, index, 1, cv2.FILLED)
    return mask


def otsu(values: np.ndarray, highest: float) -> float:
    """Return Otsu's threshold of values from 0 to `highest`, in 256 steps."""
    steps = np.clip(values / highest * 255, 0, 255).astype(np.uint8).reshape(-1, 1)
    level, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level) / 255 * highest


def disc(diameter: int) -> np.ndarray:
    """Return a round structuring element."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
