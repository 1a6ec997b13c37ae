"""Every sentence with which a file is turned away, and the limits that are checked before memory is spent."""

from leuk_core.errors import RejectedPicture, TooLarge
from leuk_core.settings import settings

MEGABYTE = 1024 * 1024
MOST_PIXELS = 178_000_000
"""Pillow refuses more, whatever `max_megapixels` says."""

READABLE = "PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000 or DICOM"

_LOOKS_LIKE = (
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "XML text"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"%pdf", "a PDF document"),
    (b"%!ps", "a PostScript document"),
    (b"pk\x03\x04", "a ZIP archive or an office document"),
    (b"mz", "a program"),
    (b"\x7felf", "a program"),
    (b"zisraw", "a Zeiss CZI slide"),
    (b"\x89hdf", "an HDF5 file"),
)


def check_bytes(count: int) -> None:
    """Refuse a file that is empty or larger than `max_upload_mb`.

    Raises
    ------
    RejectedPicture
        With one sentence that says so.
    """
    if count == 0:
        raise RejectedPicture("This file is empty (received 0 bytes): copy it again from where it was made.")
    limit = settings().max_upload_mb
    if count > limit * MEGABYTE:
        raise RejectedPicture(
            f"This file is too large (received {count / MEGABYTE:.1f} MB, at most {limit} MB are read): "
            "save the field of interest alone, or raise LEUK_MAX_UPLOAD_MB."
        )


def check_size(width: int, height: int) -> None:
    """Refuse a picture of more than `max_megapixels`, or with a side below `min_side` pixels.

    Raises
    ------
    TooLarge, RejectedPicture
        With one sentence that says so.
    """
    limits = settings()
    allowed = min(limits.max_megapixels * 1e6, MOST_PIXELS)
    if width * height > allowed:
        raise TooLarge(
            f"This picture is too large (received {width} x {height} pixels, which are "
            f"{width * height / 1e6:.0f} megapixels; at most {allowed / 1e6:.0f} are read): "
            "crop it to the field of interest, or raise LEUK_MAX_MEGAPIXELS."
        )
    if min(width, height) < limits.min_side:
        raise RejectedPicture(
            f"This picture is too small to hold a cell (received {width} x {height} pixels, at least "
            f"{limits.min_side} x {limits.min_side} are needed): choose it in its full size."
        )


def not_a_picture(data: bytes) -> RejectedPicture:
    """Return the refusal of bytes that begin like no picture, naming what they look like where that is known."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    looks = next((words for start, words in _LOOKS_LIKE if head.startswith(start)), None)
    received = f"{looks}, {len(data)} bytes" if looks else f"{len(data)} bytes of an unknown kind"
    return RejectedPicture(
        f"This file is not a picture that can be read (received {received}): choose a {READABLE} file."
    )


def damaged(kind: str, count: int) -> RejectedPicture:
    """Return the refusal of a file of a known `kind` whose `count` bytes do not decode to their end."""
    return RejectedPicture(
        f"This file is damaged or cut off (received {count} bytes of a {kind} that do not decode to a whole picture): "
        "copy it again from the original, or open it in an image program and save it as PNG."
    )


def unsupported(kind: str, received: str, remedy: str = "save it as PNG or as 8-bit TIFF") -> RejectedPicture:
    """Return the refusal of a sound file of a known `kind` in a variant that is not read."""
    return RejectedPicture(f"This file is a {kind} of a variant that is not read (received {received}): {remedy}.")
