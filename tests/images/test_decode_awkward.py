"""What each awkward file must lead to: a picture, a picture with a note, or one clear sentence."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, ImageOps

from leuk_core.errors import RejectedPicture
from leuk_core.images import decode
from leuk_core.settings import settings
from tests.images.picture_makers import CELL, GROUND, cell, saved, tiff

PIXELS = cell(240, 160)
IMAGE = Image.fromarray(PIXELS)
WHITE = (255, 255, 255)


class Readable(NamedTuple):
    """Bytes, what must stand in the disc and in the upper right corner, and the codes of the notes."""

    data: Callable[[], bytes]
    disc: tuple[int, int, int] = CELL
    corner: tuple[int, int, int] = GROUND
    notes: tuple[str, ...] = ()
    tolerance: int = 0


def cut_out() -> Image.Image:
    clear = IMAGE.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(PIXELS[..., 0] > 200, 0, 255).astype(np.uint8)))
    return clear


def phone() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(IMAGE.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=92, exif=exif)


GREY_CELL, GREY_GROUND = (73,) * 3, (214,) * 3
READABLE = {
    "png": Readable(lambda: saved(IMAGE, "PNG")),
    "bmp": Readable(lambda: saved(IMAGE, "BMP")),
    "webp": Readable(lambda: saved(IMAGE, "WEBP"), tolerance=3),
    "jpeg": Readable(lambda: saved(IMAGE, "JPEG", quality=92), tolerance=3),
    "jpeg 2000": Readable(lambda: saved(IMAGE, "JPEG2000")),
    "grey": Readable(lambda: saved(IMAGE.convert("L"), "PNG"), GREY_CELL, GREY_GROUND),
    "grey with alpha": Readable(lambda: saved(IMAGE.convert("LA"), "PNG"), GREY_CELL, GREY_GROUND),
    "one bit": Readable(lambda: saved(IMAGE.convert("1", dither=0), "PNG"), (0, 0, 0), WHITE),
    "palette": Readable(lambda: saved(IMAGE.quantize(16), "PNG")),
    "palette with a clear entry": Readable(lambda: saved(IMAGE.quantize(16), "PNG", transparency=0), corner=WHITE),
    "clear ground": Readable(lambda: saved(cut_out(), "PNG"), corner=WHITE),
    "clear ground in WebP": Readable(lambda: saved(cut_out(), "WEBP", lossless=True, exact=True), corner=WHITE),
    "clear colour key": Readable(lambda: saved(IMAGE, "PNG", transparency=GROUND), corner=WHITE),
    "cmyk": Readable(lambda: saved(IMAGE.convert("CMYK"), "JPEG"), tolerance=4),
    "phone, turned by EXIF": Readable(phone, tolerance=3),
    "16 bits a channel": Readable(
        lambda: tiff(PIXELS.astype(np.uint16) * 257, photometric="rgb"), notes=("bit-depth",)
    ),
    "12 bits in 16": Readable(
        lambda: tiff(PIXELS[..., 1].astype(np.uint16) * 16), (48,) * 3, (204,) * 3, notes=("bit-depth",)
    ),
    "floating point": Readable(
        lambda: tiff(PIXELS.astype(np.float32) / 255, photometric="rgb"), notes=("bit-depth",)
    ),
    "tiled": Readable(lambda: tiff(PIXELS, photometric="rgb", compression="zlib", tile=(64, 64))),
    "three pages": Readable(
        lambda: tiff(np.stack([PIXELS, PIXELS[::-1], PIXELS]), photometric="rgb"), notes=("frame",)
    ),
    "animated": Readable(
        lambda: saved(IMAGE, "GIF", save_all=True, append_images=[ImageOps.invert(IMAGE)]), notes=("frame",)
    ),
    "black": Readable(
        lambda: saved(Image.new("RGB", (240, 160)), "PNG"), (0, 0, 0), (0, 0, 0), notes=("blank",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READABLE.values(), ids=READABLE)
def test_readable_files_come_out_upright_in_rgb(case: Readable) -> None:
    image = decode(case.data(), "picture")
    assert (image.width, image.height, image.pixels.dtype) == (240, 160, np.uint8)
    assert np.abs(image.pixels[80, 80].astype(int) - case.disc).max() <= case.tolerance
    assert np.abs(image.pixels[4, -5].astype(int) - case.corner).max() <= case.tolerance
    assert tuple(note.code for note in image.notes) == case.notes


def half(form: str) -> bytes:
    data = saved(IMAGE, form)
    return data[: len(data) // 2]


REFUSED = {
    "one pixel": (lambda: saved(IMAGE.resize((1, 1)), "PNG"), r"too small to hold a cell \(received 1 x 1 pixels"),
    "half a JPEG": (lambda: half("JPEG"), r"cut off \(received \d+ bytes of a JPEG"),
    "half a PNG": (lambda: half("PNG"), r"cut off \(received \d+ bytes of a PNG"),
    "no bytes": (lambda: b"", r"empty \(received 0 bytes\)"),
    "a web page": (lambda: b"<html><body>not a picture</body></html>", r"received a web page"),
    "a program": (lambda: b"MZ" + bytes(510), r"received a program"),
    "a drawing": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", r"received an SVG"),
    "a document": (lambda: b"%PDF-1.7\n" + bytes(100), r"received a PDF"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(100), r"received a PostScript"),
    "noise": (lambda: bytes(range(1, 200)), r"199 bytes of an unknown kind"),
    "400 megapixels": (lambda: saved(Image.new("1", (20000, 20000)), "PNG"), r"400 megapixels; at most 64 are read"),
    "144 megapixels": (lambda: saved(Image.new("1", (12000, 12000)), "PNG"), r"144 megapixels; at most 64 are read"),
}


@pytest.mark.parametrize(("data", "sentence"), REFUSED.values(), ids=REFUSED)
def test_refused_files_get_one_sentence(data: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(RejectedPicture, match=sentence) as caught:
        decode(data(), "JOHN DOE 1950.png")
    assert re.fullmatch(r"This (file|picture) [^.]*(\.\d+[^.]*)?\.", str(caught.value))
    assert "DOE" not in str(caught.value)
    assert caught.value.about("picture 3").startswith("picture 3: this ")


@pytest.mark.parametrize("name", ["wrong.jpg", "no_ending", "血液 塗抹 é.png", "../../etc/passwd", ""])
def test_content_tells_the_kind_whatever_the_name(name: str) -> None:
    image = decode(saved(IMAGE, "PNG"), name)
    assert (image.format, image.name) == ("PNG", name)


def test_pixels_are_the_identity_and_the_file_has_its_own_hash() -> None:
    png, bmp = decode(saved(IMAGE, "PNG"), "a"), decode(saved(IMAGE, "BMP"), "b")
    assert png.pixels_sha256 == bmp.pixels_sha256
    assert png.file_sha256 != bmp.file_sha256


def test_limits_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEUK_MAX_MEGAPIXELS", "0.03")
    monkeypatch.setenv("LEUK_MAX_UPLOAD_MB", "1")
    settings.cache_clear()
    try:
        with pytest.raises(RejectedPicture, match="LEUK_MAX_MEGAPIXELS"):
            decode(saved(IMAGE, "PNG"), "picture")
        with pytest.raises(RejectedPicture, match=r"received 2\.0 MB, at most 1 MB are read"):
            decode(bytes(2 * 1024 * 1024), "picture")
    finally:
        monkeypatch.undo()
        settings.cache_clear()
