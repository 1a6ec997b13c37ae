"""A task without any trained version is listed with what is missing, and no page stumbles over it."""

import argparse
import json
import shlex

import pytest
from streamlit.testing.v1 import AppTest

from components import models
from leuk_core.cli import main
from leuk_core.settings import settings
from leuk_core.untrained import about_untrained, untrained_tasks
from train.__main__ import VERBS

TASK = "leukemia-subtypes"
PAGES = ("home", "diagnose", "preprocessing", "compare", "evidence")


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The whole application, with what it writes in a temporary folder."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    yield AppTest.from_file("../../app.py", default_timeout=120).run()
    monkeypatch.undo()
    settings.cache_clear()


def words(app):
    parts = [element.value for element in (*app.markdown, *app.caption, *app.info, *app.code, *app.error)]
    return "\n".join(map(str, [*parts, *(block.proto.body for block in app.get("html"))]))


def test_home_says_what_is_missing_why_and_how_to_train_it(app):
    assert TASK in untrained_tasks()
    said = words(app)
    for fact in ("No trained version", "licence", "two patients", "split by image", "hairy cell leukemia", "Healthy"):
        assert fact in said
    assert "A single CML or CLL cell can look normal" in said
    assert f"python -m train fit --task {TASK} --data FOLDER" in said


@pytest.mark.parametrize("page", PAGES)
def test_every_page_stands_while_the_task_is_chosen_and_no_other_tasks_model_answers(app, page):
    app.selectbox(key=models.TASK).set_value(TASK).run()
    if page != "home":
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    said = words(app)
    assert "none is installed for this task" in said
    assert "no model of this task installed" in said
    assert "all-vs-normal/" not in said or page == "home"
    app.selectbox(key=models.TASK).set_value("all-vs-normal").run()
    assert not app.exception
    assert "model all-vs-normal/" in words(app)


def test_the_commands_of_the_three_steps_are_those_that_there_are():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(required=True)
    for verb in VERBS:
        verb.add_parser(verbs)
    commands = [command for step in about_untrained(TASK).steps for command in step.commands]
    asked = [parser.parse_args(shlex.split(line.replace("SCALE", "0.1"))[3:]) for line in commands]
    assert [args.task for args in asked if hasattr(args, "task")] == [TASK, TASK]
    assert next(args.data_card for args in asked if hasattr(args, "data_card")).is_file()


def test_the_command_line_says_in_one_sentence_that_no_version_is_installed(capsys):
    assert main(["predict", "--model", f"{TASK}/svm", "cell.png"]) == 2
    assert capsys.readouterr().err.startswith(f"No version of {TASK} is installed: ")


def test_a_task_whose_card_gives_no_reason_has_the_steps_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "wbc-types").mkdir()
    classes = [{"id": name, "short": name, "words": f"resembles {name}s"} for name in ("monocyte", "basophil")]
    facts = {"id": "wbc-types", "title": "Types", "classes": classes, "training_share": {}}
    (tmp_path / "wbc-types" / "task.json").write_text(json.dumps(facts))
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()
    try:
        app = AppTest.from_file("../../app.py", default_timeout=120).run()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert not app.exception
    assert "train/monocyte/… to train/basophil/…" in words(app)
