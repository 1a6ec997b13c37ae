"""A TIFF read block by block, so that a slide of gigabytes needs the memory of what is looked at.

Each strip or tile is wrapped into a TIFF of its own and goes through the ordinary reader with its ordinary limits.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from PIL.TiffImagePlugin import COMPRESSION_INFO

from leuk_core.errors import RejectedPicture
from leuk_core.images.refusals import check_size, damaged, unsupported
from leuk_core.images.scale import from_description, from_resolution
from leuk_core.images.tiff import Page, check_whole, is_deep, pages_of, pixels_of

_COPIED = {
    "photometric": (262, 3), "fill_order": (266, 3), "channels": (277, 3), "predictor": (317, 3), "extra": (338, 3),
    "format": (339, 3), "bits": (258, 3), "compression": (259, 3), "jpeg_tables": (347, 7),
}  # fmt: skip
_COLOUR_MODELS = (0, 1, 2, 6)
"""White or black is zero, RGB, YCbCr."""


class TiffBlocks:
    """The first page of a TIFF, opened but not decoded.

    Parameters
    ----------
    data : bytes or mmap
        The whole file.

    Raises
    ------
    RejectedPicture
        If the file is cut off, a block is larger than a picture may be, or the page is of a variant that can't be read
        in parts.
    """

    def __init__(self, data: Any) -> None:
        pages = list(pages_of(data))
        if not pages or not {"width", "height"} <= pages[0].tags.keys():
            raise damaged("TIFF", len(data))
        self._data, self._page = data, pages[0]
        check_whole(data, self._page)
        self._check_readable()
        self.width, self.height = (int(self._page.tags[side][0]) for side in ("width", "height"))
        self._across, self._down = self._page.block()
        check_size(self._across, max(self._down, 16))
        resolution = self._page.resolution()
        said = from_description(self._page.text(), resolution) or (from_resolution(resolution, self._page.get("unit")),)
        self.microns_per_pixel: float | None = said[0]
        self._kept: dict[int, np.ndarray] = {}

    def region(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """Return a part of the page, uint8 RGB; the blocks it lies in are kept until the next call."""
        out = np.empty((height, width, 3), np.uint8)
        columns = -(-self.width // self._across)
        needed: dict[int, np.ndarray] = {}
        for row in range(top // self._down, -(-(top + height) // self._down)):
            for column in range(left // self._across, -(-(left + width) // self._across)):
                number = row * columns + column
                block = self._kept[number] if number in self._kept else self._block(number, row)
                needed[number] = block
                y, x = row * self._down, column * self._across
                y0, x0 = max(top, y), max(left, x)
                y1, x1 = min(top + height, y + block.shape[0]), min(left + width, x + block.shape[1])
                out[y0 - top : y1 - top, x0 - left : x1 - left] = block[y0 - y : y1 - y, x0 - x : x1 - x]
        self._kept = needed
        return out

    def _check_readable(self) -> None:
        page = self._page
        channels, compression = page.get("channels"), page.get("compression")
        if compression not in COMPRESSION_INFO:  # such as JPEG 2000 in the slides of some scanners
            raise unsupported("TIFF", f"one of compression {compression}", "save it uncompressed, as LZW or as JPEG")
        upright = page.get("orientation") == 1 and page.get("photometric") in _COLOUR_MODELS
        together = page.get("planar") == 1 or channels == 1
        if upright and together and channels <= 4 and page.get("bits") == 8 and not is_deep(page):
            return
        raise unsupported(
            "TIFF",
            f"one to be read in parts, {channels} channels of {page.get('bits')} bits, "
            f"colour model {page.get('photometric')}, orientation {page.get('orientation')}",
            "save it upright with 8 bits a channel, grey or RGB",
        )

    def _block(self, number: int, row: int) -> np.ndarray:
        page = self._page
        kind = "tile_" if page.tiled else ""
        offsets, counts = page.tags[f"{kind}offsets"], page.tags.get(f"{kind}counts")
        if number >= offsets.size or counts is None or number >= counts.size:
            raise damaged("TIFF", len(self._data))
        rows = self._down if page.tiled else min(self._down, self.height - row * self._down)
        start = int(offsets[number])
        chunk = bytes(self._data[start : start + int(counts[number])])
        if not chunk:  # slide scanners leave empty ground out
            return np.full((rows, self._across, 3), 255, np.uint8)
        try:
            return pixels_of(_wrapped(chunk, self._across, rows, page))
        except RejectedPicture:
            raise
        except Exception as error:  # Pillow and libtiff raise errors of many types over damaged bytes
            raise damaged("TIFF", len(self._data)) from error


def _wrapped(chunk: bytes, width: int, rows: int, page: Page) -> bytes:
    """Return a TIFF of one strip that holds a block with everything that tells how to read it."""
    entries: dict[int, tuple[int, bytes, int]] = {}
    for name, (number, kind) in _COPIED.items():
        values = page.tags.get(name)
        if values is not None and values.size:
            form = "<u2" if kind == 3 else "u1"
            entries[number] = (kind, values.astype(form).tobytes(), int(values.size))
    for number, value in ((256, width), (257, rows), (278, rows), (279, len(chunk)), (284, 1), (273, 0)):
        entries[number] = (4, struct.pack("<I", value), 1)
    place = 8 + 2 + len(entries) * 12 + 4
    beyond = b""
    start = place + sum(len(raw) + len(raw) % 2 for _, raw, _ in entries.values() if len(raw) > 4)
    entries[273] = (4, struct.pack("<I", start), 1)
    directory = b""
    for number, (kind, raw, count) in sorted(entries.items()):
        if len(raw) > 4:
            directory += struct.pack("<HHII", number, kind, count, place + len(beyond))
            beyond += raw + b"\0" * (len(raw) % 2)
        else:
            directory += struct.pack("<HHI", number, kind, count) + raw.ljust(4, b"\0")
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4) + beyond + chunk
