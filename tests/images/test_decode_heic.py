"""HEIC, as telephones write it, where the optional package pillow-heif is installed."""

import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from leuk_core.errors import RejectedPicture
from leuk_core.images import decode
from tests.images.picture_makers import cell

INSTALLED = importlib.util.find_spec("pillow_heif") is not None
PIXELS = cell(240, 160)


def heic(image: Image.Image, **options) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the optional package pillow-heif is not installed")
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    image.save(out, "HEIF", quality=95, **options)
    return out.getvalue()


def test_a_picture_is_read_and_turned_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(PIXELS).transpose(Image.Transpose.ROTATE_90)
    image = decode(heic(stored, exif=exif.tobytes()), "picture")
    assert (image.format, image.notes) == ("HEIC", ())
    assert image.pixels.shape == PIXELS.shape
    assert np.abs(image.pixels - PIXELS.astype(float)).mean() < 3


def test_a_cut_picture_is_refused() -> None:
    data = heic(Image.fromarray(PIXELS))
    for missing in (1, len(data) // 50, len(data) // 2):
        with pytest.raises(RejectedPicture, match="damaged or cut off"):
            decode(data[:-missing], "picture")


@pytest.mark.skipif(INSTALLED, reason="pillow-heif is installed")
def test_without_the_package_the_sentence_names_the_way_out() -> None:
    with pytest.raises(RejectedPicture, match="save it as JPEG or PNG, or install the package pillow-heif"):
        decode(b"\0\0\0\x1cftypheic" + bytes(200), "picture")
