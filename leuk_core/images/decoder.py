"""The one decoder: bytes to `SmearImage`. Nothing else in this project opens the bytes of a picture."""

import hashlib
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from leuk_core.errors import RejectedPicture
from leuk_core.images import raster, tiff
from leuk_core.images.picture import Note, SmearImage
from leuk_core.images.refusals import check_bytes, damaged, not_a_picture
from leuk_core.images.samples import Raster

# Pillow warns about odd tags on standard error; what a person should know becomes a note. Set once, because the
# standard library's way to silence warnings for one call is not safe with several threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

_LOG = logging.getLogger(__name__)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_EVEN = 6
"""A picture whose grey values in each channel differ by no more than this shows nothing."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of file: its name, how its content begins, and what reads it."""

    name: str
    begins: Callable[[bytes], bool]
    read: Callable[[bytes], Raster]


def _read_dicom(data: bytes) -> Raster:
    from leuk_core.images.dicom import read_dicom  # noqa: PLC0415 (pydicom loads for half a second; most never need it)

    return read_dicom(data)


def _starts(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(starts)


_KINDS = (
    _Kind("PNG", _starts(b"\x89PNG\r\n\x1a\n"), raster.read_png),
    _Kind("JPEG", _starts(b"\xff\xd8\xff"), raster.read_jpeg),
    _Kind("TIFF", _starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), tiff.read_tiff),
    _Kind("GIF", _starts(b"GIF87a", b"GIF89a"), raster.read_gif),
    _Kind("WebP", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", raster.read_webp),
    _Kind("JPEG 2000", _starts(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), raster.read_jpeg2000),
    _Kind("HEIC", lambda data: data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS, raster.read_heic),
    _Kind("DICOM", lambda data: data[128:132] == b"DICM", _read_dicom),
    _Kind("BMP", _starts(b"BM"), raster.read_bmp),
)


def decode(data: bytes, name: str) -> SmearImage:
    """Decode the bytes of a picture file; what kind it is, its content tells and never its name.

    Parameters
    ----------
    data : bytes
        A whole file: PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000, DICOM, or HEIC where pillow-heif is installed. At most
        `settings().max_upload_mb` megabytes.
    name : str
        File name as received; kept for the screen and used for nothing else.

    Returns
    -------
    SmearImage
        Upright 8-bit RGB of at most `settings().max_megapixels`, laid on white where it was transparent. Its notes say
        what a person should know: "frame" (the first of several), "bit-depth" (scaled to 8 bits), "blank" (no cell on
        it), "scale" (a scale that cannot be believed), "burned-in" (a DICOM that may show a name).

    Raises
    ------
    RejectedPicture
        Whatever the bytes are, with one sentence that says what is wrong, what was received and what to do. It does not
        hold `name`: see `RejectedPicture.about`.

    Notes
    -----
    Only decoded pixels are kept: no EXIF, no DICOM identity, no upload. Size limits are checked before memory is spent.
    Safe in several threads.
    """
    check_bytes(len(data))
    data = bytes(data)
    kind = next((kind for kind in _KINDS if kind.begins(data)), None)
    if kind is None:
        raise not_a_picture(data)
    found = _read(kind, data)
    pixels = np.ascontiguousarray(found.pixels)
    return SmearImage(
        pixels=pixels,
        name=name,
        file_sha256=hashlib.sha256(data).hexdigest(),
        format=kind.name,
        notes=found.notes + _blank(pixels),
        microns_per_pixel=found.microns_per_pixel,
    )


def _read(kind: _Kind, data: bytes) -> Raster:
    """Call the reader and turn whatever a library raises over damaged bytes into our one sentence."""
    try:
        return kind.read(data)
    except RejectedPicture:
        raise
    except MemoryError as error:
        raise RejectedPicture(
            f"This picture does not fit into the memory that is left (received {len(data)} bytes of a {kind.name}): "
            "close other pictures or crop it to the field of interest."
        ) from error
    except Exception as error:  # Pillow, libtiff and pydicom raise errors of two dozen types over damaged bytes
        _LOG.debug("%s refused over %s", kind.name, type(error).__name__)
        raise damaged(kind.name, len(data)) from error


def _blank(pixels: np.ndarray) -> tuple[Note, ...]:
    """Return a note where the whole picture is one even colour."""
    spread = pixels.max(axis=(0, 1)).astype(int) - pixels.min(axis=(0, 1))
    return (Note("blank", "one even colour all over: there is no cell on it"),) if spread.max() <= _EVEN else ()
