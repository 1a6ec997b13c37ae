"""A case as DICOM: read again without the library that wrote it, the warning in pixels and header, no identity."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from leuk_core import RESEARCH_ONLY
from leuk_core.cases import add_cell, add_field, confirm_cells, create_case, list_cells, reclassify_cells, trail
from leuk_core.cases.export import export_case
from leuk_core.cases.gathered import gather
from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage, decode
from leuk_core.reports import dicom
from leuk_core.reports.case_gallery import gallery_pixels
from leuk_core.reports.sheet import Canvas
from tests.cases.made_up import field_image, new_cells

LONG_LENGTHS = {b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"}
NAME, PATIENT, IDENTITY_REMOVED, COMMENTS, BURNED_IN = "00100010", "00100020", "00120062", "00204000", "00280301"
STUDY, SERIES, INSTANCE, MARKED_RESEARCH, PIXELS = "0020000D", "0020000E", "00080018", "00189004", "7FE00010"
KNOWN_IDENTITY = {"00100030", "00100040", "00080090", "00080050"}


def elements(data):
    """Read a file of explicit little-endian elements by hand: tag to bytes; pixels in parts are a list."""
    assert data[128:132] == b"DICM"
    place, found = 132, {}
    while place < len(data):
        group, element, kind = struct.unpack_from("<HH2s", data, place)
        tag = f"{group:04X}{element:04X}"
        if kind in LONG_LENGTHS:
            (length,) = struct.unpack_from("<I", data, place + 8)
            place += 12
        else:
            (length,) = struct.unpack_from("<H", data, place + 6)
            place += 8
        if length == 0xFFFFFFFF:
            found[tag], place = items(data, place)
        else:
            found[tag] = data[place : place + length]
            place += length
    return found


def items(data, place):
    """Read the parts of compressed pixels."""
    parts = []
    while True:
        group, element, length = struct.unpack_from("<HHI", data, place)
        place += 8
        if (group, element) == (0xFFFE, 0xE0DD):
            return parts[1:], place  # the first is the table of offsets
        parts.append(data[place : place + length])
        place += length


def words(value):
    return value.decode().rstrip(" \0")


@pytest.fixture
def seen(case):
    wide = np.random.default_rng(5).integers(0, 255, (40, 160, 3), np.uint8)
    add_field(case.id, "Ada", SmearImage(wide, "Doe^Jane.png", "f" * 64, "png"), new_cells(2))
    cells = list_cells(case.id)
    confirm_cells(cells[:5], "Ada")
    reclassify_cells(cells[5:6], "Ada", "myeloblast")
    add_cell(case.id, "Bob", 1, (40, 40, 60, 58), type="monocyte")
    return gather(case.id)


@pytest.fixture
def files(seen, monkeypatch):
    monkeypatch.setattr(dicom, "field_picture", lambda sha: field_image(1))
    monkeypatch.setattr("leuk_core.reports.case_gallery.field_picture", lambda sha: field_image(1))
    forms = ("dicom-gallery", "dicom-fields")
    return {form: export_case(seen.case.id, "Ada", form).data for form in forms}


@pytest.mark.parametrize("form", ["dicom-gallery", "dicom-fields"])
def test_the_header_says_for_research_only_and_holds_no_identity(seen, files, form, place):
    found = elements(files[form])
    assert words(found[NAME]) == ""
    assert words(found[PATIENT]) == seen.case.id
    assert all(words(found[tag]) == "" for tag in KNOWN_IDENTITY)
    assert words(found[IDENTITY_REMOVED]) == words(found[BURNED_IN]) == "YES"
    assert words(found[MARKED_RESEARCH]) == "RESEARCH"
    assert words(found[COMMENTS]).startswith(RESEARCH_ONLY)
    mark = words(found[COMMENTS]).split("trail ")[1]
    assert trail.check(known=[mark]).whole
    assert mark in {entry.mark for entry in trail.entries(seen.case.id) if entry.codes.get("form") == form}
    header = files[form][: -len(b"".join(found[PIXELS])) if isinstance(found[PIXELS], list) else -len(found[PIXELS])]
    for word in (b"Jane", b"field 1.png", b"Ada", b"Bob", str(place).encode()):
        assert word not in header


def test_files_of_a_case_are_one_study_with_ids_of_their_own(files, seen):
    gallery, fields = (elements(data) for data in files.values())
    again = elements(export_case(seen.case.id, "Ada", "dicom-gallery").data)
    for tag in (STUDY, SERIES, INSTANCE):
        for one in (gallery, fields, again):
            assert words(one[tag]).startswith("2.25.")
            assert len(words(one[tag])) <= 64
    assert gallery[STUDY] == fields[STUDY] == again[STUDY]
    assert len({one[tag] for one in (gallery, fields, again) for tag in (SERIES, INSTANCE)}) == 6


def test_another_library_reads_names_and_pixels(files, seen, tmp_path):
    reader = pytest.importorskip("dicomsdl", reason="the package dicomsdl has no wheel for this machine")
    drawn = gallery_pixels(seen), dicom._page(seen, 1, max(map(dicom._height, seen.fields)))
    for (form, data), page, pixels in zip(files.items(), (0, 1), drawn, strict=True):
        path = tmp_path / f"{form}.dcm"
        path.write_bytes(data)
        read = reader.open(str(path))
        assert (read.PatientName, read.PatientID, read.BurnedInAnnotation) == ("", seen.case.id, "YES")
        assert read.ImageComments.startswith(RESEARCH_ONLY)
        found = np.asarray(read.pixelData(page)).astype(int)
        foot = pixels.shape[0] - 200  # below stands the time
        assert np.abs(found - pixels)[:foot].max() == 0 if page == 0 else np.abs(found - pixels)[:150].mean() < 2


def test_the_program_itself_reads_them_and_sees_that_words_are_drawn_in(files, seen):
    for data in files.values():
        image = decode(data, "x")
        assert image.width == 1654
        assert "burned-in" in {note.code for note in image.notes}


def test_each_field_is_a_page_of_one_size_with_its_frames(files, seen):
    found = elements(files["dicom-fields"])
    pages = [Image.open(io.BytesIO(part)) for part in found[PIXELS]]
    rows, columns = (struct.unpack("<H", found[tag])[0] for tag in ("00280010", "00280011"))
    assert {page.size for page in pages} == {(columns, rows)}
    assert len(pages) == int(words(found["00280008"])) == len(seen.fields) == 3
    assert words(found["00182001"]) == "1\\2\\3"
    for page, number in zip(pages, range(3), strict=True):
        drawn = dicom._page(seen, number, max(map(dicom._height, seen.fields)))
        assert (
            np.abs(np.asarray(page).astype(int)[:150] - drawn[:150]).mean() < 2
        )  # JPEG keeps the head but for a trace


def test_every_page_is_drawn_with_the_warning_and_what_persons_said(seen, monkeypatch):
    monkeypatch.setattr(dicom, "field_picture", lambda sha: field_image(1))
    written = []
    draw = Canvas.text
    monkeypatch.setattr(
        Canvas, "text", lambda self, x, y, said, *a, **k: (written.append(said), draw(self, x, y, said, *a, **k))
    )
    dicom.overlay_dicom(seen, "1:ab")
    assert written.count(RESEARCH_ONLY) == 2 * len(seen.fields)
    assert {"1 neutrophil", "6 myeloblast", "7", "15 monocyte"} <= set(written)  # of an open cell only its number


def test_a_case_without_fields_has_no_pages(place):
    empty = create_case("Ada", "empty")
    with pytest.raises(InvalidParameter, match=r"add a picture first\. Received: empty"):
        export_case(empty.id, "Ada", "dicom-fields")
