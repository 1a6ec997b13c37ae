"""Evidence by AppTest: the answer, doubts, tables by protocol, old evaluation files, and an audit from the page."""

import json
import re
import shutil
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components import models
from leuk_core import RESEARCH_ONLY
from leuk_core.data.audit import background
from leuk_core.data.splits import Protocol
from leuk_core.evaluation import paper
from leuk_core.registry import find_version
from leuk_core.reports.detection import judged_detectors
from leuk_core.reports.evidence import results_of
from leuk_core.reports.page import QUESTION
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 120


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a copy of the shipped models that a test may change."""
    root = tmp_path / "models"
    shutil.copytree(settings().models_dir, root, ignore=shutil.ignore_patterns("*.safetensors", "*.skops", "*.h5"))
    monkeypatch.setenv("LEUK_MODELS_DIR", str(root))
    return root


@pytest.fixture
def app(tmp_path, monkeypatch, installed):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEUK_DATA_ROOTS", str(tmp_path / "sets"))
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)  # loads nothing behind the test's back
    settings.cache_clear()
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    monkeypatch.undo()
    settings.cache_clear()


def opened(app):
    app.run()
    app.switch_page("pages/evidence.py").run()
    assert not app.exception
    assert not app.error
    return app


def words(app):
    parts = [
        element.value
        for kind in (app.markdown, app.caption, app.info, app.error, app.title, app.header, app.subheader)
        for element in kind
    ]
    return "\n".join(map(str, [*parts, *(block.proto.body for block in app.get("html"))]))


def results_files(root, protocol="by-subject"):
    return sorted(root.glob(f"all-vs-normal/*/evaluations/*-{protocol}*.json"))


def test_the_question_is_answered_with_protocol_n_and_interval(app):
    said = words(opened(app))
    assert QUESTION in said
    assert RESEARCH_ONLY in said
    assert "Of 100 cells of persons whom it did not learn from, about " in said
    assert "What speaks against it" in said
    assert results_of(find_version())[Protocol.BY_SUBJECT].caption.partition(" · ")[2] in said
    assert "95 % intervals" in said


def test_the_authors_figures_stand_apart_with_impossible_rows_marked(app):
    said = words(opened(app))
    assert paper.REPORTED in said
    tables = next(block.proto.body for block in app.get("html") if "Table 3" in block.proto.body)
    assert tables.count(">✕</abbr>") == len(paper.impossible())
    assert "by subject ·" not in tables


def test_cards_say_what_is_unknown(app):
    said = words(opened(app))
    assert "<b>Unknown:</b>" in said
    assert "Age and sex" in said
    assert "CC BY 3.0" in said


def test_an_evaluation_file_of_older_make_is_shown_without_what_it_lacks(app, installed):
    for path in results_files(installed):
        facts = json.loads(path.read_text("utf-8"))
        old = ("kind", "version", "date", "protocol", "run", "figures")
        path.write_text(json.dumps({name: facts[name] for name in old if name in facts}), encoding="utf-8")
    said = words(opened(app))
    assert "are called rightly" in said
    assert "model minus baseline" not in said
    assert not [key for key in ("subjects", "reliability", "coverage", "curves") if _chart(app, key)]


def test_by_image_stands_below_and_says_why_it_flatters(app):
    version = find_version()
    facts = results_of(version)[Protocol.BY_SUBJECT].facts
    figures = {**facts["figures"], "protocol": "by-image", "protocol_words": "by image"}
    path = version.folder.parent / "evaluations" / "2099-01-01-by-image.json"
    path.write_text(json.dumps({**facts, "protocol": "by-image", "figures": figures}), encoding="utf-8")
    opened(app)
    bodies = [block.proto.body for block in app.get("html")]
    by_subject, by_image = (body for body in bodies if "ev-axis" in body and "shown here" in body)
    assert "by subject" in by_subject
    assert "these figures flatter" in by_image
    assert "Cells of one person stand in training and in test" in by_image
    control = next(control for control in app.segmented_control if control.label == "How cells were kept apart")
    control.set_value("by-image").run()
    assert any("Cells of one person" in warning.value for warning in app.warning)


def test_types_of_cells_come_with_what_finds_them_and_what_blasts_were_called(app):
    app.run()
    app.selectbox(key=models.TASK).set_value("wbc-types").run()
    said = words(opened(app))
    assert "White cells found on whole fields" in said
    table = next(block.proto.body for block in app.get("html") if "IoU 0.5" in block.proto.body)
    for facts in judged_detectors():
        for title, entry in facts["sets"].items():
            assert title in table
            assert f"{entry['recall']['value']:.1%}" in table
    assert table.count("(default)") == 1
    assert "CenterNet, learnt on BCCD" in table
    assert "by image" in table
    assert re.search(r"of 190 lymphoblasts, myeloblasts and abnormal promyelocytes .* \(24 subjects\)", said)


def test_the_page_needs_no_tensorflow(app):
    before = "tensorflow" in sys.modules
    opened(app)
    assert ("tensorflow" in sys.modules) is before


def test_without_a_model_a_set_can_still_be_audited(app, installed):
    shutil.rmtree(installed / "all-vs-normal")
    for other in ("wbc-types", "leukemia-subtypes"):
        shutil.rmtree(installed / other, ignore_errors=True)
    said = words(opened(app))
    assert "No model is installed" in said
    assert app.text_input[0].label == "Folder or manifest.csv on this server"


def test_only_folders_that_are_allowed_may_be_audited(app, tmp_path):
    opened(app)
    app.text_input[0].set_value(str(tmp_path / "models"))
    _audit_button(app).click().run()
    (error,) = app.error
    assert "Only what lies below" in error.value
    assert "LEUK_DATA_ROOTS" in error.value


def test_a_set_is_audited_beside_the_page_and_offending_pairs_are_shown(app, tmp_path):
    folder = tmp_path / "sets" / "drawn"
    _draw_set(folder)
    opened(app)
    app.text_input[0].set_value(str(folder))
    _audit_button(app).click().run()
    assert not app.error
    (job,) = background.jobs()
    for thread in threading.enumerate():
        if thread.name == background.ENDS:
            thread.join(WITHIN_S)
    assert background.read(job.folder).state == background.DONE, (job.folder / "log.txt").read_text()
    app.run()
    assert not app.exception
    said = words(app)
    assert "Same cell under two labels" in said
    assert "mend first" in said
    pairs = next(block.proto.body for block in app.get("html") if 'class="pairs"' in block.proto.body)
    assert pairs.count("data:image/jpeg;base64,") == 2
    assert not list((tmp_path / "data").rglob("*.png"))  # no picture was copied
    report = json.loads((job.folder / "report.json").read_text("utf-8"))
    assert len(report["label_conflicts"]) == 1


def test_an_audit_whose_process_is_gone_is_not_lost_silently(app, tmp_path):
    folder = tmp_path / "data" / "audits" / "20260101-000000-000000"
    folder.mkdir(parents=True)
    facts = {"id": folder.name, "path": "/sets/a", "started": "2026-01-01 00:00 UTC", "state": "running", "rows": []}
    (folder / "job.json").write_text(json.dumps(facts))
    opened(app)
    assert any("interrupted" in expander.label for expander in app.expander)


def _audit_button(app):
    return next(button for button in app.button if button.label == "Audit")


def _chart(app, key):
    return any(key in str(chart.proto) for chart in app.get("plotly_chart"))


def _draw_set(folder):
    """Draw two classes of cells, and one cell of the first once more, turned, in the second."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:160, :160] - 80
    for number in range(8):
        texture = cv2.GaussianBlur(rng.normal(size=(160, 160)).astype(np.float32), (0, 0), 4)
        pixels = np.stack([130 + 600 * texture, 60 + 400 * texture, 110 + 600 * texture], axis=2)
        inside = np.hypot(rows, columns * rng.uniform(0.8, 1.2)) < rng.uniform(45, 60)
        cell = np.clip(pixels * inside[..., None], 0, 255).astype(np.uint8)
        label = "all" if number < 4 else "hem"
        (folder / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / label / f"cell_{number}.png"), cell)
        if number == 0:
            turned = np.ascontiguousarray(np.rot90(cell))
    cv2.imwrite(str(folder / "hem" / "other.png"), turned)
