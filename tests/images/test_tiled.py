"""Large pictures a part at a time: the same pixels as from the first door, and a limit for each part."""

import io
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from leuk_core.errors import InvalidParameter, RejectedPicture
from leuk_core.images import decode, open_tiled
from leuk_core.settings import settings
from tests.images.picture_makers import tiff


@pytest.fixture
def slide():
    """A smooth picture of 300 x 200 with a mark in each place."""
    y, x = np.mgrid[:200, :300]
    return np.dstack([x % 256, y, (x + y) // 2]).astype(np.uint8)


@pytest.mark.parametrize(
    "options",
    [
        {"tile": (64, 64)},
        {"tile": (64, 64), "compression": "zlib", "predictor": True},
        {"rowsperstrip": 16, "compression": "zlib"},
        {"tile": (64, 64), "bigtiff": True},
        {"tile": (64, 64), "byteorder": ">"},
    ],
)
def test_parts_of_a_tiff_are_those_of_the_whole(slide, options):
    """In tiles or strips, either order of bytes."""
    _check_parts(tiff(slide, photometric="rgb", **options))


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "packbits"])
def test_compressed_strips(slide, compression):
    """As Pillow writes them; JPEG with its tables in the directory."""
    out = io.BytesIO()
    Image.fromarray(slide).save(out, "TIFF", compression=compression, strip_size=300 * 3 * 32)
    _check_parts(out.getvalue())


def _check_parts(data):
    whole = decode(data, "x").pixels
    opened = open_tiled(data, "x")
    assert (opened.width, opened.height) == (300, 200)
    assert (opened.region(50, 30, 200, 140).pixels == whole[30:170, 50:250]).all()
    seen = np.zeros_like(whole)
    for tile in opened.tiles(side=120, overlap=30):
        seen[tile.top : tile.top + 120, tile.left : tile.left + 120] = tile.image.pixels
    assert (seen == whole).all()


def test_the_limit_holds_for_each_part_and_not_for_the_whole(slide, monkeypatch, tmp_path):
    """A TIFF beyond the limit is opened from a file; what can't be read in parts still meets it."""
    path = tmp_path / "slide.tif"
    path.write_bytes(tiff(slide, photometric="rgb", tile=(64, 64)))
    Image.fromarray(slide).save(tmp_path / "slide.png")
    monkeypatch.setattr(settings(), "max_megapixels", 0.02)
    opened = open_tiled(path, "slide.tif")
    assert opened.region(0, 0, 100, 100).width == 100
    with pytest.raises(RejectedPicture, match="too large"):
        opened.region(0, 0, 200, 200)
    with pytest.raises(InvalidParameter, match=r"inside.*Received: left=290"):
        opened.region(290, 0, 20, 20)
    with pytest.raises(RejectedPicture, match="too large"):
        open_tiled(tmp_path / "slide.png", "slide.png")


@pytest.mark.parametrize("cut", [3, 200, 3000])
def test_a_damaged_slide_is_refused(slide, cut, tmp_path):
    """At once or at the part that is missing, with a sentence."""
    path = tmp_path / "cut.tif"
    path.write_bytes(tiff(slide, photometric="rgb", tile=(64, 64))[:-cut] if cut > 3 else b"")
    with pytest.raises(RejectedPicture):
        open_tiled(path, "cut.tif").region(0, 0, 300, 200)


def test_deep_tiffs_are_not_read_in_parts(slide, monkeypatch):
    """Their brightness depends on the whole, so that they must fit."""
    deep = tiff(slide.astype(np.uint16) * 16, photometric="rgb", tile=(64, 64))
    assert open_tiled(deep, "x").format == "TIFF"
    monkeypatch.setattr(settings(), "max_megapixels", 0.02)
    with pytest.raises(RejectedPicture, match="8 bits a channel"):
        open_tiled(deep, "x")


def test_other_slides_are_read_by_an_optional_package(slide, monkeypatch, tmp_path):
    """With its scale, on white where it is transparent."""

    class OpenSlide:
        dimensions = (300, 200)
        properties = {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.25"}  # noqa: RUF012

        def __init__(self, path):
            assert path.endswith("x.mrxs")

        def read_region(self, place, level, size):
            assert level == 0
            part = Image.fromarray(slide).crop((*place, place[0] + size[0], place[1] + size[1]))
            part.putalpha(0 if place == (0, 0) else 255)
            return part

    path = tmp_path / "x.mrxs"
    path.write_bytes(b"something of a scanner's own")
    with pytest.raises(RejectedPicture, match="not a picture"):
        open_tiled(path, "x.mrxs")
    monkeypatch.setattr("leuk_core.images.tiled.find_spec", lambda name: name == "openslide" or None)
    monkeypatch.setitem(sys.modules, "openslide", SimpleNamespace(OpenSlide=OpenSlide))
    opened = open_tiled(path, "x.mrxs")
    assert opened.microns_per_pixel == 0.25
    assert (opened.region(10, 20, 50, 40).pixels == slide[20:60, 10:60]).all()
    assert (opened.region(0, 0, 50, 40).pixels == 255).all()


def test_a_tiff_whose_compression_is_not_read_goes_to_the_optional_package(slide, tmp_path, monkeypatch):
    """And is refused by what it is, not as damaged, where there is none."""
    whole = tiff(slide, photometric="rgb", tile=(64, 64))
    entry = struct.pack("<HHIHH", 259, 3, 1, 1, 0)  # compression: none
    assert whole.count(entry) == 1
    path = tmp_path / "slide.svs"
    path.write_bytes(whole.replace(entry, struct.pack("<HHIHH", 259, 3, 1, 33005, 0)))
    with pytest.raises(RejectedPicture, match="compression 33005"):
        open_tiled(path, "slide.svs")
    monkeypatch.setattr(
        "leuk_core.images.tiled._slide", lambda _: SimpleNamespace(width=9, height=8, microns_per_pixel=0.25)
    )
    assert open_tiled(path, "slide.svs").format == "slide"


def test_an_aperio_scanner_tells_the_scale(slide):
    said = "Aperio Image Library v12\n300x200 [0,0 300x200] (64x64) JPEG/RGB Q=70|AppMag = 40|MPP = 0.2520"
    data = tiff(slide, photometric="rgb", tile=(64, 64), description=said, metadata=None)
    assert open_tiled(data, "x").microns_per_pixel == 0.252
    assert decode(data, "x").microns_per_pixel == 0.252
