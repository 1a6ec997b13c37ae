"""White cells of a field by classical segmentation: nuclei by colour, cells by watershed, sizes by scale.

The baseline that a detector must beat. Nuclei absorb green light more than red cells do, in every stain; lobes of one
nucleus lie close together; what is too small is a platelet.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from leuk_core.cells.scale import NUCLEI, disc, stained
from leuk_core.preprocessing.cutout import optical_density

WORKING_SCALE = 0.2
"""Micrometres a pixel at which fields are segmented; coarser pictures stay as they are."""

ASSUMED_SCALE = 0.1
"""Taken where the scale is unknown: a usual camera on an oil objective of 100 times."""

SMALLEST_NUCLEUS = 14.0
"""Square micrometres, all lobes together; platelets have less."""

LARGEST_LOBE = 50.0
"""Square micrometres; of two larger pieces each is a nucleus of its own."""

WIDEST_NUCLEUS = 17.0
"""Micrometres across all lobes of one nucleus."""

DARKER = 0.45
"""Where, between red cells (0) and the darkest nuclei (1), nuclei begin."""

FARTHEST, RIM = 4.5, 2.2
"""Micrometres from the nucleus to the edge of its cell: at most, and at least."""


@dataclass(frozen=True, slots=True)
class Part:
    """One white cell as segmented.

    Parameters
    ----------
    box : tuple of float
        x0, y0, x1, y1 in pixels of the field.
    score : float
        From 0 to 1: how large and dark its nucleus is beside what is around. Not a probability.
    mask : ndarray of bool
        The cell inside its box, at the working scale.
    """

    box: tuple[float, float, float, float]
    score: float
    mask: np.ndarray


def segment(pixels: np.ndarray, microns_per_pixel: float | None) -> list[Part]:
    """Return the white cells of a field, best first.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.
    microns_per_pixel : float or None
        Scale of the field; None takes `ASSUMED_SCALE`.
    """
    scale = microns_per_pixel or ASSUMED_SCALE
    factor = min(1.0, scale / WORKING_SCALE)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    micron = factor / scale  # pixels a micrometre
    density = optical_density(small)
    dark = _darkness(density, micron)
    nuclei, usual, level = _nuclei(density, micron)
    groups = _merged(_lobes(nuclei, micron), micron)
    labels = _watershed(small, density, nuclei, groups, usual, micron)
    size = np.array([small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0]] * 2)
    found = []
    for index in np.unique(groups[groups > 0]):
        core = (groups == index) & (nuclei > 0)
        area = core.sum() / micron**2
        if area < SMALLEST_NUCLEUS:
            continue
        mask, (x0, y0, x1, y1) = _extent(labels == index, core, micron)
        share = (float(np.median(dark[core])) - usual) / max(level - usual, 1e-6)
        score = float(np.clip(area / 40.0, 0, 1) * np.clip(share / 2.0, 0, 1))
        box = np.array([x0, y0, x1, y1]) / size
        found.append(Part((float(box[0]), float(box[1]), float(box[2]), float(box[3])), score, mask[y0:y1, x0:x1]))
    return sorted(found, key=lambda part: -part.score)


def nuclei_in(boxes: np.ndarray, pixels: np.ndarray, microns_per_pixel: float | None) -> np.ndarray:
    """Return how much nucleus lies in boxes, in square micrometres.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4 or more)
        x0, y0, x1, y1 in pixels of the field.
    pixels : ndarray of shape (height, width, 3), uint8
        RGB.
    microns_per_pixel : float or None
        Scale of the field; None takes `ASSUMED_SCALE`.
    """
    scale = microns_per_pixel or ASSUMED_SCALE
    factor = min(1.0, scale / WORKING_SCALE)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    micron = factor / scale
    mask, _, _ = _nuclei(optical_density(small), micron)
    sums = cv2.integral(mask)
    high, wide = mask.shape
    corners = np.rint(boxes[:, :4] * factor).astype(int).clip(0, [wide, high, wide, high])
    x0, y0, x1, y1 = corners.T
    areas: np.ndarray = (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]) / micron**2
    return areas


def _nuclei(density: np.ndarray, micron: float) -> tuple[np.ndarray, float, float]:
    """Return the nuclei (uint8, 0 or 1), the usual darkness of red cells, and from which darkness on it is a nucleus.

    The darkest fifteen square micrometres say how dark nuclei are here; where they are hardly darker than red cells,
    there is none.
    """
    red = _darkness(density, micron)
    purple = density[..., 1] > 0.85 * density[..., 0]  # not grey dirt
    inside = red[stained(density) > 0]
    nothing = np.zeros(red.shape, np.uint8)
    if inside.size < 100:
        return nothing, 0.0, 1.0
    counts, edges = np.histogram(inside, bins=60, range=(0.0, 1.8))
    mode = int(cv2.GaussianBlur(counts.astype(np.float32).reshape(1, -1), (0, 0), 1.0).argmax())
    usual = float(edges[mode] + edges[mode + 1]) / 2
    below = inside[inside <= usual]
    spread = float(np.sqrt(np.mean((below - usual) ** 2))) if below.size else 0.0
    few = min(max(1, round(SMALLEST_NUCLEUS * micron**2)), red.size - 1)
    darkest = float(np.partition((red * purple).ravel(), -few)[-few])
    level = max(usual + DARKER * (darkest - usual), usual + 2.0 * spread, 0.12)
    if darkest < level:
        return nothing, usual, level
    mask = ((red > level) & purple).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(_odd(0.8 * micron))), usual, level


def _darkness(density: np.ndarray, micron: float) -> np.ndarray:
    """Return what tells nuclei in every stain, smoothed: they absorb green most, and blue less than eosin does."""
    return cv2.GaussianBlur(density @ NUCLEI, (0, 0), max(0.5, 0.3 * micron))


def _lobes(nuclei: np.ndarray, micron: float) -> np.ndarray:
    """Number the nuclei and lobes; large ones that touch with a waist between them are parted."""
    depth = cv2.GaussianBlur(cv2.distanceTransform(nuclei, cv2.DIST_L2, 5), (0, 0), max(0.5, 0.5 * micron))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(nuclei)
    markers = np.zeros(nuclei.shape, np.int32)
    number = 0
    for index in range(1, count):
        left, top, width, height, area = stats[index]
        if area < micron**2:
            continue
        window = np.s_[top : top + height, left : left + width]
        here = labels[window] == index
        cores = here & (depth[window] > max(0.7 * depth[window][here].max(), 2.4 * micron))
        many, core = cv2.connectedComponents(cores.astype(np.uint8))
        for one in range(1, max(many, 2)):
            number += 1
            markers[window][(core == one) if many > 1 else here] = number
    return _nearest(markers, nuclei)


def _merged(lobes: np.ndarray, micron: float) -> np.ndarray:
    """Give the lobes of one cell one number: near each other, one of them small, and together no larger than a cell."""
    groups = lobes.copy()
    while True:
        pairs = sorted(_neighbours(groups, micron))
        if not pairs:
            return groups
        _, first, second = pairs[0]
        groups[groups == second] = first


def _neighbours(groups: np.ndarray, micron: float) -> list[tuple[float, int, int]]:
    """Return pairs of numbers that belong to one cell, with the gap between them in pixels."""
    points = {
        int(index): np.argwhere(groups == index)[:, ::-1].astype(np.float32) for index in np.unique(groups[groups > 0])
    }
    names = list(points)
    centres = {index: points[index].mean(axis=0) for index in names}
    found = []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            if np.linalg.norm(centres[first] - centres[second]) > 11 * micron:
                continue
            if min(len(points[first]), len(points[second])) > LARGEST_LOBE * micron**2:
                continue
            _, radius = cv2.minEnclosingCircle(np.concatenate([points[first], points[second]]))
            if 2 * radius > WIDEST_NUCLEUS * micron:
                continue
            outside = cv2.distanceTransform((groups != first).astype(np.uint8), cv2.DIST_L2, 5)
            gap = float(outside[groups == second].min())
            if gap < 3.0 * micron:
                found.append((gap, first, second))
    return found


def _nearest(markers: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Give every pixel of `where` the number of the nearest marker."""
    if not markers.any():
        return markers
    _, index = cv2.distanceTransformWithLabels(
        (markers == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_pixel = np.zeros(int(index.max()) + 1, np.int32)
    of_pixel[index[markers > 0]] = markers[markers > 0]
    return np.where(where > 0, of_pixel[index], 0)


def _watershed(
    pixels: np.ndarray, density: np.ndarray, nuclei: np.ndarray, groups: np.ndarray, usual: float, micron: float
) -> np.ndarray:
    """Part white cells, red cells and ground; return the number of the white cell at each pixel, 0 elsewhere."""
    cells = stained(density, 0.45) | nuclei
    away = cv2.distanceTransform((groups == 0).astype(np.uint8), cv2.DIST_L2, 5)
    depth = cv2.distanceTransform(cells, cv2.DIST_L2, 5)
    like_red = np.abs(_darkness(density, micron) - usual) < 0.35 * max(usual, 0.05)
    last = int(groups.max())
    markers = np.zeros(cells.shape, np.int32)
    markers[cv2.dilate(cells, disc(3)) == 0] = last + 1
    markers[
        (cells > 0) & ((away > FARTHEST * micron) | (like_red & (depth > 1.5 * micron) & (away > 2.5 * micron)))
    ] = last + 2
    markers[groups > 0] = groups[groups > 0]
    smooth = cv2.cvtColor(cv2.medianBlur(pixels, 5), cv2.COLOR_RGB2BGR)
    found = np.asarray(cv2.watershed(smooth, markers))
    found = np.where((found < 1) | (found > last), 0, found)
    return np.where(groups > 0, groups, found)


def _extent(part: np.ndarray, core: np.ndarray, micron: float) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return a cell's outline without spurs, and its box: at least a rim around the nucleus, at most `FARTHEST`."""
    rough = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_OPEN, disc(_odd(2.5 * micron)))
    rim = cv2.dilate(core.astype(np.uint8), disc(_odd(2 * RIM * micron))) > 0
    whole = (rough > 0) | rim
    _, numbers = cv2.connectedComponents(whole.astype(np.uint8))
    whole = numbers == np.bincount(numbers[core]).argmax()
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    return whole, (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _odd(pixels: float) -> int:
    """Return the nearest odd number of pixels, 3 at least."""
    return max(3, 2 * round((pixels - 1) / 2) + 1)
