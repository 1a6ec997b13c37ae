"""Smear and Cases by AppTest: from a name to a case, its cells, its differential, its confirmation; nothing is lost."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components import models, smear_cells, smear_gallery
from components.frame import FRAMED
from leuk_core import database
from leuk_core.cases import (
    CaseState,
    CellState,
    add_field,
    confirm_cells,
    create_case,
    list_cells,
    load_case,
    reclassify_cells,
    search_cases,
    trail,
)
from leuk_core.cells.differential import FIRST_LINE
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
made_up = importlib.util.module_from_spec(
    spec := importlib.util.spec_from_file_location("made_up", ROOT / "tests" / "cases" / "made_up.py")
)
spec.loader.exec_module(made_up)


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()
    database._engine.cache_clear()


@pytest.fixture
def case(app):
    made = create_case("Ada", "case A", stain="Wright")
    for seed in (1, 2):
        add_field(made.id, "Ada", made_up.field_image(seed), made_up.new_cells(), microns_per_pixel=0.1)
    return load_case(made.id)


def opened(app, name, case=None):
    app.run()
    if case:
        app.query_params["case"] = case.id
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success, app.title, app.subheader)
    parts = [element.value for kind in kinds for element in kind]
    return "\n".join(map(str, [*parts, *(block.proto.body for block in app.get("html"))]))


def press(app, label):
    """Press a button; AppTest runs the page's file alone, and what is pressed must not be lost by starting over."""
    app.session_state[FRAMED] = True
    next(entry for entry in app.button if entry.label.startswith(label)).click().run()
    assert not app.exception


def test_the_first_line_says_what_the_machine_does_not_assess_and_a_case_begins_with_a_name(app):
    at = opened(app, "smear")
    assert FIRST_LINE in at.markdown[0].value or any(FIRST_LINE in part.value for part in at.markdown)
    assert "Give your name" in words(at)
    at.text_input(key="leuk.person").set_value("Ada").run()
    press(at, "Create the case")
    (made,) = search_cases()
    assert made.case.created_by == "Ada"
    assert any("Drop the fields" in entry.label for entry in at.get("file_uploader")) or not at.exception


def test_cells_are_shown_and_an_action_from_the_browser_is_saved_and_counted(app, case):
    at = opened(app, "smear", case)
    at.text_input(key="leuk.person").set_value("Ada").run()
    assert "0 of 12 cells reviewed" in words(at)
    assert "not assessed by the machine" in words(at)
    known = at.session_state[smear_cells.HELD]
    smear = list_cells(case.id)
    assert [cell.number for cell in known.cells] == [cell.number for cell in smear]
    reclassify_cells(smear[:2], "Bob", "myeloblast")  # another window
    at.run()
    assert "2 of 12 cells reviewed" in words(at)
    assert "genetics decide" in words(at) or "genetics" in words(at)


def test_a_case_is_found_confirmed_and_then_closed_for_edits(app, case):
    cells = list_cells(case.id)
    confirm_cells(cells[:10], "Ada")
    reclassify_cells(cells[10:], "Ada", "myeloblast")
    at = opened(app, "cases", case)
    table = at.dataframe[0].value
    assert table["cells"][0] == "12 of 12 reviewed"
    assert table["blasts by persons"][0] == "16.7 % (2.1 to 48.4 %), n = 12"
    at.text_input(key="leuk.person").set_value("Dr. Ada").run()
    press(at, "Confirm as Dr. Ada")
    assert load_case(case.id).state is CaseState.CONFIRMED
    assert "**confirmed by Dr. Ada**" in words(at)
    assert trail.entries()[0].action == "confirm-case"
    at.switch_page("pages/smear.py").run()
    assert "is confirmed by Dr. Ada" in words(at)


def test_a_case_that_is_gone_is_told_and_forgotten(app, case):
    app.run()
    app.query_params["case"] = "c-000000000000"
    at = app.switch_page("pages/cases.py").run()
    assert "There is no such case" in words(at)
    assert not at.exception


def test_an_action_that_the_browser_tells_twice_is_done_once_and_in_its_order(app, monkeypatch):
    told = {}
    monkeypatch.setattr(smear_cells.st, "session_state", told)
    first, second, third = ({"id": number, "what": "undo"} for number in (7, 9, 12))
    told["part"] = {"acted": {"queue": [second, first]}}
    assert list(smear_cells.asked("part")) == [first, second]
    told["part"] = {"acted": {"queue": [first, second, third]}}
    assert list(smear_cells.asked("part")) == [third]
    assert list(smear_cells.asked("a part that is gone")) == []


def test_confirming_leaves_what_a_person_has_said(app, case, monkeypatch):
    monkeypatch.setattr(smear_cells.st, "session_state", {})
    (called,) = reclassify_cells(list_cells(case.id)[:1], "Ada", "myeloblast")
    cells = [[cell.number, cell.version] for cell in list_cells(case.id)]
    smear_cells.act(case.id, "Bob", {"what": "confirm", "cells": cells})
    after = list_cells(case.id)
    assert after[0] == called
    assert {cell.reviewer for cell in after[1:]} == {"Bob"}
    smear_cells.act(case.id, "Bob", {"what": "undo"})
    assert [cell.state for cell in list_cells(case.id)[1:]] == [CellState.OPEN] * 11


def test_cells_like_all_come_first_within_their_class_and_nothing_is_counted_by_it(app, case):
    at = opened(app, "smear", case)
    at.text_input(key="leuk.person").set_value("Ada").run()
    before = list_cells(case.id)
    at.toggle(key=smear_gallery.LIKE_ALL).set_value(True).run()
    assert not at.exception
    assert not at.warning
    assert list_cells(case.id) == before
    classes = list(smear_gallery.counted(before, ()))
    found = {cell.number: number / 12 for number, cell in enumerate(before)}
    shown = smear_gallery.ordered(before, classes, found)
    assert [smear_gallery.group_of(cell) for cell in shown] == [
        smear_gallery.group_of(cell) for cell in smear_gallery.ordered(before, classes)
    ]
    assert all(
        found[one.number] > found[next_one.number]
        for one, next_one in pairwise(shown)
        if smear_gallery.group_of(one) == smear_gallery.group_of(next_one)
    )
