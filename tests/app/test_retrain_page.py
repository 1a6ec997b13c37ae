"""Retrain by AppTest: empty, with cells, with jobs at every stage, with a finished comparison; state lives on disk."""

import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components import demonstration_cells, models
from components.retrain import importing
from leuk_core import RESEARCH_ONLY, database
from leuk_core.data.imports import import_folder, list_sets
from leuk_core.data.imports_audit import audited, red_verdicts
from leuk_core.jobs import JobState, Tell, find, leases, list_jobs, submit
from leuk_core.jobs.device import Device
from leuk_core.registry import current_version
from leuk_core.registry.promotions import promote
from leuk_core.settings import settings
from leuk_core.training.run import write_json

ROOT = Path(__file__).resolve().parents[2]
TASK = "all-vs-normal"
DEVICE = Device("cpu:test", "processor, 2 cores", "cpu", 8192)


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEUK_DATA_ROOTS", str(tmp_path / "server"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    (tmp_path / "server").mkdir()
    settings.cache_clear()
    importing.imports.clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()
    database._engine.cache_clear()


def opened(app):
    app.run()
    app.switch_page("pages/retrain.py").run()
    assert not app.exception
    return app


def again(app):
    """Open the page in another tab: nothing of the first session is known there."""
    return opened(AppTest.from_file(str(ROOT / "app.py"), default_timeout=120))


def words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success, app.title, app.header)
    parts = [element.value for kind in (*kinds, app.subheader) for element in kind]
    return "\n".join(map(str, [*parts, *(block.proto.body for block in app.get("html"))]))


def button(app, label):
    return next(one for one in app.button if one.label == label)


@pytest.fixture
def ward(app, tmp_path):
    """An imported set of drawn cells, 4 persons a class."""
    draw(tmp_path / "server" / "ward")
    return import_folder(str(tmp_path / "server" / "ward"))


def draw(folder, persons=4, each=3):
    """Draw textured discs of two sizes, with a manifest."""
    rng, lines = np.random.default_rng(0), ["path,label,subject,split"]
    folder.mkdir(parents=True)
    for label, radius in (("all", 30), ("hem", 20)):
        for number in range(persons * each):
            picture = np.zeros((96, 96, 3), np.uint8)
            cv2.circle(picture, (48, 48), radius + int(rng.integers(-4, 5)), (150, 60, 130), -1)
            picture = np.where(picture > 0, picture - rng.integers(0, 50, picture.shape, np.uint8), 0).astype(np.uint8)
            name = f"{label}_{number}.png"
            cv2.imwrite(str(folder / name), picture)
            lines.append(f"{name},{label},{label[0]}{number % persons},")
    (folder / "manifest.csv").write_text("\n".join(lines))


def request_of(found):
    return {
        "set": found.id,
        "task": TASK,
        "model": "knn",
        "start": "shipped",
        "protocol": "by-subject",
        "by": "Dr. Lin",
    }


def running(request):
    """Return a job that a worker has."""
    submit("retrain", request)
    leases.beat("here-1", DEVICE.words)
    return leases.claim("here-1", (DEVICE,))[0]


def finished(request, better):
    """Return a job that has ended with a comparison of the shipped version and one that is not installed."""
    job = running(request)
    low, high = (0.02, 0.08) if better else (-0.01, 0.08)
    figure = {
        "current": {"value": 0.80, "low": 0.7, "high": 0.9},
        "candidate": {"value": 0.84, "low": 0.75, "high": 0.92},
        "difference": {"value": 0.04, "low": low, "high": high},
    }
    current = current_version(TASK, "knn").ref
    comparison = {
        "current": current, "candidate": f"{TASK}/knn@2099-01-01.1", "possible": True,
        "sentence": "It is better: +4.0 points." if better else "No evidence that it is better: +4.0 points.",
        "proof": "by name", "caption": "by subject · 40 cells · 10 subjects", "n": 40, "n_subjects": 10, "left_out": 0,
        "figures": {"f1_weighted": figure, "ece": figure, "recall_all": figure, "recall_hem": figure},
        "got_worse": ["hem"],
    }  # fmt: skip
    figures = {"f1_weighted": figure["candidate"], "protocol": "by subject", "n": 100, "n_subjects": 20}
    result = {
        "version": f"{TASK}/knn@2099-01-01.1", "title": "KNN on DCNN features", "figures": figures, "warning": "",
        "comparison": comparison, "sentence": comparison["sentence"], "notes": ["Trained on own data of one place."],
    }  # fmt: skip
    write_json(job.folder / "result.json", result)
    leases.finish(job, JobState.SUCCEEDED, "")
    return job


def test_an_empty_page_says_what_to_bring_and_in_which_form(app):
    said = words(opened(app))
    assert "No cells are here yet" in said
    assert "`all` (ALL), `hem` (normal)" in said
    assert "path,label,subject,split" in said
    assert RESEARCH_ONLY in said
    assert not [one for one in app.button if one.label == "Start training"]


def test_who_has_no_cells_at_hand_tries_it_with_drawn_ones(app, monkeypatch, tmp_path):
    draw(tmp_path / "server" / "drawn")
    monkeypatch.setattr(
        demonstration_cells, "draw_set", lambda tell: import_folder(str(tmp_path / "server" / "drawn"), progress=tell)
    )
    opened(app)
    app.button(key="leuk-retrain-drawn").click().run()
    ended(app)
    assert [found.n for found in list_sets()] == [24]
    assert not [one for one in app.button if one.key == "leuk-retrain-drawn"]


def test_a_folder_on_the_server_is_brought_in_examined_and_only_then_can_be_trained_on(app, tmp_path):
    draw(tmp_path / "server" / "ward")
    opened(app)
    way = next(one for one in app.segmented_control if one.label == "From where")
    way.set_value(way.options[1]).run()
    field = next(one for one in app.text_input if one.label.startswith("Folder or manifest"))
    field.set_value(str(tmp_path / "elsewhere"))
    button(app, "Bring in").click().run()
    ended(app)
    assert any("Only what lies below" in error.value for error in app.error)
    button(app, "I see").click().run()
    assert not app.error
    next(one for one in app.text_input if one.label.startswith("Folder or manifest")).set_value(
        str(tmp_path / "server" / "ward")
    )
    button(app, "Bring in").click().run()
    ended(app)
    (found,) = list_sets()
    assert found.images == {"all": 12, "hem": 12}
    report = audited(found.id)
    app.run()
    said = words(app)
    assert "Not enough patients to compare" in said
    start = button(app, "Start training")
    red = red_verdicts(report)
    assert start.disabled is bool(red)
    for box in app.checkbox:
        box.check()
    app.run()
    assert not button(app, "Start training").disabled, words(app)
    next(one for one in app.text_input if one.label == "Your name").set_value("Dr. Lin")
    app.run()
    button(app, "Start training").click().run()
    assert not app.exception
    (job,) = list_jobs()
    assert job.request["confirmed_verdicts"] == list(red)
    assert job.request["by"] == "Dr. Lin"
    assert "waits" in words(again(app))


def ended(app):
    for thread in threading.enumerate():
        if thread.name == importing.THREAD:
            thread.join(60)
    app.run()
    assert not app.exception


def test_a_second_tab_sees_a_running_training_with_its_curves_and_may_cancel_it(app, ward):
    job = running(request_of(ward) | {"model": "efficientnet-lite"})
    with Tell(job.folder) as tell:
        tell.step("cross-validation")
        tell.progress(3, 10, "fold 1, pass")
        tell.curve(0, 1, {"loss": 0.7, "accuracy": 0.5})
        tell.log("a line of the log")
    opened(app)
    said = words(app)
    assert "in training" in said
    assert app.get("plotly_chart")
    assert any("a line of the log" in block.value for block in app.code)
    button(app, "Cancel").click().run()
    assert find(job.id).state is JobState.CANCELLING
    leases.finish(find(job.id), JobState.CANCELLED, "")
    other = again(app)
    assert "was cancelled" in words(other)
    button(other, "Go on with it").click().run()
    assert find(job.id).state is JobState.QUEUED


def test_a_failure_is_told_in_words(app, ward):
    job = running(request_of(ward))
    (job.folder / "log.txt").write_text("Traceback (most recent call last): boom\n")
    leases.finish(job, JobState.FAILED, "The disk is full: free some space, then try again; what is finished is kept.")
    said = words(opened(app))
    assert "The disk is full" in said
    assert "Traceback" not in said
    button(app, "Put aside").click().run()
    assert "Earlier trainings" in words(app)


@pytest.mark.parametrize("better", [True, False])
def test_a_finished_training_ends_in_one_sentence_with_intervals_and_what_got_worse(app, ward, better):
    finished(request_of(ward), better)
    said = words(opened(app))
    assert ("It is better" if better else "No evidence that it is better") in said
    assert "+0.04 (+0.02 to +0.08)" in said or "+0.04 (-0.01 to +0.08)" in said
    assert said.count("got worse") == 1
    assert "by subject · 40 cells · 10 subjects" in said
    assert "n = 100 cells of 20 patients" in said
    assert "red verdicts" not in said


def test_red_verdicts_that_were_confirmed_stand_beside_the_sentence(app, ward):
    finished(request_of(ward) | {"confirmed_verdicts": ["shortcuts"]}, better=True)
    assert "The audit's red verdicts on these cells (shortcuts) weigh on all figures" in words(opened(app))


def test_promoted_and_rolled_back_by_one_press_it_answers_on_other_pages_at_once(app, ward, tmp_path):
    shipped = current_version(TASK, "knn")
    own(shipped)
    finished(request_of(ward), better=False)
    opened(app)
    app.selectbox(key=models.MODEL).set_value(shipped.ref).run()
    promote(f"{TASK}/knn@2099-01-01.1", "Dr. Lin", "fits our stain")  # the dialog that asks is tested in a browser
    app.switch_page("pages/diagnose.py").run()
    assert app.session_state[models.MODEL] == f"{TASK}/knn@2099-01-01.1"
    said = words(again(app))
    assert "Who answers" in said
    assert "by Dr. Lin" in said
    other = again(app)
    button(other, f"Roll back to {shipped.version}").click().run()
    assert not other.exception
    assert current_version(TASK, "knn").ref == shipped.ref
    assert "taken back with one press" in words(other)
    app.run()
    assert app.session_state[models.MODEL] == shipped.ref


def own(shipped):
    """Install a version of one's own: the shipped one under another name."""
    import shutil

    place = settings().data_dir / "models" / TASK / "knn" / "2099-01-01.1"
    shutil.copytree(shipped.folder, place)
    card = json.loads((place / "card.json").read_text())
    (place / "card.json").write_text(json.dumps(card | {"version": "2099-01-01.1"}))
