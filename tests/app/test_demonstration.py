"""The guided demonstration, the page of limits, and what stands behind "How to read this"."""

import csv
import io
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from components import compare, demonstration, demonstration_cells, models, sheet
from components.demonstration import DIAGNOSE_SORT, PARAMETER, STEP, STEPS
from components.frame import PAGES
from components.pictures import ARRIVALS
from components.reading import reading
from leuk_core import RESEARCH_ONLY
from leuk_core.data.imports import list_sets
from leuk_core.settings import settings


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The whole application with the drawn sample cells; what it writes lies in a temporary folder."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_TEST_DATA", raising=False)
    monkeypatch.delenv("LEUK_SAMPLE_CELLS", raising=False)
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    yield AppTest.from_file("../../app.py", default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()


def followed(app, name):
    """The page that a step's link opens; what the page itself would compute is not waited for."""
    app.query_params[PARAMETER] = name
    app.run()
    assert not app.exception
    return app


def test_every_step_has_an_installed_page_with_its_title():
    titles = {file: title for file, title, _ in PAGES}
    assert [step.name for step in STEPS] == ["drop", "doubt", "logmh", "compare", "heat-map", "evidence", "retrain"]
    assert all(titles[step.page] == step.on and step.here for step in STEPS)


def test_home_offers_all_steps(app):
    app.run()
    links = [link.proto.label for link in app.get("page_link")]
    assert all(f"{number}. {step.title}" in links for number, step in enumerate(STEPS, start=1))


def test_a_link_takes_the_sample_cells_once_and_sorts_as_the_step_says(app):
    followed(app, "doubt")
    assert app.session_state[STEP] == "doubt"
    assert app.session_state[DIAGNOSE_SORT] == sheet.BY_DOUBT
    taken = [arrival.name for arrival in app.session_state[ARRIVALS]]
    assert len(taken) == 12
    assert PARAMETER not in app.query_params
    followed(app, "drop")
    assert [arrival.name for arrival in app.session_state[ARRIVALS]] == taken
    assert app.session_state[DIAGNOSE_SORT] == sheet.AS_GIVEN


def test_an_unknown_step_changes_nothing(app):
    followed(app, "no-such-step")
    assert STEP not in app.session_state


def test_heat_maps_are_asked_of_two_models_only(app):
    followed(app, "heat-map")
    asked = app.session_state[f"{compare.MODELS}.all-vs-normal"]
    assert sorted(asked) == sorted(demonstration.MAPPED)
    assert app.session_state[compare.MAPS] is True


def test_a_page_of_a_step_says_where_one_is_and_the_demonstration_can_be_left(app):
    app.query_params[PARAMETER] = "evidence"
    app.run()
    app.switch_page("pages/evidence.py").run()
    assert any(word.value.startswith("**6 of 7: Weigh the evidence.**") for word in app.markdown)
    app.button(key="leuk-demonstration-end").click().run()
    assert not any("of 7:" in word.value for word in app.markdown)


def test_cells_to_train_on_are_drawn_marked_synthetic_and_of_made_up_patients(app, monkeypatch):
    kept = {}

    def keep(file, name, progress):
        kept["name"], kept["whole"] = name, file.read()

    monkeypatch.setattr(demonstration_cells, "import_zip", keep)
    demonstration_cells.draw_set(lambda done, total, words: None)
    with zipfile.ZipFile(io.BytesIO(kept["whole"])) as packed:
        rows = list(csv.DictReader(io.StringIO(packed.read("manifest.csv").decode())))
        assert {row["path"] for row in rows} == set(packed.namelist()) - {"manifest.csv"}
    assert "demonstration" in kept["name"]
    assert {row["subject"].split("-")[0] for row in rows} == {"drawn"}
    for label in ("all", "hem"):
        assert len({row["subject"] for row in rows if row["label"] == label}) == demonstration_cells.PATIENTS


def test_the_drawn_set_is_taken_by_the_import_without_a_refusal(app):
    settings.cache_clear()
    found = demonstration_cells.draw_set(lambda done, total, words: None)
    assert found.images == {"all": 12, "hem": 12}
    assert [entry.name for entry in list_sets()] == [demonstration_cells.NAME]


def test_every_page_but_home_says_how_it_is_read():
    told = reading()
    assert set(told) == {title for _, title, _ in PAGES} - {"Home"}
    assert all(words.startswith("- **") for words in told.values())


def test_limits_say_what_it_is_not_for_and_what_was_measured(app):
    app.run()
    app.switch_page("pages/limits.py").run()
    assert not app.exception
    said = "\n".join([word.value for word in app.markdown] + [block.proto.body for block in app.get("html")])
    assert RESEARCH_ONLY in said
    assert "diagnose a person" in said
    assert "by subject" in said
    assert "C-NMC" in said
