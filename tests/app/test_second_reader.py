"""A second reader on the page Cases by AppTest: who may call what, what is kept, what is told."""

import importlib.util
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components import models
from components.frame import FRAMED
from components.second_reader import CALL, CELL, READING, calls_in, left_to
from leuk_core import database
from leuk_core.cases import add_field, confirm_cells, create_case, list_cells, load_case, read_cells, reclassify_cells
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
made_up = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location("made_up", ROOT / "tests" / "cases" / "made_up.py")
)
spec.loader.exec_module(made_up)


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)
    settings.cache_clear()
    made = create_case("Ada", "case A")
    add_field(made.id, "Ada", made_up.field_image(1), made_up.new_cells(), microns_per_pixel=0.1)
    cells = list_cells(made.id)
    confirm_cells(cells[:4], "Ada")
    reclassify_cells(cells[4:5], "Bob", "myeloblast")
    yield load_case(made.id)
    monkeypatch.undo()
    settings.cache_clear()
    database._engine.cache_clear()


def test_only_cells_that_another_person_reviewed_are_offered(case):
    cells = list_cells(case.id)
    assert [cell.number for cell in left_to(cells, {2: "blast"}, "Bob")] == [1, 3, 4]
    assert [cell.number for cell in left_to(cells, {}, "Ada")] == [5]


def test_what_was_left_blank_in_the_table_is_no_call():
    rows = [{CELL: 1, CALL: "monocyte"}, {CELL: 2, CALL: None}, {CELL: 3, CALL: "not counted"}]
    assert calls_in(rows, {"monocyte": "monocyte", "not counted": "not-counted"}) == {1: "monocyte", 3: "not-counted"}


def test_the_page_offers_cells_without_their_class_and_tells_the_agreement(case):
    read_cells(case.id, "Bob", {1: "neutrophil", 2: "monocyte"})
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    at.query_params["case"] = case.id
    at.switch_page("pages/cases.py").run()
    at.text_input(key="leuk.person").set_value("Bob").run()
    at.session_state[FRAMED] = True
    assert any("the same call for 50.0 %" in part.value for part in at.get("text"))
    at.toggle(key=READING).set_value(True).run()
    assert not at.exception
    assert not any("the same call" in part.value for part in at.get("text"))
    assert any("2 cells called by you, 2 are left" in part.value for part in at.caption)
    (offered,) = [table.value for table in at.dataframe if CALL in table.value]
    assert "neutrophil" not in str(offered.to_dict())
    assert list(offered[CELL]) == [3, 4]
