"""One look at a picture: everything that the audit keeps of it, found in a single pass over its pixels.

Kept are a few numbers that have nothing to do with morphology (border colour, sharpness, file size, ...) and small maps
of the cell's texture, placed so that a copy which was turned, mirrored, shifted, zoomed, brightened or re-encoded gives
the same map turned or mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from leuk_core.data.cells import LabelledCell
from leuk_core.images import SmearImage, decode

SIDE = 96
"""Side of a texture map, in pixels."""

RADII, ANGLES = 20, 96
HARMONICS = 32
"""Angular harmonics that are kept; the zeroth, which every round cell shares, is not."""

BLACK = 24
"""Brightest channel at or under this, connected to the border: nothing was photographed there."""

_CUT_OUT = 0.6  # less of the picture shows something: the cell was cut out
_NOTHING = -128  # in a texture map: outside
_STEPS = 32.0  # grey steps a standard deviation in a texture map


@dataclass(frozen=True)
class Texture:
    """Fine structure around one centre, free of brightness, contrast and colour.

    Parameters
    ----------
    values : ndarray of shape (SIDE, SIDE), int8
        Band-passed grey in units of its standard deviation times 32; -128 where there is nothing to compare.
    """

    values: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """Where there is something to compare, (SIDE, SIDE), uint8 (0 or 1)."""
        return (self.values != _NOTHING).astype(np.uint8)

    @property
    def floats(self) -> np.ndarray:
        """Texture as float32 with 0 outside, (SIDE, SIDE)."""
        return np.where(self.values == _NOTHING, 0, self.values / np.float32(_STEPS)).astype(np.float32)


@dataclass(frozen=True)
class Look:
    """What the audit keeps of a picture.

    Parameters
    ----------
    pixels_sha256, file_sha256 : str
        Identity of the decoded picture and of its file.
    file_bytes, format, width, height : int, str, int, int
        Of the file; size in pixels.
    on_black : bool
        Whether the cell is cut out on black.
    centre : (float, float)
        Middle of the cell (cut-out) or of its nucleus, x and y in pixels.
    area : float
        Area of the cell (cut-out) or of its nucleus, in pixels.
    brightness : float
        Mean grey of what was photographed.
    colour, border : ndarray of shape (3,) and (6,)
        Mean RGB of what was photographed; mean and standard deviation of RGB in the outermost ring.
    sharpness : ndarray of shape (3,)
        Logarithms of the variance of the Laplacian at three scales; in raw crops, around the cell.
    smeared : float
        Share of the four sides whose outermost rows merely repeat, as an augmentation program fills them.
    wedges : bool
        Whether corners are filled with black as after turning a picture.
    textures : tuple of Texture
        Cell (cut-out), or nucleus, picture and surroundings of the nucleus (raw crop).
    spectra : ndarray of shape (1 or 2, HARMONICS, RADII), complex64
        Angular spectra of the first textures, of unit length.
    """

    pixels_sha256: str
    file_sha256: str
    file_bytes: int
    format: str
    width: int
    height: int
    on_black: bool
    centre: tuple[float, float]
    area: float
    brightness: float
    colour: np.ndarray
    border: np.ndarray
    sharpness: np.ndarray
    smeared: float
    wedges: bool
    textures: tuple[Texture, ...]
    spectra: np.ndarray

    @property
    def photographed(self) -> float:
        """Pixels that show something: those of the cell where it is cut out on black, else all."""
        return self.area if self.on_black else float(self.width * self.height)

    @property
    def radius(self) -> float:
        """Radius of a disc of the same area, in pixels."""
        return float(np.sqrt(self.area / np.pi))


WIDE = 2.5
"""How much wider the surroundings of a nucleus reach than its own texture map."""


def look_at(cell: LabelledCell) -> Look:
    """Read, decode and look at one cell.

    Raises
    ------
    InvalidData, RejectedPicture
        If the file cannot be read or is no picture.
    """
    data = cell.read()
    return look(decode(data, cell.name), len(data))


def look(picture: SmearImage, file_bytes: int = 0) -> Look:
    """Look at one decoded picture; `file_bytes` is the size of the file it came from."""
    rgb = np.ascontiguousarray(picture.pixels)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    shown = _shown(rgb)
    on_black = 0.002 < shown.mean() < _CUT_OUT
    mask, centre, area = _cell(rgb, shown, on_black=bool(on_black))
    radius = float(np.sqrt(area / np.pi))
    if on_black:
        textures = [_texture(grey, mask, centre, 1.3 * radius)]
    else:
        middle = ((picture.width - 1) / 2, (picture.height - 1) / 2)
        textures = [
            _texture(grey, shown, centre, 2.0 * radius),
            _texture(grey, shown, middle, min(picture.width, picture.height) / 2),
            _texture(grey, shown, centre, 2.0 * WIDE * radius),
        ]
    photographed = mask if on_black else shown
    return Look(
        pixels_sha256=picture.pixels_sha256,
        file_sha256=picture.file_sha256,
        file_bytes=file_bytes,
        format=picture.format,
        width=picture.width,
        height=picture.height,
        on_black=bool(on_black),
        centre=centre,
        area=area,
        brightness=float(cv2.mean(grey, photographed)[0]),
        colour=np.array(cv2.mean(rgb, photographed)[:3], np.float32),
        border=_border(rgb),
        sharpness=_sharpness(grey, mask if on_black else _around(shown, centre, radius)),
        smeared=_smeared(grey),
        wedges=not on_black and _has_wedges(shown),
        textures=tuple(textures),
        spectra=np.stack([_spectrum(texture.floats) for texture in textures[:2]]),
    )


def _shown(rgb: np.ndarray) -> np.ndarray:
    """Return where something was photographed: not black ground that reaches the border (uint8, 0 or 1)."""
    red, green, blue = cv2.split(rgb)
    dark = (cv2.max(cv2.max(red, green), blue) <= BLACK).astype(np.uint8)
    count, parts = cv2.connectedComponents(dark, connectivity=4)
    reaches = np.zeros(count, bool)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        reaches[side] = True
    reaches[0] = False
    shown = (~reaches[parts]).astype(np.uint8)
    return cv2.morphologyEx(shown, cv2.MORPH_OPEN, _square(shown.shape))


def _cell(rgb: np.ndarray, shown: np.ndarray, *, on_black: bool) -> tuple[np.ndarray, tuple[float, float], float]:
    """Return mask, centre and area of the cell on black, or of the darkest large thing near the middle."""
    height, width = shown.shape
    candidates = shown if on_black else _darkest(rgb, shown)
    count, parts, stats, centres = cv2.connectedComponentsWithStats(candidates)
    if count < 2:
        return shown, ((width - 1) / 2, (height - 1) / 2), float(width * height)
    middle = np.array([width, height]) / 2
    away = np.linalg.norm(centres[1:] - middle, axis=1) / np.linalg.norm(middle)
    chosen = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA] * (1 - 0.5 * away)))
    x, y = centres[chosen]
    return (parts == chosen).astype(np.uint8), (float(x), float(y)), float(stats[chosen, cv2.CC_STAT_AREA])


def _darkest(rgb: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the nucleus: the darker part of the darker part of the green channel (Otsu's threshold, twice)."""
    green = cv2.GaussianBlur(rgb[:, :, 1], (0, 0), max(1.0, min(shown.shape) / 72))
    values = green[shown > 0]
    if values.size == 0:
        return shown
    for _ in range(2):
        level, _ = cv2.threshold(values.reshape(-1, 1), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        values = values[values <= level]
    dark = ((green <= level) & (shown > 0)).astype(np.uint8)
    return cv2.morphologyEx(dark, cv2.MORPH_OPEN, _square(shown.shape))


def _square(shape: tuple[int, ...]) -> np.ndarray:
    side = max(3, int(min(shape) / 90) | 1)
    return np.ones((side, side), np.uint8)


def _texture(grey: np.ndarray, mask: np.ndarray, centre: tuple[float, float], radius: float) -> Texture:
    """Place `radius` pixels around `centre` in a map, keep a band of sizes, and bring it to mean 0 and deviation 1."""
    scale = SIDE / 2 / max(radius, 1.0)
    place = np.array(
        [[scale, 0, (SIDE - 1) / 2 - scale * centre[0]], [0, scale, (SIDE - 1) / 2 - scale * centre[1]]], np.float32
    )
    if scale < 0.5:  # what the map cannot hold would fold into false structure
        grey = cv2.GaussianBlur(grey, (0, 0), 0.35 / scale)
    placed = cv2.warpAffine(grey, place, (SIDE, SIDE), flags=cv2.INTER_LINEAR).astype(np.float32)
    weight = cv2.warpAffine(mask, place, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    band = _blurred(placed, weight, 1.0) - _blurred(placed, weight, 5.0)
    inner = cv2.erode(weight, np.ones((5, 5), np.uint8), borderValue=0) > 0
    values = np.full((SIDE, SIDE), _NOTHING, np.int8)
    if inner.sum() >= 64:
        low, high = np.percentile(band[inner], [2, 98])  # a speck of dirt must not outshine the cell
        kept = np.clip(band[inner], low, high)
        deviation = kept.std()
        if deviation > 1e-3:
            values[inner] = np.clip(np.rint((kept - kept.mean()) / deviation * _STEPS), -127, 127)
    return Texture(values)


def _blurred(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Blur what is inside, as if there were no outside."""
    share = weight.astype(np.float32)
    return cv2.GaussianBlur(values * share, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(share, (0, 0), sigma), 1e-3)


def _spectrum(texture: np.ndarray) -> np.ndarray:
    """Return the angular spectrum: turning the texture changes phases only, mirroring conjugates it."""
    middle = (SIDE - 1) / 2
    polar = cv2.warpPolar(texture, (RADII, ANGLES), (middle, middle), SIDE / 2, cv2.INTER_LINEAR)
    polar *= np.sqrt(np.arange(RADII, dtype=np.float32) + 0.5)  # a ring counts with its length
    spectrum = np.fft.rfft(polar, axis=0)[1 : HARMONICS + 1]
    length = np.sqrt(2 * (np.abs(spectrum) ** 2).sum() / ANGLES)
    return (spectrum / max(length, 1e-6)).astype(np.complex64)


def _border(rgb: np.ndarray) -> np.ndarray:
    ring = max(1, round(0.02 * min(rgb.shape[:2])))
    sides = (rgb[:ring], rgb[-ring:], rgb[:, :ring], rgb[:, -ring:])
    pixels = np.concatenate([side.reshape(-1, 3) for side in sides]).astype(np.float32)
    return np.concatenate([pixels.mean(axis=0), pixels.std(axis=0)])


def _around(shown: np.ndarray, centre: tuple[float, float], radius: float) -> np.ndarray:
    """Leave the cell out, whose granules are morphology; keep all where hardly anything lies around it."""
    around = shown.copy()
    cv2.circle(around, (round(centre[0]), round(centre[1])), round(2.2 * radius), 0, -1)
    return around if around.mean() > 0.2 else shown


def _sharpness(grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    if not mask.any():
        return np.zeros(3, np.float32)
    x, y, width, height = cv2.boundingRect(mask)
    values = grey[y : y + height, x : x + width].astype(np.float32)
    inner = cv2.erode(mask, np.ones((7, 7), np.uint8), borderValue=0)[y : y + height, x : x + width] > 0
    found = []
    for sigma in (0.0, 1.0, 2.0):
        smooth = values if sigma == 0 else cv2.GaussianBlur(values, (0, 0), sigma)
        edges = cv2.Laplacian(smooth, cv2.CV_32F)
        found.append(np.log(edges[inner].var() + 1e-3) if inner.any() else 0.0)
    return np.array(found, np.float32)


def _smeared(grey: np.ndarray) -> float:
    """Return the share of sides whose four outermost rows repeat each other, while along them the picture changes."""
    values = grey.astype(np.int16)
    sides = (values[:4], values[-4:], values[:, :4].T, values[:, -4:].T)
    across = [float(np.abs(np.diff(side, axis=0)).mean()) for side in sides]
    along = [float(np.abs(np.diff(side, axis=1)).mean()) for side in sides]
    return float(np.mean([a > 1 and c < 0.15 * a for c, a in zip(across, along, strict=True)]))


def _has_wedges(shown: np.ndarray) -> bool:
    """Tell whether black fills at least two corners but no middle of a side, as after turning a picture."""
    height, width = shown.shape
    corners = (shown[0, 0], shown[0, -1], shown[-1, 0], shown[-1, -1])
    middles = (shown[0, width // 2], shown[-1, width // 2], shown[height // 2, 0], shown[height // 2, -1])
    return sum(not corner for corner in corners) >= 2 and all(middles)
