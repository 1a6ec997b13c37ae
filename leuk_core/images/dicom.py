"""DICOM: the pixels and their scale. Who the person is stays in the file and is never kept.

Imported where a DICOM is met, because pydicom takes about half a second to load.
"""

import logging
import warnings
from io import BytesIO

import numpy as np
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from pydicom import Dataset, config, dcmread
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from leuk_core.images.picture import Note
from leuk_core.images.refusals import check_size, damaged, unsupported
from leuk_core.images.samples import Raster, as_rgb, frame_note, to_eight_bits
from leuk_core.images.scale import from_millimetres
from leuk_core.images.structure import check_jpeg, check_jpeg2000

# pydicom's warnings quote element values, and a value may be a person's name: they never reach a log.
config.settings.reading_validation_mode = config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", module=r"pydicom\.")

_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_JPEG_2000 = (JPEG2000, JPEG2000Lossless)
_LONGEST_RLE = 16 * 1024 * 1024
"""Run lengths expand up to 64 times and are expanded before anyone looks; this many bytes stay within a gigabyte."""

_FIRST_ELEMENT = 132
_SPACINGS = ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing")
_REMEDY = "export it uncompressed, or as PNG"


def read_dicom(data: bytes) -> Raster:
    """Read the first frame of a DICOM picture.

    Grey (through its window where it has one), RGB, YBR and palette; uncompressed, run lengths, JPEG and JPEG 2000.

    Raises
    ------
    RejectedPicture
        If there is no picture in it, or in a form that is not read.
    """
    syntax = _transfer_syntax(data)
    if syntax not in (*_NATIVE, *_JPEG_2000, JPEGBaseline8Bit, RLELossless):
        raise unsupported(
            "DICOM", f"transfer syntax {syntax.name if syntax.is_transfer_syntax else 'unknown'}", _REMEDY
        )
    dataset = dcmread(BytesIO(data))
    if not {"PixelData", "Rows", "Columns"} <= set(dataset.dir()):
        raise unsupported("DICOM", "one without a picture in it", "choose a file that holds one")
    check_size(int(dataset.Columns), int(dataset.Rows))
    frames = int(dataset.get("NumberOfFrames") or 1)
    _check_whole(dataset, syntax, frames, len(data))
    pixels, shown = _rgb(dataset)
    scale, scale_notes = _scale(dataset)
    return Raster(pixels, frame_note(frames) + shown + scale_notes + _burned_in(dataset), scale)


def _transfer_syntax(data: bytes) -> UID:
    """Return the transfer syntax without reading on: a deflated DICOM would be inflated whole, without a limit."""
    stream = BytesIO(data)
    stream.seek(_FIRST_ELEMENT)
    head = read_dataset(
        stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, _vr, _length: tag.group != 2
    )
    return UID(str(head.get("TransferSyntaxUID", ImplicitVRLittleEndian)))


def _check_whole(dataset: Dataset, syntax: UID, frames: int, count: int) -> None:
    """Refuse pixel data that are shorter than declared, or that would expand to another size than declared."""
    if syntax in _NATIVE:
        if len(dataset.PixelData) < get_expected_length(dataset):
            raise damaged("DICOM", count)
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=frames)
    if syntax == RLELossless:
        if len(frame) > _LONGEST_RLE:
            raise unsupported("DICOM", f"run-length compression over {len(frame)} bytes", _REMEDY)
        return
    if syntax in _JPEG_2000:
        check_jpeg2000(frame)
        size = Jpeg2KImageFile(BytesIO(frame)).size
    else:
        check_jpeg(frame)
        size = JpegImageFile(BytesIO(frame)).size
    if size != (dataset.Columns, dataset.Rows):
        raise damaged("DICOM", count)


def _rgb(dataset: Dataset) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Return the first frame as 8-bit RGB, and what was done to it."""
    model = str(dataset.PhotometricInterpretation)
    samples = pixel_array(dataset, index=0)
    if model == "PALETTE COLOR":
        return to_eight_bits(apply_color_lut(samples, dataset))
    if samples.ndim == 3:
        return to_eight_bits(samples, _trusted_depth(dataset, samples))
    if model not in ("MONOCHROME1", "MONOCHROME2"):
        raise unsupported("DICOM", f"the colour model {model[:32]}", _REMEDY)
    grey, notes = _windowed(samples, dataset) or to_eight_bits(samples, _trusted_depth(dataset, samples))
    return as_rgb(255 - grey if model == "MONOCHROME1" else grey), notes


def _trusted_depth(dataset: Dataset, samples: np.ndarray) -> int | None:
    """Return the declared depth where it says more than the size of the container; None where values must tell."""
    stored = int(dataset.BitsStored)
    return stored if stored == 8 or (stored < samples.dtype.itemsize * 8 and samples.dtype.kind == "u") else None


def _windowed(samples: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, tuple[Note, ...]] | None:
    """Return grey samples through the file's first window, DICOM PS3.3 C.11.2.1.2; None where it has none."""
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    slope = _first(dataset.get("RescaleSlope")) or 1.0
    values = samples.astype(np.float32) * slope + (_first(dataset.get("RescaleIntercept")) or 0.0)
    linear = np.clip((values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5, 0, 1)
    note = Note(
        "bit-depth", f"{dataset.BitsStored} bits, shown through the file's own window: {centre:g} +- {width / 2:g}"
    )
    return np.rint(linear * 255).astype(np.uint8), (note,)


def _first(value: object) -> float | None:
    """Return the first number of a DICOM element with one value or several."""
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, (list, tuple)) or hasattr(value, "insert") else value)  # type: ignore[index,arg-type]


def _scale(dataset: Dataset) -> tuple[float | None, tuple[Note, ...]]:
    """Return micrometres a pixel from the picture's own spacing or that of its functional groups."""
    places = [dataset]
    for group in dataset.get("SharedFunctionalGroupsSequence") or ():
        places += list(group.get("PixelMeasuresSequence") or ())
    for place in places:
        for name in _SPACINGS:
            spacing = place.get(name)
            if spacing is not None and len(spacing) == 2:
                return from_millimetres(spacing, f"DICOM {name}")
    return None, ()


def _burned_in(dataset: Dataset) -> tuple[Note, ...]:
    """Return a note unless the file says that no text is written into its pixels."""
    said = dataset.get("BurnedInAnnotation")
    if said == "NO":
        return ()
    word = "YES" if said == "YES" else "not given"
    return (
        Note(
            "burned-in",
            f"BurnedInAnnotation is {word}: a name may be written into the picture, look before you show or keep it",
        ),
    )
