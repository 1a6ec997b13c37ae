"""Retrain by AppTest: what persons called in cases becomes a set, for the classes of a task."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components import models
from components.frame import FRAMED
from components.retrain import importing
from components.retrain.cells import CASES
from leuk_core import database
from leuk_core.cases import add_field, confirm_case, confirm_cells, create_case, list_cells, load_case, reclassify_cells
from leuk_core.data.imports import list_sets
from leuk_core.settings import settings
from tests.cases.made_up import field_image, new_cells

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    importing.imports.clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()
    database._engine.cache_clear()


def reviewed_case(name):
    case = create_case("Ada", name)
    for seed in (1, 2):
        add_field(case.id, "Ada", field_image(seed), new_cells(), microns_per_pixel=0.3)
    cells = list_cells(case.id)
    reclassify_cells(cells[:1], "Ada", "myeloblast")
    confirm_cells(cells[1:], "Ada")
    return load_case(case.id)


def words(app):
    return "\n".join(str(element.value) for kind in (app.caption, app.info, app.error) for element in kind)


def test_cells_of_confirmed_cases_are_brought_in_and_what_the_task_does_not_know_is_left_out(app):
    confirm_case(reviewed_case("case A"), "Ada")
    reviewed_case("case B")
    app.run()
    at = app.switch_page("pages/retrain.py").run()
    at.session_state[FRAMED] = True
    at.button_group(key="leuk.retrain.way").set_value(CASES).run()
    assert not at.exception
    assert "3 neutrophil, 8 lymphocyte, of 1 case;" in words(at)
    assert "no such class: 1 myeloblast" in words(at)
    assert "Still without a cell" in words(at)
    at.session_state[FRAMED] = True
    next(one for one in at.button if one.label == "Bring in 11 reviewed cells").click().run()
    end = time.monotonic() + 60
    while not list_sets() and time.monotonic() < end:
        time.sleep(0.05)
    (found,) = list_sets()
    assert found.images == {"lymphocyte": 8, "neutrophil": 3}
    assert found.subjects == {"lymphocyte": 1, "neutrophil": 1}
