"""Files of a case: no formula in a table, the warning on each page, the trail's mark in each, no name of a picture."""

import csv
import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from leuk_core import RESEARCH_ONLY
from leuk_core.cases import (
    CellState,
    amend_case,
    confirm_case,
    confirm_cells,
    list_cells,
    load_case,
    own_class,
    reclassify_cells,
    trail,
)
from leuk_core.cases.export import FORMS, export_case
from leuk_core.cases.gathered import gather
from leuk_core.reports import case_pdf, sheet
from leuk_core.reports.case_tables import class_rows


@pytest.fixture
def reviewed(case):
    cells = list_cells(case.id)
    own = own_class("=SUM(A1)")
    confirm_cells(cells[:9], "@Ada")
    reclassify_cells(cells[9:11], "@Ada", "myeloblast")
    reclassify_cells(cells[11:], "@Ada", own.code)
    return load_case(case.id)


def lines(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig").split("\n", 1)[1])))


def test_tables_hold_what_machine_and_person_said_and_no_formula(reviewed):
    made = export_case(reviewed.id, "Ada", "csv")
    mark = trail.entries(reviewed.id)[0].mark
    assert made.name == "case-A-cells.csv"
    assert RESEARCH_ONLY in made.data.decode("utf-8-sig").splitlines()[0]
    assert mark in made.data.decode("utf-8-sig").splitlines()[0]
    rows = lines(made.data)
    assert len(rows) == 12
    assert (rows[9]["machine_type"], rows[9]["reviewed_type"], rows[9]["model"]) == (
        "neutrophil", "myeloblast", "wbc-types/x@1",
    )  # fmt: skip
    assert (rows[11]["reviewed_name"], rows[11]["reviewer"]) == ("'=SUM(A1)", "'@Ada")
    assert b".png" not in made.data

    table = pq.read_table(io.BytesIO(export_case(reviewed.id, "Ada", "parquet").data))
    assert table.num_rows == 12
    assert table.schema.metadata[b"warning"].decode() == RESEARCH_ONLY
    assert table.column("x0").to_pylist()[1] == 10.0

    counted = {row["class"]: row for row in lines(export_case(reviewed.id, "Ada", "differential").data)}
    assert (counted["myeloblast"]["reviewed"], counted["myeloblast"]["machine"]) == ("2", "not assessed")
    assert counted["myeloblast"]["in_words"] == "2 of 12, 16.7 % (2.1 to 48.4 %)"
    assert trail.check(known=[mark]).whole


def test_blasts_stand_first_and_are_not_assessed_until_called(case, reviewed):
    assert class_rows(gather(reviewed.id).count, gather(reviewed.id).classes)[0].name == "myeloblast"
    fresh = reclassify_cells(
        [cell for cell in list_cells(case.id) if cell.reviewed_type == "myeloblast"], "Ada", "monocyte"
    )
    assert fresh
    first = class_rows(gather(reviewed.id).count, gather(reviewed.id).classes)[0]
    assert (first.name, first.n, first.words) == ("blasts", None, "not assessed by the machine")


def test_every_page_of_the_report_says_for_research_only(reviewed, monkeypatch):
    done = confirm_case(reviewed, "Ada")
    amend_case(done, "Bob", "Seen again. " * 40, {1: (CellState.RECLASSIFIED, "monocyte")})
    written = []
    draw = sheet.Canvas.text
    monkeypatch.setattr(
        sheet.Canvas,
        "text",
        lambda self, x, y, words, *a, **k: (written.append(words), draw(self, x, y, words, *a, **k)),
    )
    monkeypatch.setattr(case_pdf, "MOST_FIELDS", 99)
    data = export_case(reviewed.id, "Ada", "pdf").data
    assert data.startswith(b"%PDF")
    text = " ".join(written)
    n_pages = data.count(b"/Type /Page\n")
    assert n_pages > 1
    assert written.count(RESEARCH_ONLY) == n_pages + 1
    for part in ("As confirmed", "As amended", "confirmed by Ada", "wbc-types/x@1", "Amendment 1", "genetics"):
        assert part in text
    assert "field 1.png" not in text


def test_the_gallery_shows_every_cell(reviewed):
    picture = Image.open(io.BytesIO(export_case(reviewed.id, "Ada", "gallery").data))
    assert RESEARCH_ONLY in picture.text["Description"]
    assert np.asarray(picture).std() > 10


def test_each_export_is_in_the_trail_by_its_form(reviewed):
    before = trail.check().n
    for form in FORMS:
        export_case(reviewed.id, "Ada", form)
    assert [entry.codes["form"] for entry in trail.entries()[: len(FORMS)]] == list(FORMS)[::-1]
    assert trail.check().n == before + len(FORMS)
