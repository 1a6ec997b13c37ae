"""A scale is taken from a file only where it can be believed."""

import numpy as np
import pytest

from leuk_core.images import decode
from tests.images.picture_makers import cell, dicom, saved, tiff

RGB = cell(48, 32)
OME = '<OME><Image><Pixels DimensionOrder="XYCZT" PhysicalSizeX="{x}" PhysicalSizeY="{y}"{units}/></Image></OME>'
UNITS = ' PhysicalSizeXUnit="{0}" PhysicalSizeYUnit="{0}"'


def described(text: str, **options) -> bytes:
    return tiff(RGB, photometric="rgb", description=text.encode(), metadata=None, **options)


@pytest.mark.parametrize(
    ("data", "microns"),
    [
        (lambda: described(OME.format(x="0.1", y="0.1", units="")), 0.1),
        (lambda: described(OME.format(x="65", y="65", units=UNITS.format("nm"))), 0.065),
        (lambda: described(OME.format(x="1.2E-4", y="1.2E-4", units=UNITS.format("mm"))), 0.12),
        (lambda: described(OME.format(x="0.2", y="0.2", units=UNITS.format("µm"))), 0.2),
        (lambda: described("ImageJ=1.54f\nunit=micron\n", resolution=(8.0, 8.0), resolutionunit=1), 0.125),
        (lambda: tiff(RGB, photometric="rgb", resolution=(100_000, 100_000), resolutionunit="centimeter"), 0.1),
        (lambda: tiff(RGB, photometric="rgb", resolution=(254_000, 254_000), resolutionunit="inch"), 0.1),
        (lambda: dicom(RGB, PixelSpacing=[0.00025, 0.00025]), 0.25),
        (lambda: dicom(RGB, ImagerPixelSpacing=[0.0001, 0.0001]), 0.1),
    ],
    ids=["OME", "OME, nm", "OME, mm", "OME, µm", "ImageJ", "pixels a cm", "pixels an inch", "DICOM", "DICOM imager"],
)
def test_a_believable_scale_is_kept(data, microns: float) -> None:
    image = decode(data(), "picture")
    assert image.microns_per_pixel == pytest.approx(microns)
    assert "scale" not in [note.code for note in image.notes]


@pytest.mark.parametrize("dots", [72, 96, 300, 1200])
@pytest.mark.parametrize("form", ["TIFF", "PNG", "JPEG", "BMP"])
def test_dots_an_inch_are_no_scale(form: str, dots: int) -> None:
    image = decode(saved(RGB, form, dpi=(dots, dots)), "picture")
    assert image.microns_per_pixel is None
    assert image.notes == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lambda: described(OME.format(x="0.1", y="0.2", units="")), "differ across and down"),
        (lambda: described(OME.format(x="26", y="26", units="")), "outside 0.02 to 2.0"),
        (lambda: dicom(RGB, PixelSpacing=[0.3, 0.3]), "outside 0.02 to 2.0"),
    ],
    ids=["not square", "too coarse", "an X-ray's"],
)
def test_a_scale_that_cannot_be_is_left_out_and_said(data, why: str) -> None:
    image = decode(data(), "picture")
    assert image.microns_per_pixel is None
    assert why in next(note.text for note in image.notes if note.code == "scale")


def test_imagej_stack_behind_one_directory_is_said() -> None:
    image = decode(described("ImageJ=1.54f\nimages=30\nslices=30\n"), "picture")
    assert [note.text.split(":")[0] for note in image.notes] == ["page 1 of 30"]
    assert np.array_equal(image.pixels, RGB)


def test_a_description_made_to_be_slow_is_read_as_fast_as_any() -> None:
    """A search that went on over the next tag would take hours here."""
    image = decode(described("<Pixels " * 200_000), "picture")
    assert image.microns_per_pixel is None
