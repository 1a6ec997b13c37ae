"""The decoder's second door: pictures too large to be decoded whole, a part at a time.

A limit holds for each part instead of the whole. TIFF is read here, block by block; what else a slide scanner writes
needs the optional package tiffslide or openslide-python.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from leuk_core.errors import InvalidParameter, RejectedPicture
from leuk_core.images.decoder import decode
from leuk_core.images.picture import SmearImage
from leuk_core.images.refusals import check_size, damaged
from leuk_core.images.scale import believable
from leuk_core.images.tiff_blocks import TiffBlocks
from leuk_core.settings import settings

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SLIDE_READERS = ("tiffslide", "openslide")


class Tile(NamedTuple):
    """A part of a large picture and where its left upper corner lies on it, in pixels."""

    left: int
    top: int
    image: SmearImage


class _Parts(Protocol):
    """What hands out parts of a picture."""

    width: int
    height: int
    microns_per_pixel: float | None

    def region(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """Return a part that lies inside, uint8 RGB."""


class TiledImage:
    """A large picture of which parts are decoded when they are asked for.

    Parameters
    ----------
    parts : object
        What reads it; from `open_tiled`.
    name, kind : str
        File name as received, and what the content is.
    """

    def __init__(self, parts: _Parts, name: str, kind: str) -> None:
        self._parts, self.name, self.format = parts, name, kind
        self.width, self.height = parts.width, parts.height
        self.microns_per_pixel = parts.microns_per_pixel

    def region(self, left: int, top: int, width: int, height: int) -> SmearImage:
        """Decode a part.

        Parameters
        ----------
        left, top, width, height : int
            In pixels; the part must lie inside the picture and within the limits of a picture.

        Raises
        ------
        InvalidParameter
            If the part does not lie inside.
        RejectedPicture
            If it is too large, or the file is damaged there.
        """
        if left < 0 or top < 0 or width < 1 or height < 1 or left + width > self.width or top + height > self.height:
            raise InvalidParameter(
                f"The part must lie inside the picture, {self.width} x {self.height} pixels. "
                f"Received: left={left}, top={top}, width={width}, height={height}"
            )
        check_size(width, height)
        pixels = np.ascontiguousarray(self._parts.region(left, top, width, height))
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        return SmearImage(pixels, self.name, digest, self.format, microns_per_pixel=self.microns_per_pixel)

    def parts(self, side: int = 2048, overlap: int = 256) -> int:
        """Return how many parts `tiles` gives."""
        return len(_starts(self.height, side, overlap)) * len(_starts(self.width, side, overlap))

    def tiles(self, side: int = 2048, overlap: int = 256) -> Iterator[Tile]:
        """Walk over the picture in rows of square parts.

        Parameters
        ----------
        side : int
            Of a part, in pixels.
        overlap : int
            Pixels that neighbours share, so that a cell on a seam is whole on one of them.

        Raises
        ------
        InvalidParameter
            If parts would not move on.
        """
        if not 0 <= overlap < side:
            raise InvalidParameter(
                f"`overlap` must be from 0 to under `side`. Received: overlap={overlap}, side={side}"
            )
        for top in _starts(self.height, side, overlap):
            for left in _starts(self.width, side, overlap):
                width, height = min(side, self.width - left), min(side, self.height - top)
                yield Tile(left, top, self.region(left, top, width, height))


def open_tiled(source: Path | bytes, name: str) -> TiledImage:
    """Open a picture of any size without decoding it.

    Parameters
    ----------
    source : Path or bytes
        A file, or its content. A file is not read into memory.
    name : str
        File name as received; shown on the screen only.

    Raises
    ------
    RejectedPicture
        If it can neither be read in parts nor is small enough to be decoded whole, with one sentence that says why.
    """
    data: Any = source if isinstance(source, bytes) else _mapped(source)
    if data[:4] in _TIFF:
        try:
            return TiledImage(TiffBlocks(data), name, "TIFF")
        except RejectedPicture as error:
            refusal = error
        except (ValueError, IndexError, OverflowError) as error:  # a directory that makes no sense
            refusal = damaged("TIFF", len(data))
            refusal.__cause__ = error
    else:
        refusal = RejectedPicture("")
    if isinstance(source, Path) and (slide := _slide(source)) is not None:
        return TiledImage(slide, name, "slide")
    limit = settings().max_upload_mb * 1024 * 1024
    try:
        image = decode(bytes(data[: limit + 1]), name)
    except RejectedPicture as error:
        if str(refusal):
            raise refusal from error
        raise
    return TiledImage(_Decoded(image), name, image.format)


def _starts(length: int, side: int, overlap: int) -> range | list[int]:
    """Return where parts begin; the last one ends with the picture."""
    if length <= side:
        return [0]
    starts = list(range(0, length - side, side - overlap))
    return [*starts, length - side]


def _mapped(path: Path) -> Any:
    """Map a file into memory, which reads nothing yet."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # nothing can be mapped of an empty file
        return b""
    except OSError as error:
        raise RejectedPicture(
            f"This file could not be read (received {error.strerror!r}): check the path and its rights."
        ) from error


class _Decoded:
    """A picture that was small enough to be decoded whole."""

    def __init__(self, image: SmearImage) -> None:
        self._image = image
        self.width, self.height, self.microns_per_pixel = image.width, image.height, image.microns_per_pixel

    def region(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        return self._image.pixels[top : top + height, left : left + width]


class _Slide:
    """A slide by way of tiffslide or openslide, which answer alike; its finest level."""

    def __init__(self, slide: Any) -> None:
        self._slide = slide
        self.width, self.height = map(int, slide.dimensions)
        across, down = (_number(slide.properties, f"mpp-{axis}") for axis in "xy")
        known = across is not None and down is not None
        self.microns_per_pixel = believable(across, down, "the slide")[0] if known else None  # type: ignore[arg-type]

    def region(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        seen = np.asarray(self._slide.read_region((left, top), 0, (width, height)))
        if seen.shape[2] == 3:
            return seen
        alpha = seen[..., 3:].astype(np.float32) / 255
        flat: np.ndarray = np.rint(seen[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
        return flat


def _slide(path: Path) -> _Slide | None:
    """Open a slide with the optional package that is installed; None where none is, or none can read it."""
    for package in _SLIDE_READERS:
        if find_spec(package) is None:
            continue
        module = import_module(package)
        reader = getattr(module, "TiffSlide", None) or module.OpenSlide
        try:
            return _Slide(reader(str(path)))
        except Exception:  # noqa: BLE001, S112 - readers of slides raise errors of many types over other files
            continue
    return None


def _number(properties: Any, ending: str) -> float | None:
    """Return a number among a slide's properties, whichever package named it."""
    for package in _SLIDE_READERS:
        try:
            return float(properties[f"{package}.{ending}"])
        except (KeyError, TypeError, ValueError):
            continue
    return None
