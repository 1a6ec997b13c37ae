"""Deep, signed, planar, packed, premultiplied and turned samples come out as the same 8-bit picture."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from leuk_core.errors import RejectedPicture
from leuk_core.images import decode
from tests.images.picture_makers import cell, saved, tiff

RGB = cell(48, 32, noise=12)
GREY = RGB[..., 1]
DEEP = RGB.astype(np.uint16) * 257
PLANES = np.ascontiguousarray(np.moveaxis(DEEP, 2, 0))
ALPHA = np.linspace(0, 65535, GREY.size).reshape(GREY.shape).astype(np.uint16)
OPACITY = (ALPHA / 65535)[..., None]
ON_WHITE = RGB * OPACITY + 255 * (1 - OPACITY)
FLOAT_GREY = Image.fromarray((GREY / 255).astype(np.float32))
DEEP_GREY = Image.fromarray(GREY.astype(np.uint16) * 257)


def grey(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture[..., None], 3, axis=2)


def packed_12_bits() -> bytes:
    """An uncompressed TIFF of 12-bit samples, two in three bytes, as some cameras write it."""
    samples = (GREY.astype(np.uint32) * 4095 + 127) // 255
    pairs = samples.reshape(-1, 2)
    raw = b"".join(int(a << 12 | b).to_bytes(3, "big") for a, b in pairs)
    tags = [
        (256, GREY.shape[1]),
        (257, GREY.shape[0]),
        (258, 12),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (279, len(raw)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<2sHI", b"II", 42, 8 + len(raw)) + raw + struct.pack("<H", len(tags)) + entries + bytes(4)


def png_16(samples: np.ndarray, colour: int) -> bytes:
    """A 16-bit PNG of (height, width, channels) samples, which Pillow itself cannot write in colour."""
    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SAME = {
    "planes": (lambda: tiff(PLANES, photometric="rgb", planarconfig="separate"), RGB),
    "planes, deflate, strips": (
        lambda: tiff(
            PLANES, photometric="rgb", planarconfig="separate", compression="zlib", predictor=True, rowsperstrip=5
        ),
        RGB,
    ),
    "planes, tiles": (lambda: tiff(PLANES, photometric="rgb", planarconfig="separate", tile=(16, 32)), RGB),
    "tiles, predictor": (
        lambda: tiff(DEEP, photometric="rgb", tile=(32, 16), compression="zlib", predictor=True),
        RGB,
    ),
    "big-endian, predictor": (
        lambda: tiff(DEEP, photometric="rgb", byteorder=">", compression="zlib", predictor=True),
        RGB,
    ),
    "BigTIFF": (lambda: tiff(DEEP, photometric="rgb", bigtiff=True), RGB),
    "32 bits": (lambda: tiff(RGB.astype(np.uint32) * 16843009, photometric="rgb"), RGB),
    "half precision": (lambda: tiff((RGB / 255).astype(np.float16), photometric="rgb"), RGB),
    "double precision, big-endian": (lambda: tiff(RGB / 255, photometric="rgb", byteorder=">"), RGB),
    "floating point to 255": (lambda: tiff(RGB.astype(np.float32), photometric="rgb"), RGB),
    "floating-point predictor, LZW": (
        lambda: saved(FLOAT_GREY, "TIFF", compression="tiff_lzw", tiffinfo={317: 3}),
        grey(GREY),
    ),
    "LZW, predictor": (lambda: saved(DEEP_GREY, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}), grey(GREY)),
    "PackBits": (lambda: saved(DEEP_GREY, "TIFF", compression="packbits"), grey(GREY)),
    "12 bits packed": (packed_12_bits, grey(GREY)),
    "white is zero": (
        lambda: tiff(GREY.astype(np.uint16) * 257, photometric="miniswhite"),
        255 - grey(GREY),
    ),
    "alpha": (lambda: tiff(np.dstack([DEEP, ALPHA]), photometric="rgb", extrasamples=["unassalpha"]), ON_WHITE),
    "premultiplied alpha": (
        lambda: tiff(
            np.dstack([np.rint(DEEP * OPACITY).astype(np.uint16), ALPHA]),
            photometric="rgb",
            extrasamples=["assocalpha"],
        ),
        ON_WHITE,
    ),
    "PNG": (lambda: png_16(DEEP, 2), RGB),
    "PNG with alpha": (lambda: png_16(np.dstack([DEEP, ALPHA]), 6), ON_WHITE),
    "grey PNG with alpha": (
        lambda: png_16(np.dstack([DEEP[..., :1], ALPHA]), 4),
        grey(RGB[..., 0]) * OPACITY + 255 * (1 - OPACITY),
    ),
    "12 bits in a 16-bit PNG": (lambda: png_16(RGB.astype(np.uint16) * 16, 2), RGB * (16 * 255 / 4095)),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), SAME.values(), ids=SAME)
def test_deep_samples_keep_their_picture(data, expected) -> None:
    image = decode(data(), "picture")
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected.astype(float)).max() < 1.01
    assert "bit-depth" in [note.code for note in image.notes]


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_camera_of_any_depth_is_neither_white_nor_nearly_black(bits: int) -> None:
    image = decode(tiff(RGB.astype(np.uint16) << (bits - 8), photometric="rgb"), "picture")
    assert abs(float(image.pixels.mean()) - float(RGB.mean())) < 1.5
    assert f"{bits} bits" in image.notes[0].text


def test_numbers_that_are_none_are_said() -> None:
    samples = RGB.astype(np.float32) / 255
    samples[3, 5] = np.nan
    image = decode(tiff(samples, photometric="rgb"), "picture")
    assert image.pixels[3, 5].tolist() == [0, 0, 0]
    assert "3 values that are no numbers" in image.notes[0].text


def test_negative_samples_are_stretched_and_said() -> None:
    image = decode(tiff(RGB.astype(np.int16) - 200, photometric="rgb"), "picture")
    assert (image.pixels.min(), image.pixels.max()) == (0, 255)
    assert "may not be true" in image.notes[0].text


@pytest.mark.parametrize(
    "data",
    [
        lambda: tiff(np.dstack([DEEP, DEEP]), photometric="rgb"),
        lambda: tiff(np.dstack([DEEP, ALPHA]), photometric="separated"),
        lambda: tiff(GREY.astype(np.complex64)),
    ],
    ids=["six channels", "deep CMYK", "complex"],
)
def test_samples_without_a_clear_meaning_are_refused(data) -> None:
    with pytest.raises(RejectedPicture, match=r"TIFF of a variant that is not read \(received \d channels of \d+ bits"):
        decode(data(), "picture")


STORED_FOR = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF, 16 bits"])
@pytest.mark.parametrize("orientation", STORED_FOR)
def test_orientation_is_applied_once(orientation: int, form: str) -> None:
    stored = Image.fromarray(RGB).transpose(STORED_FOR[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    tag = [(274, "H", 1, orientation, True)]
    if form == "TIFF":
        data = tiff(np.asarray(stored), photometric="rgb", compression="zlib", extratags=tag)
    elif form == "TIFF, 16 bits":
        data = tiff(np.asarray(stored).astype(np.uint16) * 257, photometric="rgb", extratags=tag)
    else:
        data = saved(stored, form, exif=exif, quality=95, lossless=True)
    image = decode(data, "picture")
    assert image.pixels.shape == RGB.shape
    assert np.abs(image.pixels - RGB.astype(float)).mean() < 8  # JPEG smooths the noise; a wrong turn gives 25 and more
