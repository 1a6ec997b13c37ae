"""LoGMH: Laplacian of Gaussian with modified high-boost (Haque et al. 2024, equations 1 to 4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar, cast

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter

SMALLEST_SIGMA = 0.3
LARGEST_SIGMA = 32.0
CHANNELS = ("each", "luminance")
NORMALISATIONS = ("extremes", "percentiles")

_TRUNCATE = 4.0  # the Gaussian ends after four standard deviations
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)  # ITU-R BT.601
_FIVE_POINTS = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
_WIDE = 4.0  # a sigma above it needs the more careful Laplacian, in pixels
_BAND_VALUES = 1 << 18  # float32 values worked on at a time: what stays in a core's cache
_SHARED_FROM = 1 << 20  # float32 values above which a picture is worth several threads
_NOISE = 2e-6  # a range of H below this part of the picture's largest value is rounding, not structure
_LARGEST_SAMPLE = 1 << 20  # values that percentiles are taken from
_BLACK = 8.0 / 255.0  # a channel up to here is ground: what JPEG leaves on black
_SEAM = 2  # width of the edge of a cut-out that is mixed with black, in pixels
_RIM = 3  # width of the rim whose mean fills the ground, in pixels

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class LoGMH:
    """Sharpen the structure of a cell and bring the result to [0, 1].

    The picture I is boosted by the Laplacian of its Gaussian blur, ``H = alpha * I - beta * laplace(G * I)``
    (equations 1 to 3; G the Gaussian of `sigma`, the Laplacian of five points, borders mirrored), and H is brought
    to [0, 1] (equation 4).

    Parameters
    ----------
    sigma : float
        Standard deviation of the Gaussian, in pixels: 0.3 to 32. Or 0, which leaves the blur out: the Laplacian is
        then that of the picture itself.
    alpha, beta : float
        Weights of the picture and of its Laplacian, at least 0 and not both 0. Only their ratio matters, because
        equation 4 normalises; see `boost`.
    channels : {"each", "luminance"}
        "each" filters red, green and blue alike and normalises all three together, as the paper does. "luminance"
        filters the luminance (ITU-R BT.601) and multiplies each pixel's red, green and blue by one common factor,
        so that the pixel gets the new luminance and keeps its hue and saturation. Where that factor would push a
        channel over 1, the brightest channel becomes 1. A black pixel has no hue and becomes grey.
    normalisation : {"extremes", "percentiles"}
        What becomes 0 and 1: the smallest and the largest value of H (equation 4), or two percentiles of it, which
        one hot pixel does not move. Values outside are clipped. In pictures of more than a million values the
        percentiles are those of an evenly spaced sample.
    percentiles : (float, float)
        The two percentiles, 0 to 100. Used with "percentiles" only.
    masked : bool
        For a cell cut out on black. The plain equation finds minimum and maximum on the rim of the cut-out, which
        dims the chromatin. Here the ground is filled with the mean colour of the cell's rim before filtering, the
        extremes or percentiles are taken inside the cell, and the ground is black again afterwards. "Inside" leaves
        out the outermost two pixels of the cell, in which resampling and JPEG have mixed black.

    Raises
    ------
    InvalidParameter
        If a parameter is out of its range.

    Notes
    -----
    For ``alpha > 0`` the result does not change with the brightness or the contrast of the picture, so a brightness
    augmentation belongs after this step.

    References
    ----------
    Haque et al. 2024, doi 10.3390/biomedinformatics4020054, section 3.2.

    Examples
    --------
    >>> picture = np.zeros((8, 8, 3), np.uint8)
    >>> LoGMH(sigma=1.0).apply(picture).max()
    np.float32(0.0)
    >>> picture[2:6, 2:6] = 200
    >>> LoGMH(sigma=1.0, beta=2.0).apply(picture).max()
    np.float32(1.0)
    """

    sigma: float = 1.0
    alpha: float = 1.0
    beta: float = 1.0
    channels: str = "each"
    normalisation: str = "extremes"
    percentiles: tuple[float, float] = (0.5, 99.5)
    masked: bool = False

    def __post_init__(self) -> None:
        for name in ("sigma", "alpha", "beta"):
            value = getattr(self, name)
            if not _is_number(value):
                raise InvalidParameter(f"`{name}` must be a finite number. Received: {name}={value!r}")
            object.__setattr__(self, name, float(value))
        if self.sigma != 0.0 and not SMALLEST_SIGMA <= self.sigma <= LARGEST_SIGMA:
            raise InvalidParameter(
                f"`sigma` must be {SMALLEST_SIGMA} to {LARGEST_SIGMA:.0f} pixels, or 0 for no blur. "
                f"Received: sigma={self.sigma}"
            )
        for name in ("alpha", "beta"):
            if getattr(self, name) < 0.0:
                raise InvalidParameter(f"`{name}` must be at least 0. Received: {name}={getattr(self, name)}")
        if self.alpha == 0.0 and self.beta == 0.0:
            raise InvalidParameter(
                f"`alpha` and `beta` must not both be 0. Received: alpha={self.alpha}, beta={self.beta}"
            )
        if self.channels not in CHANNELS:
            raise InvalidParameter(f"`channels` must be one of {CHANNELS}. Received: channels={self.channels!r}")
        if self.normalisation not in NORMALISATIONS:
            raise InvalidParameter(
                f"`normalisation` must be one of {NORMALISATIONS}. Received: normalisation={self.normalisation!r}"
            )
        if not isinstance(self.masked, bool | np.bool_):
            raise InvalidParameter(f"`masked` must be True or False. Received: masked={self.masked!r}")
        object.__setattr__(self, "masked", bool(self.masked))
        object.__setattr__(self, "percentiles", _checked_percentiles(self.percentiles))

    @property
    def boost(self) -> float:
        """Strength of the sharpening, beta / alpha: the one number behind both weights (infinite for alpha = 0)."""
        return self.beta / self.alpha if self.alpha > 0.0 else math.inf

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON types, for a recorded recipe."""
        return {**asdict(self), "percentiles": list(self.percentiles)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> LoGMH:
        """Return the filter that `to_dict` recorded; what is missing keeps its default.

        Raises
        ------
        InvalidParameter
            If `record` has an unknown name or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(record) - known)
        if unknown:
            raise InvalidParameter(f"`record` may only have the names {sorted(known)}. Received: {unknown}")
        return cls(**record)

    def apply(self, pixels: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Filter one picture.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3), uint8 or floating point
            RGB, on any scale. Not changed.
        mask : ndarray of shape (height, width), bool, optional
            Where the cell is; only used with ``masked=True``. Left out, it is every pixel with a channel above
            8 of 255 (0.031 in a floating-point picture).

        Returns
        -------
        ndarray of shape (height, width, 3), float32 in [0, 1]
            All zeros where the picture is constant, or where the mask is empty.

        Raises
        ------
        InvalidParameter
            If `pixels` or `mask` has another shape or type, or `pixels` is not finite.
        """
        pixels = _checked_pixels(pixels)
        if not self.masked:
            return self._filtered(pixels, None)
        inside = _checked_mask(mask, pixels)
        core = _shrunk(inside, _SEAM)
        if not core.any():
            core = inside
        if not core.any():
            return np.zeros(pixels.shape, np.float32)
        result = self._filtered(_fill_ground(pixels, inside, core), core)
        result[~inside] = 0.0
        return result

    def _filtered(self, pixels: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        """Return the result for all three channels, its limits taken where `inside` is true."""
        if self.channels == "each":
            return self._normalised(pixels, inside)
        luminance = cv2.transform(pixels.astype(np.float32), _LUMA)[..., np.newaxis]
        return _with_luminance(pixels, luminance, self._normalised(luminance, inside))

    def _normalised(self, pixels: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        """Return equation 4 of (height, width, channels) `pixels`, its limits taken where `inside` is true."""
        boosted, found = self._boosted(pixels)
        low, high = found.low, found.high
        if self.normalisation != "extremes" or inside is not None:
            values = boosted if inside is None else boosted[inside]
            low, high = self._limits(values.reshape(-1))
        if not found.has_structure(low, high):
            boosted.fill(0.0)
            return boosted
        scale = 1.0 / (high - low)
        flat = boosted.reshape(len(boosted), -1)

        def finish(bands: Sequence[tuple[int, int]]) -> None:
            for top, bottom in bands:
                band = flat[top:bottom]
                cv2.addWeighted(band, scale, band, 0.0, -low * scale, dst=band)
                np.clip(band, 0.0, 1.0, out=band)

        _share_out(finish, _bands(boosted), boosted.size)
        return boosted

    def _boosted(self, pixels: np.ndarray) -> tuple[np.ndarray, _Found]:
        """Return H of equation 3, with ``alpha + beta`` brought to 1, and what was found on the way.

        Worked through in bands of rows, so that all steps of a band happen in a core's cache and in one buffer, which
        for a small picture is the result itself: fresh memory costs more than the arithmetic.
        """
        height, width, depth = pixels.shape
        alpha, beta = self.alpha / (self.alpha + self.beta), self.beta / (self.alpha + self.beta)
        halo = _half_width(self.sigma) + 1
        boosted = np.empty(pixels.shape, np.float32)
        flat = boosted.reshape(height, width * depth)

        def boost(bands: Sequence[tuple[int, int]]) -> list[_Found]:
            found = []
            buffer = boosted
            for top, bottom in bands:
                above, below = max(0, top - halo), min(height, bottom + halo)
                source = np.ascontiguousarray(pixels[above:below], np.float32)
                if buffer.shape != source.shape:
                    buffer = np.empty_like(source)
                _laplacian_of_blur(source, self.sigma, -beta, buffer)
                target = flat[top:bottom]
                own = slice(top - above, bottom - above)
                values, laplacian = source[own].reshape(target.shape), buffer[own].reshape(target.shape)
                cv2.scaleAdd(values, alpha, laplacian, dst=target)
                found.append(_Found(*cv2.minMaxLoc(target)[:2], *cv2.minMaxLoc(values)[:2], cv2.sumElems(target)[0]))
            return found

        runs = _share_out(boost, _bands(boosted, least=8 * halo), boosted.size)
        found = _Found.of_all([band for run in runs for band in run])
        if not math.isfinite(found.total):
            raise InvalidParameter("`pixels` must be finite numbers. Received: values that are NaN or infinite")
        return boosted, found

    def _limits(self, values: np.ndarray) -> tuple[float, float]:
        """Return what becomes 0 and what becomes 1 of a flat array of values of H."""
        if self.normalisation == "extremes":
            return float(values.min()), float(values.max())
        step = -(-values.size // _LARGEST_SAMPLE)
        low, high = np.percentile(values[::step], self.percentiles)
        return float(low), float(high)


class _Found(NamedTuple):
    """Smallest and largest value of H and of the picture, and the sum of H."""

    low: float
    high: float
    smallest: float
    largest: float
    total: float

    @classmethod
    def of_all(cls, parts: Sequence[_Found]) -> _Found:
        """Return what holds for all parts of a picture together."""
        lows, highs, smallest, largest, totals = zip(*parts, strict=True)
        return cls(min(lows), max(highs), min(smallest), max(largest), sum(totals))

    def has_structure(self, low: float, high: float) -> bool:
        """Tell a range of H that comes from the picture from one that comes from rounding."""
        peak = max(abs(self.smallest), abs(self.largest))
        return self.smallest < self.largest and high - low > _NOISE * peak


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value)


def _checked_percentiles(percentiles: object) -> tuple[float, float]:
    pair = tuple(percentiles) if isinstance(percentiles, list | tuple) else ()
    if len(pair) != 2 or not all(map(_is_number, pair)) or not 0.0 <= pair[0] < pair[1] <= 100.0:
        raise InvalidParameter(
            "`percentiles` must be two numbers from 0 to 100, the smaller one first. "
            f"Received: percentiles={percentiles!r}"
        )
    return float(pair[0]), float(pair[1])


def _checked_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return `pixels` as uint8 or float32 of shape (height, width, 3)."""
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        received = pixels.shape if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise InvalidParameter(f"`pixels` must be an array of shape (height, width, 3). Received: {received}")
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating):
        raise InvalidParameter(f"`pixels` must be uint8 or floating point. Received: dtype={pixels.dtype}")
    return np.ascontiguousarray(pixels, np.float32)


def _checked_mask(mask: np.ndarray | None, pixels: np.ndarray) -> np.ndarray:
    """Return where the cell is, as bool of shape (height, width)."""
    if mask is None:
        black = _BLACK if pixels.dtype == np.float32 else _BLACK * 255.0
        return cast("np.ndarray", pixels.max(axis=2) > black)
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != pixels.shape[:2]:
        received = f"{mask.shape}, {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise InvalidParameter(f"`mask` must be bool of shape {pixels.shape[:2]}. Received: {received}")
    return mask


def _shrunk(mask: np.ndarray, by: int) -> np.ndarray:
    """Return `mask` without its outermost `by` pixels; the border of the picture is no edge."""
    square = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    smaller = cv2.erode(mask.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return cast("np.ndarray", smaller > 0)


def _fill_ground(pixels: np.ndarray, inside: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Return float32 `pixels` with everything outside the cell set to the mean colour of the rim of its `core`."""
    rim = core & ~_shrunk(core, _RIM)
    filled = pixels.astype(np.float32)
    if rim.any():
        filled[~inside] = filled[rim].mean(axis=0)
    return filled


def _with_luminance(pixels: np.ndarray, luminance: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return RGB of `target` luminance and the hue and saturation of `pixels`, no channel above 1."""
    colour = pixels.astype(np.float32)
    tiny = np.finfo(np.float32).tiny
    factor = np.minimum(target / np.maximum(luminance, tiny), 1.0 / np.maximum(colour.max(axis=2, keepdims=True), tiny))
    return np.where(luminance > 0.0, np.clip(colour * factor, 0.0, 1.0), target).astype(np.float32)


def _half_width(sigma: float) -> int:
    return int(_TRUNCATE * sigma + 0.5)


def _laplacian_of_blur(source: np.ndarray, sigma: float, scale: float, result: np.ndarray) -> None:
    """Write `scale` times the five-point Laplacian of the blurred `source` to `result`, of the same shape."""
    border = cv2.BORDER_REFLECT_101
    side = 2 * _half_width(sigma) + 1
    if sigma <= _WIDE:  # both filters may work in place
        blurred = source
        if sigma > 0.0:
            blurred = cv2.GaussianBlur(source, (side, side), sigma, dst=result, borderType=border)
        cv2.filter2D(blurred, cv2.CV_32F, scale * _FIVE_POINTS, dst=result, borderType=border)
        return
    # Neighbours in a wide blur differ by less than float32 can tell: take the second difference of the kernel
    # instead, which is the same sum in another order.
    gaussian = cv2.getGaussianKernel(side, sigma, cv2.CV_64F).ravel()
    second = scale * np.convolve(gaussian, [1.0, -2.0, 1.0])
    gaussian = np.pad(gaussian, 1)
    cv2.sepFilter2D(source, cv2.CV_32F, gaussian, second, dst=result, borderType=border)
    cv2.add(result, cv2.sepFilter2D(source, cv2.CV_32F, second, gaussian, borderType=border), dst=result)


def _bands(picture: np.ndarray, least: int = 1) -> list[tuple[int, int]]:
    """Return first row and row after the last of bands that together hold each row of a picture once.

    They depend on the picture's shape alone, never on the number of threads: OpenCV's last digit may depend on where a
    band ends, and the same picture must give the same bits on every machine of a kind.
    """
    height = len(picture)
    rows = max(least, _BAND_VALUES * height // picture.size, 1)
    return [(top, min(height, top + rows)) for top in range(0, height, rows)]


def _share_out(
    work: Callable[[Sequence[tuple[int, int]]], _T], bands: Sequence[tuple[int, int]], values: int
) -> list[_T]:
    """Call `work` on runs of bands, one run for each of OpenCV's threads, and return the answers.

    A picture of few values isn't worth the threads and is one run.
    """
    threads = min(cv2.getNumThreads(), len(bands)) if values > _SHARED_FROM else 1
    if threads <= 1:
        return [work(bands)]
    edges = [len(bands) * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda edge: work(bands[edge[0] : edge[1]]), pairwise(edges)))
