"""Samples of any depth to upright 8-bit RGB: depth, alpha, orientation."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from leuk_core.images.picture import Note

_USUAL_DEPTHS = (8, 10, 12, 14, 16)
_BAND = 1 << 22
"""Samples converted at a time, so that a large picture never needs a second copy in a wider type."""

_HUGE = 1e30
"""Brighter than any picture."""


@dataclass(frozen=True, slots=True)
class Raster:
    """What a reader found in a file.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        Upright RGB.
    notes : tuple of Note
        What was done to it that a person should know.
    microns_per_pixel : float or None
        Scale from the file's own metadata.
    """

    pixels: np.ndarray
    notes: tuple[Note, ...] = field(default=())
    microns_per_pixel: float | None = None


def frame_note(count: int, word: str = "frame") -> tuple[Note, ...]:
    """Return the note that only the first of `count` frames (or pages) is shown; nothing for a single one.

    Examples
    --------
    >>> frame_note(3, "page")[0].text
    'page 1 of 3: the others are not looked at'
    """
    return (Note("frame", f"{word} 1 of {count}: the others are not looked at"),) if count > 1 else ()


def rgb_on_white(image: Image.Image) -> np.ndarray:
    """Return a loaded Pillow image of any 8-bit mode as uint8 RGB, laid on white where it is transparent.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        Colours under full transparency never show.
    """
    out = np.empty((image.height, image.width, 3), np.uint8)
    for rows in _bands(out):
        band = image.crop((0, rows.start, image.width, min(rows.stop, image.height)))
        if band.has_transparency_data:
            clear = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        out[rows] = np.asarray(band.convert("RGB"))
    return out


def as_rgb(samples: np.ndarray) -> np.ndarray:
    """Return grey samples of shape (height, width) or (height, width, 1) as RGB; RGB as it is."""
    if samples.ndim == 2:
        samples = samples[..., None]
    return np.repeat(samples, 3, axis=2) if samples.shape[2] == 1 else samples


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror `pixels` as the EXIF orientation (1 to 8) asks; any other value changes nothing."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return pixels.swapaxes(0, 1)[:, ::-1]
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return pixels.swapaxes(0, 1)[::-1]
        case _:
            return pixels


def over_white(colours: np.ndarray, alpha: np.ndarray, *, premultiplied: bool = False) -> np.ndarray:
    """Lay uint8 colours of shape (height, width, channels) on white by uint8 alpha of shape (height, width)."""
    out = np.empty_like(colours)
    for rows in _bands(colours):
        opacity = alpha[rows, :, None].astype(np.float32) / 255
        colour = colours[rows].astype(np.float32)
        mixed = (colour if premultiplied else colour * opacity) + 255 * (1 - opacity)
        out[rows] = np.rint(np.minimum(mixed, 255))
    return out


def to_eight_bits(samples: np.ndarray, bits: int | None = None) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Scale samples of any depth to 8 bits.

    Parameters
    ----------
    samples : ndarray of shape (height, width, ...), any integer or floating type
        Linear in brightness. Any byte order.
    bits : int or None
        Depth that the file declares and that can be trusted. None: the smallest usual depth that holds the largest
        value, so that a 12-bit camera in a 16-bit file does not come out nearly black.

    Returns
    -------
    scaled : ndarray of the same shape, uint8
    notes : tuple of Note
        One note with the code "bit-depth" unless the samples were 8 bits already.
    """
    if samples.dtype == np.uint8 and bits in (None, 8):
        return samples, ()
    if samples.dtype.kind == "f":
        return _from_floats(samples)
    low, high = int(samples.min()), int(samples.max())
    stored = samples.dtype.itemsize * 8
    if low < 0:
        return _ranged(samples, low, high, f"{stored} bits a channel with negative values, from {low} to {high}")
    depth = bits or depth_of(high)
    words = f"{depth} bits a channel, scaled to 8"
    if bits is None and depth != stored:
        words = f"values up to {high} in a {stored}-bit file: read as {words}"
    return _scaled(samples, 0.0, float(2**depth - 1)), (Note("bit-depth", words),)


def depth_of(largest: float) -> int:
    """Return the smallest usual depth in bits (8, 10, 12, 14, 16, then any) that holds the value `largest`.

    Examples
    --------
    >>> depth_of(3280), depth_of(65535), depth_of(70000)
    (12, 16, 17)
    """
    return next((bits for bits in _USUAL_DEPTHS if largest < 2**bits), int(largest).bit_length())


def _from_floats(samples: np.ndarray) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Scale floating-point samples: 0 to 1, or the range of a usual depth, or whatever range there is."""
    low, high, missing = _finite_range(samples)
    lost = f"; {missing} values that are no numbers are shown as black" if missing else ""
    if low >= -0.1 and high <= 1.1:
        return _scaled(samples, 0.0, 1.0), (Note("bit-depth", f"floating point from 0 to 1, scaled to 8 bits{lost}"),)
    if low >= 0 and high < 2 ** _USUAL_DEPTHS[-1]:
        depth = depth_of(high)
        words = f"floating point up to {high:.4g}: read as {depth} bits a channel, scaled to 8{lost}"
        return _scaled(samples, 0.0, float(2**depth - 1)), (Note("bit-depth", words),)
    return _ranged(samples, low, high, f"floating point from {low:.4g} to {high:.4g}{lost}")


def _ranged(samples: np.ndarray, low: float, high: float, what: str) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Stretch samples of no known depth over their own range, and say that colours may not be true."""
    words = f"{what}: stretched to 8 bits, so brightness and colours may not be true"
    return _scaled(samples, low, max(high, low + 1e-12)), (Note("bit-depth", words),)


def _finite_range(samples: np.ndarray) -> tuple[float, float, int]:
    """Return the smallest and largest number among the samples (0 and 0 without any), and how many are no numbers."""
    low, high, missing = np.inf, -np.inf, 0
    for rows in _bands(samples):
        band = samples[rows].astype(np.float64)
        numbers = band[_are_numbers(band)]
        missing += band.size - numbers.size
        if numbers.size:
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
    return (low, high, missing) if high >= low else (0.0, 0.0, missing)


def _scaled(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low` to 0 and `high` to 255, rounded and clipped, a band of rows at a time."""
    out = np.empty(samples.shape, np.uint8)
    if samples.dtype.kind == "u" and samples.dtype.itemsize <= 2:
        every = np.arange(256**samples.dtype.itemsize)
        table = np.rint(np.clip((every - low) * (255.0 / (high - low)), 0, 255)).astype(np.uint8)
        for rows in _bands(samples):
            out[rows] = table[samples[rows]]
        return out
    for rows in _bands(samples):
        band = samples[rows].astype(np.float64)
        band[~_are_numbers(band)] = low
        out[rows] = np.rint(np.clip((band - low) * (255.0 / (high - low)), 0, 255))
    return out


def _are_numbers(band: np.ndarray) -> np.ndarray:
    """Return where the samples are finite and of a size that arithmetic stands."""
    return np.abs(band) < _HUGE


def _bands(samples: np.ndarray) -> list[slice]:
    """Split the rows into bands of about `_BAND` samples."""
    step = max(1, _BAND // max(1, samples[:1].size))
    return [slice(start, start + step) for start in range(0, samples.shape[0], step)]
