"""Is the file whole, and how large will it get? Answered from its structure, before a pixel is decoded.

Decoders forgive: they return a picture whose last rows or whose last frames are missing, and some set memory aside for
a canvas before anyone could look at its size. These walks follow each format's own blocks to its own end mark.
"""

import struct
import zlib

from leuk_core.images.refusals import check_size, damaged

_PNG_SIGNATURE = 8
_JPEG2000_START = b"\xff\x4f\xff\x51"
_END_OF_CODESTREAM = b"\xff\xd9"


def check_png(data: bytes) -> int:
    """Follow the chunks of a PNG to IEND, their checksums included, and return the bits of a sample.

    Raises
    ------
    RejectedPicture
        If a chunk is missing, cut or changed, or the picture too large or too small.
    """
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise damaged("PNG", len(data))
    check_size(*struct.unpack_from(">II", data, 16))
    place = _PNG_SIGNATURE
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            break
        needed = name[:1].isupper()
        if needed and zlib.crc32(memoryview(data)[place + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            break
        if name == b"IEND":
            return data[24]
        place = end
    raise damaged("PNG", len(data))


def check_gif(data: bytes) -> int:
    """Follow the blocks of a GIF to its trailer and return the number of frames.

    Raises
    ------
    RejectedPicture
        If a block is cut, the trailer is missing, or the canvas is too large or too small.
    """
    try:
        width, height, flags = struct.unpack_from("<HHB", data, 6)
        place, frames = 13 + _palette_bytes(flags), 0
        while data[place] != 0x3B:
            if data[place] == 0x2C:
                left, top, across, down, flags = struct.unpack_from("<HHHHB", data, place + 1)
                if not frames:
                    check_size(max(width, left + across), max(height, top + down))
                frames += 1
                place = _after_blocks(data, place + 11 + _palette_bytes(flags))
            elif data[place] == 0x21:
                place = _after_blocks(data, place + 2)
            else:
                break
        else:
            if frames:
                return frames
    except (IndexError, struct.error):
        pass
    raise damaged("GIF", len(data))


def check_webp(data: bytes) -> None:
    """Compare the length that a WebP declares with what is there, and check the size of its canvas.

    Raises
    ------
    RejectedPicture
        If the file is cut, or the picture too large or too small.
    """
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise damaged("WebP", len(data))
    form = data[12:16]
    if form == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif form == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", data, 26))
    check_size(width, height)


def check_jpeg2000(data: bytes) -> int:
    """Find the codestream of a JPEG 2000, check its size and its end mark, and return the bits of a sample.

    Raises
    ------
    RejectedPicture
        If there is none, it does not end, or the picture is too large or too small.
    """
    start = data.find(_JPEG2000_START)
    if start < 0 or len(data) < start + 43 or data.rfind(_END_OF_CODESTREAM) < start + 43:
        raise damaged("JPEG 2000", len(data))
    right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
    check_size(right - left, bottom - top)
    return (data[start + 42] & 0x7F) + 1


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG without an end mark after its last scan began.

    Raises
    ------
    RejectedPicture
        If the end mark is missing.
    """
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise damaged("JPEG", len(data))


def _palette_bytes(flags: int) -> int:
    """Return the length of the colour table that follows a GIF descriptor."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> int:
    """Return the place behind a chain of GIF sub-blocks, which an empty one ends."""
    while data[place]:
        place += data[place] + 1
    return place + 1
