"""DICOM: the picture comes out, the person stays in."""

import io
import pickle
import warnings

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from leuk_core.errors import RejectedPicture
from leuk_core.images import decode
from tests.images.picture_makers import cell, dicom, run_lengths, saved

RGB = cell(48, 32, noise=12)
GREY = RGB[..., 1]
AS_RGB = np.repeat(GREY[..., None], 3, axis=2)
TWELVE = GREY.astype(np.uint16) * 16
JPEG = saved(RGB, "JPEG", quality=90)
J2K = {"syntax": "1.2.840.10008.1.2.4.90"}


def palette() -> tuple[bytes, np.ndarray]:
    """A palette DICOM with 16-bit tables, and the colours it stands for."""
    image = Image.fromarray(RGB).quantize(256)
    colours = np.zeros((256, 3), np.uint16)
    given = np.array(image.getpalette()).reshape(-1, 3)
    colours[: len(given)] = given
    tables = {}
    for channel, name in enumerate(("Red", "Green", "Blue")):
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{name}PaletteColorLookupTableData"] = (colours[:, channel] * 257).tobytes()
    return dicom(np.array(image), PhotometricInterpretation="PALETTE COLOR", **tables), np.array(image.convert("RGB"))


def big_endian() -> bytes:
    data = pydicom.dcmread(io.BytesIO(dicom(TWELVE, BitsStored=12)))
    data.PixelData = TWELVE.astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, force_encoding=True, implicit_vr=False, little_endian=False)
    return out.getvalue()


SAME = {
    "RGB": (lambda: dicom(RGB), RGB),
    "implicit": (lambda: dicom(RGB, syntax="1.2.840.10008.1.2"), RGB),
    "planes": (
        lambda: dicom(np.ascontiguousarray(np.moveaxis(RGB, 2, 0)).reshape(RGB.shape), PlanarConfiguration=1),
        RGB,
    ),
    "grey": (lambda: dicom(GREY), AS_RGB),
    "white is zero": (lambda: dicom(GREY, PhotometricInterpretation="MONOCHROME1"), 255 - AS_RGB),
    "12 bits": (lambda: dicom(TWELVE, BitsStored=12), AS_RGB * (16 * 255 / 4095)),
    "12 bits said to be 16": (lambda: dicom(TWELVE), AS_RGB * (16 * 255 / 4095)),
    "big-endian": (big_endian, AS_RGB * (16 * 255 / 4095)),
    "16 bits a channel": (lambda: dicom(RGB.astype(np.uint16) * 257), RGB),
    "window": (
        lambda: dicom(TWELVE, BitsStored=12, WindowCenter=[2040.5, 1], WindowWidth=[4081, 1]),
        AS_RGB,
    ),
    "window after slope and intercept": (
        lambda: dicom(
            TWELVE, BitsStored=12, WindowCenter=920.5, WindowWidth=2041, RescaleSlope=0.5, RescaleIntercept=-100
        ),
        AS_RGB,
    ),
    "first of three frames": (lambda: dicom(np.stack([RGB, RGB[::-1], RGB]), NumberOfFrames=3), RGB),
    "run lengths": (lambda: run_lengths(dicom(RGB)), RGB),
    "JPEG 2000": (
        lambda: dicom(
            RGB, **J2K, encoded=[saved(RGB, "JPEG2000", no_jp2=True)], PhotometricInterpretation="YBR_RCT"
        ),
        RGB,
    ),
    "deep JPEG 2000": (
        lambda: dicom(TWELVE, **J2K, encoded=[saved(Image.fromarray(TWELVE), "JPEG2000", no_jp2=True)]),
        AS_RGB * (16 * 255 / 4095),
    ),
    "JPEG, second frame left alone": (
        lambda: dicom(
            RGB,
            syntax="1.2.840.10008.1.2.4.50",
            encoded=[JPEG, JPEG],
            NumberOfFrames=2,
            PhotometricInterpretation="YBR_FULL_422",
        ),
        np.asarray(Image.open(io.BytesIO(JPEG))),
    ),
    "palette": (lambda: palette()[0], palette()[1]),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), SAME.values(), ids=SAME)
def test_the_first_frame_comes_out(data, expected) -> None:
    image = decode(data(), "picture")
    assert image.format == "DICOM"
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels - expected.astype(float)).max() < 1.01


def test_colours_in_ybr_become_rgb() -> None:
    ybr = np.asarray(Image.fromarray(RGB).convert("YCbCr"))
    image = decode(dicom(ybr, PhotometricInterpretation="YBR_FULL"), "picture")
    assert np.abs(image.pixels - RGB.astype(float)).max() <= 3


@pytest.mark.parametrize("said", [None, "YES", "NO"])
def test_text_in_the_pixels_is_noted_unless_ruled_out(said: str | None) -> None:
    tags = {"BurnedInAnnotation": said} if said else {}
    notes = [note.code for note in decode(dicom(RGB, **tags), "picture").notes]
    assert notes == ([] if said == "NO" else ["burned-in"])


def test_the_person_is_never_kept() -> None:
    kept = pickle.dumps(decode(dicom(RGB), "picture"))
    assert b"DOE" not in kept
    assert b"4711" not in kept


def test_a_broken_file_puts_no_name_into_logs(caplog: pytest.LogCaptureFixture) -> None:
    plain = dicom(RGB, syntax="1.2.840.10008.1.2.4.50", encoded=[JPEG])
    broken = plain.replace(b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4\xff50")
    assert broken != plain
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(RejectedPicture) as caught:
            decode(broken, "picture")
    assert "DOE" not in f"{[str(warning.message) for warning in seen]} {caplog.text} {caught.value}"


def test_scale_of_the_functional_groups_is_read() -> None:
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing = [0.00025, 0.00025]
    shared.PixelMeasuresSequence = Sequence([measures])
    image = decode(dicom(RGB, SharedFunctionalGroupsSequence=Sequence([shared])), "picture")
    assert image.microns_per_pixel == pytest.approx(0.25)


def without_pixels() -> bytes:
    data = pydicom.dcmread(io.BytesIO(dicom(RGB)))
    del data.PixelData
    out = io.BytesIO()
    data.save_as(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (without_pixels, "without a picture in it"),
        (lambda: dicom(RGB, syntax="1.2.840.10008.1.2.4.80", encoded=[b"x" * 90]), "transfer syntax JPEG-LS"),
        (lambda: dicom(RGB, syntax="1.2.840.10008.1.2.1.99"), "transfer syntax Deflated"),
        (lambda: dicom(RGB, Rows=33), "damaged or cut off"),
        (lambda: dicom(cell(), syntax="1.2.840.10008.1.2.4.50", encoded=[JPEG]), "damaged or cut off"),
    ],
    ids=["no picture", "JPEG-LS", "deflated", "fewer rows than said", "another size inside"],
)
def test_what_cannot_be_read_is_refused(data, sentence: str) -> None:
    with pytest.raises(RejectedPicture, match=sentence):
        decode(data(), "picture")
