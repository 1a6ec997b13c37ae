"""Cut-out: find the white cell nearest the middle of a picture and its outline; measure the scale by its red cells.

Works in optical density against the bright ground of the smear (Beer-Lambert). Azure-eosin stains let nuclei absorb red
light, which red cells let through: so red density finds nuclei, and density in any colour finds whatever is a cell.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

RED_CELL_MICRONS = 7.5
"""Diameter of a normal red cell on a smear, in micrometres (usual range 6.2 to 8.2)."""

BLACK_LEVEL = 14
"""Brightest channel value, of 255, that still counts as black ground (JPEG leaves a few units of noise)."""

_WORKING_SIDE = 512  # pixels; segmentation needs no more


@dataclass(frozen=True)
class Cutout:
    """Where the cell is.

    Parameters
    ----------
    mask : ndarray of shape (height, width), bool
        True inside the white cell; all False where none was found.
    on_black : bool
        The picture came cut out on black; nothing was segmented.
    problem : str or None
        A sentence where no single cell was found.
    """

    mask: Mask
    on_black: bool
    problem: str | None = None

    @property
    def found(self) -> bool:
        """Whether there is a cell at all."""
        return bool(self.mask.any())


def is_on_black(pixels: np.ndarray) -> bool:
    """Tell whether a picture (height, width, 3; uint8) shows something cut out on black ground.

    The outermost ring must be black in at least nine of ten places, and a quarter of the picture must be.
    """
    bright = pixels.max(axis=2)
    ring = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    return bool((ring <= BLACK_LEVEL).mean() >= 0.9 and (bright <= BLACK_LEVEL).mean() >= 0.25)


def find_cell(pixels: np.ndarray) -> Cutout:
    """Find the white cell nearest the middle.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB, a raw crop of a smear or a cell on black.

    Returns
    -------
    Cutout
        With an empty mask and a sentence where there is no white cell.
    """
    if is_on_black(pixels):
        return _cell_on_black(pixels)
    scale = min(1.0, _WORKING_SIDE / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    mask, problem = _segment(small)
    if scale < 1:
        size = (pixels.shape[1], pixels.shape[0])
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    return Cutout(mask, on_black=False, problem=problem)


def red_cell_scale(pixels: np.ndarray) -> float | None:
    """Estimate micrometres a pixel from the median whole red cell of a raw crop.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.

    Returns
    -------
    float or None
        None for a picture on black or with fewer than two whole, round, single red cells.

    Notes
    -----
    The diameter is that of the circle of the same area; anisocytosis (micro- or macrocytes) moves the result with it.
    """
    if is_on_black(pixels):
        return None
    factor = min(1.0, _WORKING_SIDE / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    density = optical_density(small)
    cells = _cells(density)
    nuclei = cv2.dilate(_nuclei(density).astype(np.uint8), _disc(3)).astype(bool)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=4)
    height, width = cells.shape
    diameters = []
    for index in range(1, count):
        left, top, w, h, area = stats[index]
        touches = left <= 1 or top <= 1 or left + w >= width - 1 or top + h >= height - 1
        if touches or area < 80 or max(w, h) > 1.35 * min(w, h):
            continue
        part = labels[top : top + h, left : left + w] == index
        if nuclei[top : top + h, left : left + w][part].any():
            continue
        outline = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0]
        hull = cv2.contourArea(cv2.convexHull(outline))
        perimeter = cv2.arcLength(outline, closed=True)
        filled = cv2.contourArea(outline)
        if hull > 0 and filled / hull > 0.93 and 4 * np.pi * filled / perimeter**2 > 0.78:
            diameters.append(2 * np.sqrt(area / np.pi))
    if not diameters:
        return None
    sizes = np.array(diameters)
    sizes = sizes[sizes > 0.6 * sizes.max()]  # platelets and debris are round too, but smaller
    if len(sizes) < 2 or sizes.max() < 0.04 * max(small.shape[:2]):
        return None
    return float(RED_CELL_MICRONS / (np.median(sizes) / factor))


def optical_density(pixels: np.ndarray) -> np.ndarray:
    """Return -log10(I / ground) by channel, float32, at least 0, from uint8 RGB; the ground is the bright mode."""
    blurred = cv2.GaussianBlur(pixels, (0, 0), 1.0).astype(np.float32) + 1.0
    ground = np.empty(3, np.float32)
    grey = blurred.sum(axis=2)
    bright = blurred[grey >= np.percentile(grey, 70)]
    for channel in range(3):
        counts, edges = np.histogram(bright[:, channel], bins=64)
        ground[channel] = edges[counts.argmax() + 1]
    return np.maximum(-np.log10(blurred / ground), 0.0)


def _cell_on_black(pixels: np.ndarray) -> Cutout:
    bright = (pixels.max(axis=2) > BLACK_LEVEL).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bright)
    if count == 1 or stats[1:, cv2.CC_STAT_AREA].max() < 0.002 * bright.size:
        return Cutout(np.zeros(bright.shape, bool), on_black=True, problem="No cell was found: the picture is blank.")
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = int(areas.argmax()) + 1
    mask = _filled(labels == largest)
    others = np.delete(areas, largest - 1)
    problem = None
    if others.size and others.max() > 0.3 * areas.max():
        problem = "More than one cell is on this picture; only the largest was looked at."
    return Cutout(mask, on_black=True, problem=problem)


def _segment(pixels: np.ndarray) -> tuple[Mask, str | None]:
    """Outline the white cell nearest the middle by watershed between nucleus, red cells and ground."""
    nothing = np.zeros(pixels.shape[:2], bool)
    density = optical_density(pixels)
    nuclei = _nuclei(density)
    height, width = nuclei.shape
    chosen, rivals = _nearest_nucleus(nuclei)
    if chosen is None:
        return nothing, "No white cell was found: nothing on the picture looks like a nucleus."
    cells = _cells(density) | chosen
    radius = np.sqrt(chosen.sum() / np.pi)
    core = (_hull(chosen) & cells) | chosen  # what lies between the lobes of a nucleus is the same cell
    distance = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 3)

    depth = cv2.distanceTransform(cells.astype(np.uint8), cv2.DIST_L2, 3)
    red = density[..., 0]
    pinkish = cells & (red < 0.45 * np.median(red[chosen]))
    other_seed = (cells & (distance > 1.1 * radius)) | (rivals & ~core)
    red_seed = pinkish & (depth > 0.35 * radius) & (distance > 0.55 * radius)

    markers = np.zeros((height, width), np.int32)
    markers[~cv2.dilate(cells.astype(np.uint8), _disc(3)).astype(bool)] = 1
    markers[other_seed | red_seed] = 2
    markers[core] = 3
    smooth = cv2.medianBlur(pixels, 5)
    parts = np.asarray(cv2.watershed(cv2.cvtColor(smooth, cv2.COLOR_RGB2BGR), markers))
    mask = (parts == 3) & cells
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(max(3, int(radius) | 1))).astype(bool)
    mask = _filled(_component_with_most_of(mask | core, chosen))

    problem = None
    ring = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if ring.mean() > 0.03:
        problem = "The cell is cut by the border of the picture."
    elif mask.mean() > 0.85:
        problem = "The cell fills the picture, so that its outline can't be told."
    return mask, problem


def _nuclei(density: np.ndarray) -> Mask:
    """Pixels that absorb red light as nuclei do."""
    red = cv2.GaussianBlur(density[..., 0], (0, 0), 1.5)
    eight_bit = np.clip(red / 0.9 * 255, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(eight_bit, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    level = max(level / 255 * 0.9, 0.12)
    purple = density[..., 1] > 0.9 * density[..., 0]  # green light is absorbed more than red: not grey dirt
    mask = ((red > level) & purple).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(3)).astype(bool)


def _cells(density: np.ndarray) -> Mask:
    """Pixels that belong to any cell."""
    any_colour = density[..., 1] + 0.5 * density[..., 0]
    eight_bit = np.clip(any_colour / 0.8 * 255, 0, 255).astype(np.uint8)
    inside = eight_bit[eight_bit < 200]
    if inside.size < 100:
        inside = eight_bit.ravel()
    level, _ = cv2.threshold(inside, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = any_colour > max(level / 255 * 0.8 * 0.75, 0.025)
    mask = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(3)).astype(bool)
    return _filled(mask)


def _nearest_nucleus(nuclei: Mask) -> tuple[Mask | None, Mask]:
    """Choose the nucleus nearest the middle; lobes closer than a third of its radius belong to it."""
    height, width = nuclei.shape
    count, labels, stats, centres = cv2.connectedComponentsWithStats(nuclei.astype(np.uint8))
    if count == 1:
        return None, nuclei
    areas = stats[1:, cv2.CC_STAT_AREA].astype(float)
    big = max(areas.max() * 0.15, 0.002 * height * width)
    middle = np.array([width / 2, height / 2])
    offsets = np.linalg.norm(centres[1:] - middle, axis=1)
    candidates = np.flatnonzero(areas >= big)
    if not candidates.size:
        return None, nuclei
    # a large nucleus a little off the middle wins over a speck exactly there
    first = candidates[np.argmin(offsets[candidates] - np.sqrt(areas[candidates]))] + 1
    chosen = labels == first
    reach = 0.45 * np.sqrt(areas[first - 1] / np.pi)
    for _ in range(2):
        near = cv2.distanceTransform((~chosen).astype(np.uint8), cv2.DIST_L2, 3) < reach
        lobes = np.setdiff1d(np.unique(labels[near & nuclei]), [0])
        chosen = np.isin(labels, lobes)
    return chosen, nuclei


def _filled(mask: Mask) -> Mask:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    full = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(full, outlines, -1, 1, thickness=cv2.FILLED)
    return full.astype(bool)


def _hull(mask: Mask) -> Mask:
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    full = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(full, cv2.convexHull(points), 1)
    return full.astype(bool)


def _component_with_most_of(mask: Mask, seed: Mask) -> Mask:
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return labels == np.bincount(labels[seed]).argmax()


def _disc(diameter: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))
