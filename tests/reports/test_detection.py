"""Detectors side by side: the same held-out fields, each figure with interval and n, the default one first."""

import json

import pytest

from leuk_core.reports.detection import detection_html, judged_detectors
from leuk_core.settings import settings

SHARE = {"value": 0.9, "low": 0.8, "high": 0.96}


def write(folder, detector, version, default=None, **sets):
    place = folder / "detectors" / detector
    (place / "evaluations").mkdir(parents=True, exist_ok=True)
    facts = {"kind": "detection", "detector": detector, "version": version, "rule": "IoU <0.5>", "sets": sets}
    (place / "evaluations" / f"{version}-fields.json").write_text(json.dumps(facts))
    if default is not None:
        (place / version).mkdir(exist_ok=True)
        (place / version / "card.json").write_text(json.dumps({"default": default, "files": {}}))


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_figures_of_the_installed_version_stand_beside_the_baseline(models):
    full = {"n_images": 50, "n_cells": 51, "right": 46, "recall": SHARE, "precision": SHARE}
    part = {"n_images": 110, "n_cells": 477, "right": 400, "recall": SHARE, "found": 983, "n_subjects": 24}
    write(models, "segmentation", "1", TXL=full, leukemia=part)
    write(models, "net", "2026-01-01", TXL=full | {"recall": {"value": 0.1, "low": 0.0, "high": 0.2}})
    write(models, "net", "2026-02-02", default=True, TXL=full)
    judged = judged_detectors()
    assert [facts["detector"] for facts in judged] == ["net", "segmentation"]
    html = detection_html(judged)
    assert "net (default)" in html
    assert "90.0%" in html
    assert "80.0% to 96.0%" in html
    assert "51 cells on 50 fields" in html
    assert "477 cells on 110 fields, 24 subjects" in html
    assert "983 boxes found" in html  # where no precision can be said
    assert html.count("not judged") == 1  # the network on the leukemia fields
    assert "10.0%" not in html  # of a version that is no longer installed
    assert "IoU &lt;0.5&gt;" in html


def test_nothing_is_shown_where_nothing_was_judged(models):
    assert detection_html(judged_detectors()) == ""
