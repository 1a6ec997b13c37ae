"""A case as DICOM Secondary Capture: the gallery as one picture, the fields with their frames as one of many pages.

The warning is drawn into the pixels and stands in the header. The patient is the case's id, without a name; whatever
identity a picture's own file carried was never kept.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import cv2
import numpy as np
from PIL import Image

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.cases.gathered import Gathered
from leuk_core.cases.labelled import field_picture
from leuk_core.cases.records import CALLED, CaseCell, CaseField, CellState
from leuk_core.errors import InvalidParameter
from leuk_core.reports.case_gallery import gallery_pixels
from leuk_core.reports.sheet import (
    BLUE,
    LARGE,
    MARGIN,
    QUIET,
    SIZE,
    SMALL,
    WIDTH,
    Canvas,
    fitted,
    step,
    warning_foot,
)

if TYPE_CHECKING:
    from pydicom import Dataset

ONE_PICTURE = "1.2.840.10008.5.1.4.1.1.7"
MANY_PAGES = "1.2.840.10008.5.1.4.1.1.7.4"
"""Secondary Capture, and its true-colour form of several frames."""

PROGRAM = "Leukemia smear workbench"
QUALITY = 92
ROOM = WIDTH - 2 * MARGIN
_ORANGE = (194, 84, 10)
_CASES = UUID("8f1f3f0e-54d6-5d0b-8f0c-6a2d9f3f1f52")
_HEAD = step(LARGE) + 2 * step(SIZE) + 16


def gallery_dicom(found: Gathered, mark: str) -> bytes:
    """Return the cells by class as one DICOM picture, uncompressed.

    Parameters
    ----------
    found : Gathered
        The case.
    mark : str
        Of the trail's row that tells of this export.
    """
    from pydicom.uid import ExplicitVRLittleEndian  # noqa: PLC0415 - takes half a second to load

    pixels = gallery_pixels(found)
    dataset = _dataset(found, mark, ONE_PICTURE, "gallery", 1, pixels.shape[:2])
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    return _written(dataset, ExplicitVRLittleEndian)


def overlay_dicom(found: Gathered, mark: str) -> bytes:
    """Return the fields with a frame, number and class at each cell, a page each, as JPEG within DICOM.

    Raises
    ------
    InvalidParameter
        If the case has no field.
    """
    from pydicom.encaps import encapsulate  # noqa: PLC0415
    from pydicom.uid import JPEGBaseline8Bit  # noqa: PLC0415

    if not found.fields:
        raise InvalidParameter(
            f"A case without fields has no overlay: add a picture first. Received: {found.case.name}"
        )
    tall = max(_height(field) for field in found.fields)
    pages, raw = [], 0
    for number in range(len(found.fields)):
        pixels = _page(found, number, tall)
        raw += pixels.nbytes
        pages.append(_jpeg(pixels))
    dataset = _dataset(found, mark, MANY_PAGES, "fields", 2, pixels.shape[:2])
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    dataset.LossyImageCompressionRatio = f"{raw / sum(map(len, pages)):.2f}"
    dataset.NumberOfFrames = len(pages)
    if len(pages) > 1:
        dataset.FrameIncrementPointer = 0x00182001
        dataset.PageNumberVector = list(range(1, len(pages) + 1))
    dataset.PixelData = encapsulate(pages)
    dataset["PixelData"].is_undefined_length = True
    return _written(dataset, JPEGBaseline8Bit)


def _dataset(found: Gathered, mark: str, kind: str, what: str, series: int, size: tuple[int, ...]) -> Dataset:
    """Return the header: everything but the pixels and their form."""
    from pydicom import Dataset  # noqa: PLC0415
    from pydicom.uid import generate_uid  # noqa: PLC0415

    case = found.case
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.TimezoneOffsetFromUTC = "+0000"
    header.SOPClassUID, header.SOPInstanceUID = kind, generate_uid(prefix=None)

    header.PatientName, header.PatientID = "", case.id
    header.PatientBirthDate = header.PatientSex = ""
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Only decoded pixels are kept; the id is the case's"

    header.StudyInstanceUID = f"2.25.{uuid5(_CASES, case.id).int}"  # the same for all files of a case
    header.StudyDate, header.StudyTime = _date_and_time(case.created)
    header.StudyID, header.AccessionNumber, header.ReferringPhysicianName = case.id, "", ""
    header.StudyDescription = RESEARCH_ONLY
    header.SeriesInstanceUID, header.SeriesNumber = generate_uid(prefix=None), series
    header.SeriesDescription = f"{RESEARCH_ONLY} {what.capitalize()}"
    header.Modality, header.ConversionType, header.Laterality = "OT", "WSD", ""

    header.Manufacturer = header.ManufacturerModelName = PROGRAM
    header.SoftwareVersions = __version__
    header.InstanceNumber, header.PatientOrientation = 1, ""
    header.ImageType = ["DERIVED", "SECONDARY"]
    header.ContentDate, header.ContentTime = _date_and_time(found.at)
    header.BurnedInAnnotation = "YES"
    header.ContentQualification = "RESEARCH"
    header.ImageComments = f"{RESEARCH_ONLY} Case {case.name}, {case.state}, {what}; trail {mark}"

    header.Rows, header.Columns = size
    header.SamplesPerPixel, header.PlanarConfiguration, header.PixelRepresentation = 3, 0, 0
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    return header


def _written(dataset: Dataset, syntax: str) -> bytes:
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415
    from pydicom.uid import UID  # noqa: PLC0415

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _date_and_time(at: datetime) -> tuple[str, str]:
    return f"{at:%Y%m%d}", f"{at:%H%M%S}"


def _height(field: CaseField) -> int:
    """Return how many pixels the picture of a field is high on its page."""
    return max(1, round(field.height * ROOM / max(field.width, field.height)))


def _page(found: Gathered, number: int, tall: int) -> np.ndarray:
    """Return the page of a field, all of the same size."""
    field, of = found.fields[number], len(found.fields)
    foot = warning_foot(found.case.name, found.at, number + 1, of)
    canvas = Canvas(2 * MARGIN + _HEAD + tall + foot.height)
    canvas.text(MARGIN, MARGIN, f"{found.case.name}: field {field.number}", LARGE, bold=True)
    canvas.text(MARGIN, MARGIN + step(LARGE), RESEARCH_ONLY, bold=True)
    words = "Frames: blue found by the machine, orange drawn by a person; the class is the one that a person gave."
    canvas.text(MARGIN, MARGIN + step(LARGE) + step(SIZE), words, SMALL, colour=QUIET)
    shown = fitted(field_picture(field.pixels_sha256).pixels, ROOM)
    top = MARGIN + _HEAD
    canvas.pixels[top : top + shown.shape[0], MARGIN : MARGIN + shown.shape[1]] = shown
    cells = [cell for cell in found.cells if cell.field == field.number]
    _frames(canvas, cells, shown.shape[1] / field.width, top, found.names)
    foot.draw(canvas, len(canvas.pixels) - MARGIN - foot.height)
    return canvas.pixels


def _frames(canvas: Canvas, cells: Sequence[CaseCell], factor: float, top: int, names: dict[str, str]) -> None:
    for cell in cells:
        colour = BLUE if cell.found_by == "machine" else _ORANGE
        x0, y0, x1, y1 = (round(value * factor) for value in cell.box)
        left, upper = MARGIN + x0, top + y0
        cv2.rectangle(canvas.pixels, (left, upper), (MARGIN + x1, top + y1), colour, 2)
        words = f"{cell.number} {_said(cell, names)}".strip()
        canvas.box(left, upper, round(0.62 * SMALL * len(words)), SMALL + 6, (255, 255, 255))
        canvas.text(left + 3, upper - 1, words, SMALL, colour=colour)


def _said(cell: CaseCell, names: dict[str, str]) -> str:
    """Return what a person said of a cell."""
    if cell.state in CALLED:
        return names.get(cell.reviewed_type or "", cell.reviewed_type or "")
    return "" if cell.state is CellState.OPEN else str(cell.state)


def _jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return out.getvalue()
