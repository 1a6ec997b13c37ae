"""Every page by AppTest: it stands, says research use only, shows no exception, and answers about real cells."""

import pytest
from streamlit.testing.v1 import AppTest

from components import models
from leuk_core import RESEARCH_ONLY
from leuk_core.settings import settings

PAGES = ("home", "diagnose", "preprocessing", "evidence")


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The whole application, with what it writes in a temporary folder."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    yield AppTest.from_file("../../app.py", default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()


def opened(app, page):
    app.run()
    if page != "home":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


def words(app):
    """Everything that the page says, as one text."""
    parts = [
        element.value for element in (*app.markdown, *app.caption, *app.info, *app.error, *app.title, *app.subheader)
    ]
    return "\n".join(map(str, [*parts, *(block.proto.body for block in app.get("html"))]))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_stands_and_says_what_it_is_not_for(app, page):
    said = words(opened(app, page))
    assert RESEARCH_ONLY in said
    assert "Traceback" not in said


def test_home_names_the_installed_model_with_its_figure_and_protocol(app):
    said = words(opened(app, "home"))
    assert "all-vs-normal/svm@" in said
    assert "by subject" in said
    assert "weighted F1 0." in said.replace("Weighted", "weighted")
    assert "CC BY 3.0" in said


@pytest.mark.parametrize("page", ["diagnose", "preprocessing"])
def test_an_empty_page_says_what_to_do(app, page):
    said = words(opened(app, page)).lower()
    assert "drop" in said or "add" in said
