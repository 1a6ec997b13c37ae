"""The picture formats that Pillow decodes, each opened by its own plugin so that nothing else is ever tried.

The plugins are called by name rather than through `Image.open`: no other format can then be reached by crafted bytes,
and this program's own limits hold instead of Pillow's process-wide ones.
"""

from importlib import import_module
from importlib.util import find_spec
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.MpoImagePlugin import MpoImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from leuk_core.errors import RejectedPicture
from leuk_core.images.picture import Note
from leuk_core.images.refusals import check_size, damaged
from leuk_core.images.samples import Raster, as_rgb, frame_note, over_white, rgb_on_white, to_eight_bits, upright
from leuk_core.images.structure import check_gif, check_jpeg, check_jpeg2000, check_png, check_webp

_GREY_ALPHA = 4
"""Colour type in the header of a PNG."""

_MP_ENTRIES = 0xB002
"""Tag of a multi-picture JPEG: where its pictures lie."""


def read_png(data: bytes) -> Raster:
    """Read a PNG of any colour type and depth; of an animated one the default picture."""
    bits = check_png(data)
    image = PngImageFile(BytesIO(data))
    frames = frame_note(getattr(image, "n_frames", 1))
    image.load()
    if bits == 16:
        pixels, notes = _sixteen_bits(image, data)
    else:
        pixels, notes = rgb_on_white(image), ()
    return Raster(upright(pixels, _orientation(image)), frames + notes)


def read_jpeg(data: bytes) -> Raster:
    """Read a JPEG in grey, YCbCr, CMYK or YCCK; of a multi-picture one the first."""
    image = jpeg_factory(BytesIO(data))
    check_size(*image.size)
    check_jpeg(data)
    frames: tuple[Note, ...] = ()
    if isinstance(image, MpoImageFile):
        frames = frame_note(image.n_frames, "picture")
        _check_parts(image, len(data))
    image.load()
    return Raster(upright(rgb_on_white(image), _orientation(image)), frames)


def read_bmp(data: bytes) -> Raster:
    """Read a BMP."""
    image = BmpImageFile(BytesIO(data))
    check_size(*image.size)
    image.load()
    return Raster(rgb_on_white(image))


def read_webp(data: bytes) -> Raster:
    """Read a WebP; of an animated one the first frame."""
    check_webp(data)
    image = WebPImageFile(BytesIO(data))
    check_size(*image.size)
    frames = frame_note(getattr(image, "n_frames", 1))
    image.load()
    return Raster(upright(rgb_on_white(image), _orientation(image)), frames)


def read_gif(data: bytes) -> Raster:
    """Read a GIF; of an animated one the first frame."""
    frames = frame_note(check_gif(data))
    image = GifImageFile(BytesIO(data))
    check_size(*image.size)
    image.load()
    return Raster(rgb_on_white(image), frames)


def read_jpeg2000(data: bytes) -> Raster:
    """Read a JPEG 2000, with or without its JP2 box; Pillow scales deep colours to 8 bits, deep grey to 16."""
    bits = check_jpeg2000(data)
    image = Jpeg2KImageFile(BytesIO(data))
    check_size(*image.size)
    image.load()
    if image.mode.startswith("I"):
        grey, _ = to_eight_bits(np.asarray(image), 16)
        pixels = as_rgb(grey)
    else:
        pixels = rgb_on_white(image)
    return Raster(pixels, (Note("bit-depth", f"{bits} bits a channel, scaled to 8"),) if bits > 8 else ())


def read_heic(data: bytes) -> Raster:
    """Read a HEIC where the optional package pillow-heif is installed, which turns it upright itself.

    Raises
    ------
    RejectedPicture
        If the package is not installed.
    """
    if find_spec("pillow_heif") is None:
        raise RejectedPicture(
            f"This file is a HEIC picture, which is not read here (received {len(data)} bytes): "
            "save it as JPEG or PNG, or install the package pillow-heif."
        )
    image = import_module("pillow_heif").HeifImageFile(BytesIO(data))
    check_size(*image.size)
    frames = frame_note(image.n_frames, "picture")
    image.load()
    check_size(*image.size)
    return Raster(rgb_on_white(image), frames)


def _check_parts(image: MpoImageFile, count: int) -> None:
    """Refuse a multi-picture JPEG whose last picture does not lie inside the file's `count` bytes."""
    entries = (image.mpinfo or {})[_MP_ENTRIES]
    image.seek(image.n_frames - 1)
    end = image.offset + entries[-1]["Size"]
    image.seek(0)
    if end > count:
        raise damaged("JPEG", count)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none or the EXIF block makes no sense."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, ValueError, TypeError, KeyError, OSError, OverflowError):
        return 1


def _sixteen_bits(image: PngImageFile, data: bytes) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Return a 16-bit PNG as 8-bit RGB on white. Pillow itself keeps only the high byte of colours.

    The low bytes come from a second pass: read as little-endian, the "high" byte of a big-endian sample is its low one.
    """
    alpha = None
    if image.mode == "I;16":
        samples = np.asarray(image)[..., None]
    elif data[25] == _GREY_ALPHA:
        four = _decoded_as(data, "RGBA").astype(np.uint16)
        samples, alpha = four[..., 0:1] << 8 | four[..., 1:2], four[..., 2] << 8 | four[..., 3]
    else:
        high, low = (_decoded_as(data, f"{image.mode};16{order}") for order in "BL")
        samples = high.astype(np.uint16) << 8 | low
        if image.mode == "RGBA":
            samples, alpha = samples[..., :3], samples[..., 3]
    pixels, notes = to_eight_bits(samples)
    if "transparency" in image.info:
        pixels[(samples == np.asarray(image.info["transparency"], np.uint16)).all(axis=2)] = 255
    if alpha is not None:
        pixels = over_white(pixels, to_eight_bits(alpha)[0])
    return as_rgb(pixels), notes


def _decoded_as(data: bytes, rawmode: str) -> np.ndarray:
    """Decode a PNG with another reading of its bytes than the one Pillow would choose."""
    image = PngImageFile(BytesIO(data))
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]
    return np.asarray(image)
