"""TIFF: directories checked against the file, ordinary pictures by Pillow, deep ones from their own samples.

Pillow keeps the high byte of 16-bit colours, which turns a 12-bit camera's picture nearly black, and has no colours in
floating point. So deep pictures are put together here: each strip or tile is expanded by Pillow's libtiff as plain
bytes, and those bytes are read as the samples that the directory describes. Over broken data libtiff may write a line
of its own to standard error, which names neither file nor person.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL.TiffImagePlugin import TiffImageFile

from leuk_core.errors import RejectedPicture
from leuk_core.images.picture import Note
from leuk_core.images.refusals import check_size, damaged, unsupported
from leuk_core.images.samples import Raster, as_rgb, frame_note, over_white, rgb_on_white, to_eight_bits, upright
from leuk_core.images.scale import from_description, from_resolution

_MOST_PAGES = 10_000
_MOST_CHANNELS = 6
_NONE = 1
_BYTE_COMPRESSIONS = {_NONE, 5, 8, 32773, 32946, 34925, 50000}
"""None, LZW, deflate, PackBits, old deflate, LZMA, Zstandard: what they give back are plain bytes."""

_TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 5: "u4", 6: "i1", 7: "u1", 8: "i2", 9: "i4", 10: "i4", 11: "f4",
          12: "f8", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}  # fmt: skip
_PAIRS = {5, 10}
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_WANTED = {
    "subfile": 254, "width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "fill_order": 266,
    "description": 270, "offsets": 273, "orientation": 274, "channels": 277, "rows": 278, "counts": 279, "x": 282,
    "y": 283, "planar": 284, "unit": 296, "predictor": 317, "tile_width": 322, "tile_height": 323, "tile_offsets": 324,
    "tile_counts": 325, "extra": 338, "format": 339, "jpeg_tables": 347,
}  # fmt: skip
_NAMES = {number: name for name, number in _WANTED.items()}
_DEFAULTS = {"bits": 1, "compression": _NONE, "photometric": 1, "fill_order": 1, "orientation": 1, "channels": 1,
             "planar": 1, "unit": 2, "predictor": 1, "format": 1, "subfile": 0, "extra": 0}  # fmt: skip
_ABSENT = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Page:
    """One directory: the tags in `_WANTED` that it has, each as an array."""

    tags: dict[str, np.ndarray]
    order: str

    def get(self, name: str) -> int:
        """Return a tag's first value, or the default that the TIFF specification gives it."""
        values = self.tags.get(name)
        return int(values[0]) if values is not None and values.size else _DEFAULTS[name]

    def text(self) -> str:
        """Return the description."""
        return self.tags.get("description", _ABSENT).tobytes().decode("utf-8", "replace").rstrip("\0 ")

    def resolution(self) -> tuple[float, float] | None:
        """Return pixels a unit, across and down, where both tags make sense."""
        across, down = self.tags.get("x", _ABSENT), self.tags.get("y", _ABSENT)
        if across.size != 2 or down.size != 2 or across[1] == 0 or down[1] == 0:
            return None
        return float(across[0]) / float(across[1]), float(down[0]) / float(down[1])

    @property
    def tiled(self) -> bool:
        """Whether the picture is cut into tiles rather than strips."""
        return "tile_offsets" in self.tags

    def block(self) -> tuple[int, int]:
        """Return width and height of a strip or tile."""
        width, height = int(self.tags["width"][0]), int(self.tags["height"][0])
        if self.tiled:
            return int(self.tags["tile_width"][0]), int(self.tags["tile_height"][0])
        return width, min(height, int(self.tags["rows"][0]) if "rows" in self.tags else height)


def read_tiff(data: bytes) -> Raster:
    """Read the first page of a TIFF or BigTIFF.

    Samples of 1 to 64 bits, integer or floating point; strips or tiles, interleaved or in planes; grey, RGB and palette
    with or without alpha; through Pillow also CMYK, YCbCr and JPEG compression at 8 bits.

    Raises
    ------
    RejectedPicture
        If the file is cut off, too large, or of a variant that is not read.
    """
    pages = list(pages_of(data))
    if not pages or not {"width", "height"} <= pages[0].tags.keys():
        raise damaged("TIFF", len(data))
    page = pages[0]
    check_size(int(page.tags["width"][0]), int(page.tags["height"][0]))
    for each in pages:
        check_whole(data, each)
    notes = frame_note(max(sum(not each.get("subfile") & 5 for each in pages), _imagej_pages(page)), "page")
    pixels, depth = _deep(data, page) if is_deep(page) else (_by_pillow(data, page), ())
    scale, scale_notes = from_description(page.text(), page.resolution()) or (
        from_resolution(page.resolution(), page.get("unit")),
        (),
    )
    return Raster(pixels, notes + depth + scale_notes, scale)


def pixels_of(data: bytes) -> np.ndarray:
    """Return the 8-bit RGB pixels of an ordinary TIFF that this program put together itself: see `tiff_blocks`."""
    return _by_pillow(data, next(pages_of(data)))


def pages_of(data: bytes) -> Iterator[Page]:
    """Follow the chain of directories, refusing one that leaves the file, turns in a circle or never ends."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"\x2b\x00", b"\x00\x2b")
    count_form, entry_bytes, next_form = ("Q", 20, "Q") if big else ("H", 12, "I")
    seen: set[int] = set()
    try:
        (place,) = struct.unpack_from(order + next_form, data, 8 if big else 4)
        while place:
            if place in seen or len(seen) >= _MOST_PAGES:
                raise damaged("TIFF", len(data))
            seen.add(place)
            (entries,) = struct.unpack_from(order + count_form, data, place)
            first = place + struct.calcsize(count_form)
            if first + entries * entry_bytes > len(data):
                raise damaged("TIFF", len(data))
            yield Page(_tags(data, order, big, range(first, first + entries * entry_bytes, entry_bytes)), order)
            (place,) = struct.unpack_from(order + next_form, data, first + entries * entry_bytes)
    except struct.error:
        raise damaged("TIFF", len(data)) from None


def _tags(data: bytes, order: str, big: bool, entries: range) -> dict[str, np.ndarray]:
    """Return the wanted tags of one directory as arrays."""
    tags = {}
    room = 8 if big else 4
    for place in entries:
        number, kind = struct.unpack_from(order + "HH", data, place)
        (count,) = struct.unpack_from(order + ("Q" if big else "I"), data, place + 4)
        if number not in _NAMES or kind not in _TYPES:
            continue
        form = np.dtype(order + _TYPES[kind])
        count *= 2 if kind in _PAIRS else 1
        inside = place + 4 + room
        if count * form.itemsize > room:
            (inside,) = struct.unpack_from(order + ("Q" if big else "I"), data, inside)
        if inside + count * form.itemsize > len(data):
            raise damaged("TIFF", len(data))
        tags[_NAMES[number]] = np.frombuffer(data, form, count, inside)
    return tags


def check_whole(data: bytes, page: Page) -> None:
    """Refuse a page whose strips or tiles do not lie inside the file, or whose tiles are larger than any picture."""
    offsets = page.tags.get("tile_offsets" if page.tiled else "offsets")
    counts = page.tags.get("tile_counts" if page.tiled else "counts")
    if offsets is None or not offsets.size or not {"width", "height"} <= page.tags.keys():
        raise damaged("TIFF", len(data))
    if counts is not None:
        ends = offsets.astype(np.float64)[: counts.size] + counts.astype(np.float64)[: offsets.size]
    else:
        ends = offsets.astype(np.float64) + 1
    if (ends > len(data)).any():
        raise damaged("TIFF", len(data))
    if page.tiled:
        if not {"tile_width", "tile_height"} <= page.tags.keys():
            raise damaged("TIFF", len(data))
        check_size(*page.block())


def is_deep(page: Page) -> bool:
    """Return whether samples need scaling: more than 8 bits, signed, or floating point."""
    return page.get("bits") > 8 or page.get("format") not in (1, 4)


def _by_pillow(data: bytes, page: Page) -> np.ndarray:
    """Decode an ordinary page; Pillow turns it upright itself."""
    if page.get("channels") > _MOST_CHANNELS:
        raise _variant(page)
    image = TiffImageFile(BytesIO(data))
    if sorted(image.size) != sorted((int(page.tags["width"][0]), int(page.tags["height"][0]))):
        raise damaged("TIFF", len(data))
    image.load()
    return rgb_on_white(image)


def _deep(data: bytes, page: Page) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Decode a page of deep samples to 8-bit RGB on white, upright."""
    photometric, channels = page.get("photometric"), page.get("channels")
    colours = {0: 1, 1: 1, 2: 3}.get(photometric)
    if colours is None or channels not in (colours, colours + 1) or page.get("compression") not in _BYTE_COMPRESSIONS:
        raise _variant(page)
    samples = _samples(data, page)
    extra = page.get("extra") if channels > colours else 0
    if channels > colours and extra not in (1, 2):
        raise _variant(page)
    premultiplied = extra == 1
    scaled, notes = to_eight_bits(samples if premultiplied else samples[..., :colours])
    if photometric == 0:
        scaled[..., :colours] = 255 - scaled[..., :colours]
    if extra:
        alpha = scaled[..., colours] if premultiplied else to_eight_bits(samples[..., colours])[0]
        scaled = over_white(scaled[..., :colours], alpha, premultiplied=premultiplied)
    return upright(as_rgb(scaled), page.get("orientation")), notes


def _samples(data: bytes, page: Page) -> np.ndarray:
    """Put the strips or tiles of a page together.

    Returns
    -------
    ndarray of shape (height, width, channels)
        In the type that the directory declares; packed 12-bit samples as uint16.
    """
    width, height, channels = int(page.tags["width"][0]), int(page.tags["height"][0]), page.get("channels")
    bits, kind = page.get("bits"), _KINDS.get(page.get("format"))
    packed = bits == 12
    if kind is None or not (packed or bits in (8, 16, 32, 64)) or (kind == "f" and bits == 8):
        raise _variant(page)
    form = np.dtype("u2") if packed else np.dtype(f"{page.order}{kind}{bits // 8}")
    planes = channels if page.get("planar") == 2 else 1
    inside = channels // planes
    across, down = page.block()
    columns, rows = -(-width // across), -(-height // down)
    offsets = page.tags["tile_offsets" if page.tiled else "offsets"]
    counts = page.tags.get("tile_counts" if page.tiled else "counts")
    if offsets.size < planes * rows * columns or (counts is not None and counts.size < offsets.size):
        raise damaged("TIFF", len(data))
    row_bytes = (across * inside * bits + 7) // 8
    out = np.empty((height, width, channels), form.newbyteorder("="))
    for number in range(planes * rows * columns):
        plane, row, column = number // (rows * columns), number // columns % rows, number % columns
        top, left = row * down, column * across
        lines = down if page.tiled else min(down, height - top)
        start = int(offsets[number])
        length = int(counts[number]) if counts is not None else row_bytes * lines
        plain = _expanded(data[start : start + length], row_bytes, lines, page)
        block = _unpacked(plain, across * inside) if packed else _typed(plain, form, page.get("predictor"), inside)
        block = block.reshape(lines, across, inside)[: height - top, : width - left]
        out[top : top + lines, left : left + across, plane * inside : (plane + 1) * inside] = block
    return out


def _expanded(chunk: bytes, row_bytes: int, rows: int, page: Page) -> np.ndarray:
    """Return the bytes of one strip or tile, uncompressed, shape (rows, row_bytes).

    A compressed one is wrapped into a TIFF of its own, eight-bit grey and `row_bytes` wide, so that libtiff undoes the
    compression and leaves the meaning of the bytes to us.
    """
    if page.get("compression") == _NONE:
        return np.frombuffer(chunk, np.uint8, rows * row_bytes).reshape(rows, row_bytes)
    entries = (
        (256, row_bytes), (257, rows), (258, 8), (259, page.get("compression")), (262, 1),
        (266, page.get("fill_order")), (273, 8 + 2 + 10 * 12 + 4), (277, 1), (278, rows), (279, len(chunk)),
    )  # fmt: skip
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    directory = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in entries)
    return np.asarray(TiffImageFile(BytesIO(head + directory + bytes(4) + chunk)))


def _typed(plain: np.ndarray, form: np.dtype, predictor: int, channels: int) -> np.ndarray:
    """Read rows of bytes as samples and undo the predictor: 2 sums along the row, 3 is TIFF's floating-point one."""
    rows = plain.shape[0]
    if predictor == 3:
        steps = plain.reshape(rows, -1, channels)
        summed = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(rows, form.itemsize, -1)
        return np.ascontiguousarray(summed.swapaxes(1, 2)).view(form.newbyteorder(">"))
    if predictor == 2:
        whole = np.dtype(f"{form.byteorder}u{form.itemsize}")
        steps = plain.view(whole).reshape(rows, -1, channels)
        return np.cumsum(steps, axis=1, dtype=whole.newbyteorder("=")).view(form.newbyteorder("="))
    return plain.view(form)


def _unpacked(plain: np.ndarray, samples: int) -> np.ndarray:
    """Return 12-bit samples, two in three bytes, as uint16 of shape (rows, samples)."""
    rows = plain.shape[0]
    padded = np.zeros((rows, -(-samples // 2) * 3), np.uint16)
    padded[:, : plain.shape[1]] = plain
    first, middle, last = padded[:, 0::3], padded[:, 1::3], padded[:, 2::3]
    pairs = np.stack([first << 4 | middle >> 4, (middle & 0xF) << 8 | last], axis=2)
    return np.ascontiguousarray(pairs.reshape(rows, -1)[:, :samples])


def _imagej_pages(page: Page) -> int:
    """Return the number of pictures that ImageJ put behind a single directory."""
    lines = page.text().splitlines()
    if not lines or not lines[0].startswith("ImageJ="):
        return 1
    counts = [line.removeprefix("images=") for line in lines if line.startswith("images=")]
    return int(counts[0]) if counts and counts[0].isdecimal() else 1


def _variant(page: Page) -> RejectedPicture:
    """Return the refusal of a page whose samples are of a kind that is not read, in numbers."""
    return unsupported(
        "TIFF",
        f"{page.get('channels')} channels of {page.get('bits')} bits, colour model {page.get('photometric')}, "
        f"compression {page.get('compression')}",
        "save it as RGB with 8 or 16 bits a channel",
    )
