"""Files that are two things at once: what kind a file is, its first bytes tell, and only decoded pixels are kept."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from leuk_core.cases.pictures import as_png
from leuk_core.errors import RejectedPicture
from leuk_core.images import decode

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8))
SCRIPT = b"<!doctype html><script>alert(1)</script>"
ENTITY = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><OME><UUID FileName="/etc/passwd">&b;</UUID></OME>'


def saved(kind, **more):
    out = io.BytesIO()
    PICTURE.save(out, kind, **more)
    return out.getvalue()


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.txt", SCRIPT)
    return out.getvalue()


def bomb():
    """Return a PNG whose colour profile unpacks to 200 MB."""
    chunk = b"iCCPa\0\0" + zlib.compress(bytes(200_000_000))
    png = saved("PNG")
    return png[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


def words():
    info = PngInfo()
    info.add_text("a", "x" * 20_000_000, zip=True)
    return saved("PNG", pnginfo=info)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WebP", "TIFF", "JPEG2000"])
@pytest.mark.parametrize("more", [zipped(), SCRIPT, b"%PDF-1.7"], ids=["zip", "page", "pdf"])
def test_what_hangs_on_a_picture_is_not_kept(kind, more):
    kept = as_png(decode(saved(kind) + more, "a.png"))
    assert more not in kept
    assert b"script" not in kept


def test_what_a_picture_carries_in_words_is_neither_followed_nor_kept():
    for data in (saved("TIFF", tiffinfo={270: ENTITY, 700: ENTITY.encode()}), saved("JPEG", comment=SCRIPT)):
        kept = as_png(decode(data, "a.png"))
        assert b"passwd" not in kept
        assert b"script" not in kept


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", SCRIPT,
        b"\xef\xbb\xbf " + SCRIPT, b"GIF89a/*" + SCRIPT, zipped() + saved("PNG"), b"%PDF-1.7\n" + saved("JPEG"),
        b"%!PS-Adobe", b"push graphic-context\nimage over 0,0 0,0 'https://evil.example/x'", bomb(), words(),
    ],
    ids=["svg", "page", "marked page", "gif and page", "zip first", "pdf first", "eps", "mvg", "profile", "words"],
)  # fmt: skip
def test_what_is_no_picture_is_refused_whatever_it_is_called(data):
    with pytest.raises(RejectedPicture):
        decode(data, "a.png")
