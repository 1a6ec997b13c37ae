"""Whatever people type, each file of a case can be read, and what it says stays text."""

import io
import json
from xml.dom import minidom

import pydicom
import pytest

from leuk_core.cases import amend_case, confirm_case, confirm_cells, list_cells, load_case, own_class, reclassify_cells
from leuk_core.cases.export import export_case
from leuk_core.errors import InvalidParameter

TYPED = "<script>alert(1)</script>]]>\"' &#60;"


@pytest.fixture
def hostile(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:6], TYPED)
    reclassify_cells(cells[6:], TYPED, own_class(TYPED).code)
    confirmed = confirm_case(load_case(case.id), TYPED)
    with pytest.raises(InvalidParameter, match="of text"):
        amend_case(confirmed, TYPED, "a\0b")
    return amend_case(confirmed, TYPED, f"{TYPED}\x07\n\u202e" + "x" * 1_900)


@pytest.mark.parametrize("form", ["fhir-r5", "fhir-r4b"])
def test_what_a_person_reads_in_fhir_is_xhtml_without_a_script(hostile, form):
    bundle = json.loads(export_case(hostile.id, TYPED, form).data)
    divs = [entry["resource"]["text"]["div"] for entry in bundle["entry"] if "text" in entry["resource"]]
    assert any("&lt;script&gt;" in div for div in divs)
    for div in divs:
        assert minidom.parseString(div.encode()).getElementsByTagName("script") == []  # noqa: S318


def test_sheets_and_pictures_are_whole(hostile):
    pdf = export_case(hostile.id, TYPED, "pdf").data
    assert pdf.startswith(b"%PDF")
    assert b"/JavaScript" not in pdf
    for form in ("dicom-gallery", "dicom-fields"):
        dataset = pydicom.dcmread(io.BytesIO(export_case(hostile.id, TYPED, form).data))
        assert dataset.pixel_array.shape[-1] == 3
