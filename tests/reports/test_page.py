"""The HTML report: every figure with protocol, n and interval; nothing from outside; names stay text."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from leuk_core import RESEARCH_ONLY
from leuk_core.data.splits import Protocol
from leuk_core.evaluation.out_of_fold import judge_run
from leuk_core.evaluation.results import compact, results
from leuk_core.registry import ModelVersion, load_task
from leuk_core.reports.cards import data_cards, model_card
from leuk_core.reports.evidence import Results, TaskEvidence
from leuk_core.reports.page import report_html
from leuk_core.settings import settings


def made_up(protocol=Protocol.BY_SUBJECT, skill=1.5, judged=range(4)):
    """Return what `train evaluate` stores about made-up cells."""
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(16), 25)
    is_all = person % 2 == 0
    scores = np.column_stack([skill * is_all + rng.normal(size=400), np.full(400, skill / 2)])
    fold = (person // 2) % 4 if protocol is not Protocol.BY_IMAGE else np.arange(400) % 4
    scores[~np.isin(fold, list(judged))] = np.nan
    run = judge_run(
        scores, fold, np.where(is_all, "all", "hem"), [f"<i>{one}</i>" for one in person], ["all", "hem"],
        protocol=protocol, positive="all", aliases_known=True, folds=4,
    )  # fmt: skip
    features = rng.normal(size=(400, 4)) + 0.4 * is_all[:, None]
    curves = {"0": {"loss": [0.9, 0.5, 0.4], "val_loss": [0.9, 0.7, 0.8]}}
    facts = results(run, 0.6, features=features, histories=curves)
    return json.loads(compact({"kind": "results", "protocol": str(protocol), **facts}))


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Return a folder with a task and a way to put versions into it."""
    root = tmp_path / "models" / "all-vs-normal"
    root.mkdir(parents=True)
    shutil.copy(settings().models_dir / "all-vs-normal" / "task.json", root)
    recipe = next((settings().models_dir / "all-vs-normal").glob("*/*/recipe.json"))

    def add(model, *evaluations, **card):
        folder = root / model / "v1"
        folder.mkdir(parents=True)
        shutil.copy(recipe, folder / "recipe.json")
        facts = {"title": f"<b>{model}</b>", "limits": ["One microscope only."], "data": [], **card}
        (folder / "card.json").write_text(json.dumps(facts))
        (root / model / "evaluations").mkdir()
        for number, evaluation in enumerate(evaluations):
            path = root / model / "evaluations" / f"2026-01-01-{number}.json"
            path.write_text(json.dumps({**evaluation, "version": "v1", "date": "2026-01-01"}))
        return ModelVersion("all-vs-normal", model, "v1", folder, facts)

    monkeypatch.setenv("LEUK_MODELS_DIR", str(root.parent))
    settings.cache_clear()
    yield add
    settings.cache_clear()


def test_every_figure_of_the_report_has_protocol_cells_and_interval(models):
    version = models("svm", made_up(), made_up(Protocol.BY_IMAGE))
    page = report_html(version, load_task("all-vs-normal"))
    assert RESEARCH_ONLY in page
    sections = re.findall(r"<section>(.*?)</section>", page, re.DOTALL)
    figures = [section for section in sections if "<table" in section or "<svg" in section]
    assert len(figures) >= 16
    for section in figures:
        assert re.search(r"by (subject|image)</b> <span>· 400 cells · 16 subjects", section), section[:80]
        if "Learning curves" not in section:  # a curve is no estimate
            assert re.search(r"\d to \+?\d|95 %", section), section[:80]
    assert page.index("Judged on other persons") < page.index("these figures flatter")


def test_the_report_needs_nothing_from_outside_and_names_stay_text(models):
    page = report_html(models("svm", made_up()), load_task("all-vs-normal"))
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert not re.search(r"url\(|@import", page)
    assert "<b>svm</b>" not in page
    assert "<i>1</i>" not in page


def test_the_baseline_has_a_row_and_protocols_never_share_a_ranking(models):
    models("svm", made_up(), made_up(Protocol.BY_IMAGE))
    models("rf", made_up(skill=0.2))
    evidence = TaskEvidence(load_task("all-vs-normal"))
    (by_subject,) = evidence.rankings(Protocol.BY_SUBJECT)
    (by_image,) = evidence.rankings(Protocol.BY_IMAGE)
    assert {row.protocol for row in by_subject} == {"by-subject"}
    assert {row.protocol for row in by_image} == {"by-image"}
    assert [row.is_baseline for row in by_subject].count(True) == 1
    values = [row.estimates["f1_weighted"].value for row in by_subject]
    assert values == sorted(values, reverse=True)
    svm = next(row for row in by_image if row.ref)
    honest = next(row for row in by_subject if "svm" in row.ref)
    assert svm.moved.value == pytest.approx(svm.estimates["f1_weighted"].value - honest.estimates["f1_weighted"].value)


def test_a_version_judged_on_part_of_the_cells_is_ranked_apart_and_says_so(models):
    models("svm", made_up())
    models("xception", made_up(judged=[0]))
    whole, part = TaskEvidence(load_task("all-vs-normal")).rankings(Protocol.BY_SUBJECT)
    assert [row.n for row in whole] == [400, 400]
    assert {row.n for row in part} == {100}
    assert any("Judged on fold 1 of 4 only" in note for row in part for note in row.notes)


def test_a_version_without_results_has_a_report_too(models):
    page = report_html(models("svm"), load_task("all-vs-normal"))
    assert RESEARCH_ONLY in page
    assert "One microscope only." in page


def test_what_other_cells_got_a_label_is_told_with_an_interval(models):
    limits = {"kind": "limits", "answered": {"PBC": {"monocyte": [3, 100]}}, "sentences": ["Few."], "rule": "any label"}
    page = report_html(models("svm", made_up(), limits), load_task("all-vs-normal"))
    assert "PBC: monocyte</th><td>3 of 100: 3.0 % (0.6 to 8.5 %)" in page


def test_notes_name_the_classes_as_people_know_them(models):
    task = load_task("all-vs-normal")
    facts = {"figures": {"notes": ["No intervals: one subject alone stands for class hem.", "(all 3, hem 2)"]}}
    notes = Results(replace(models("svm")), facts).notes(task)
    assert notes == ["No intervals: one subject alone stands for class normal.", "(ALL 3, normal 2)"]


def test_a_field_that_nobody_wrote_down_is_unknown(models):
    data = {"name": "Some cells", "cells": {"all": 5}, "stain": "Giemsa"}
    version = models("svm", data=[data])
    task = load_task("all-vs-normal")
    (card,) = data_cards(version, task)
    values = {field.words: field.value for field in card.fields}
    assert values["Stain"] == "Giemsa"
    assert values["Cells and persons"] == "ALL 5 cells; persons unknown"
    assert values["Age and sex"] is None
    assert sum(section.unknown for section in model_card(version, task)) > 0
