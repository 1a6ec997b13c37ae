"""What `train evaluate` stores about a run, and what it refuses."""

import json
import shutil

import numpy as np
import pytest

from leuk_core.evaluation.coverage import Answered
from leuk_core.evaluation.metrics import Evaluation
from leuk_core.registry.versions import find_version
from leuk_core.settings import settings
from train.__main__ import main

N_SUBJECTS, EACH = 20, 30


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Return a folder of models with the task's card alone."""
    root = tmp_path / "models"
    (root / "all-vs-normal").mkdir(parents=True)
    shutil.copy(settings().models_dir / "all-vs-normal" / "task.json", root / "all-vs-normal")
    monkeypatch.setenv("LEUK_MODELS_DIR", str(root))
    settings.cache_clear()
    yield root
    settings.cache_clear()


def leave_run(folder, *, protocol="by-subject", skill=2.0, folds=5, described=True, judged=None):
    """Leave a run of made-up persons, as `cross-validate` or a network does."""
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(N_SUBJECTS), EACH)
    is_all = person % 2 == 0
    noise = rng.normal(size=len(person))
    scores = np.column_stack([skill * is_all + noise, np.full(len(person), skill / 2)])
    of_person = rng.permutation(N_SUBJECTS) % folds
    fold = rng.permutation(len(person)) % folds if protocol == "by-image" else of_person[person]
    if judged is not None:
        scores[~np.isin(fold, judged)] = np.nan
    folder.mkdir(parents=True)
    config = {
        "task": "all-vs-normal", "model": "svm", "protocol": protocol, "folds": folds, "aliases_known": True,
        "n": len(person), "seed": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    arrays = {
        "scores": scores,
        "fold": fold,
        "labels": np.where(is_all, "all", "hem"),
        "groups": np.array([f"P{number}" for number in person]),
        "unlike": rng.random(len(person)) < 0.1,
    }
    if described:
        arrays["area"] = rng.normal(60, 10, len(person)) + 4 * is_all
        arrays["colour"] = rng.normal(120, 20, (len(person), 3))
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return folder


def stored(models, name):
    (path,) = (models / "all-vs-normal" / "svm" / "evaluations").glob(f"*{name}.json")
    assert path.stat().st_size < 60_000
    return json.loads(path.read_text())


def test_everything_that_the_page_shows_is_stored(models, tmp_path, capsys):
    run = leave_run(tmp_path / "run")
    curves = {"loss": list(np.linspace(1, 0.2, 400)), "val_loss": list(np.linspace(1, 0.4, 400)), "lr": [1.0] * 400}
    (run / "history_fold_0.json").write_text(json.dumps(curves))
    assert main(["evaluate", str(run), "--version", "v1", "--models", str(models)]) == 0
    found = stored(models, "by-subject")
    figures = Evaluation.from_dict(found["figures"])
    assert figures.caption == "by subject · 600 cells · 20 subjects"
    assert figures.figure("f1_weighted").has_interval
    assert Evaluation.from_dict(found["baseline"]["figures"]).n == 600
    differences = found["paired"]["differences"]
    assert set(differences) == {"f1_weighted", "auroc", "accuracy"}
    for entry in differences.values():
        assert entry["beats"] == (entry["difference"]["low"] > 0)
        assert entry["n_subjects"] == N_SUBJECTS
    assert differences["f1_weighted"]["beats"]
    assert 0 <= found["paired"]["mcnemar"]["p_value"] <= 1
    assert {"value", "low", "high"} == set(found["reliability"]["all"][0]["happened"])
    assert found["coverage"][-1]["coverage"]["value"] == 1
    assert [row["fold"] for row in found["by_fold"]] == [0, 1, 2, 3, 4]
    assert sum(row["n"] for row in found["by_fold"]) == 600
    assert len(found["subjects"]) == N_SUBJECTS
    assert all(sum(row["called"].values()) == row["n"] == EACH for row in found["subjects"])
    history = found["history"]["0"]
    assert set(history) == {"epochs", "loss", "val_loss"}
    assert (history["epochs"][0], history["epochs"][-1], history["loss"][-1]) == (1, 400, 0.2)
    assert len(history["loss"]) == len(history["epochs"]) <= 50
    line = json.loads(capsys.readouterr().out)
    assert line["beats_baseline"]["f1_weighted"] is True


def test_cells_unlike_the_training_cells_get_no_answer_at_the_stored_threshold(models, tmp_path):
    run = leave_run(tmp_path / "run")
    by_image = leave_run(tmp_path / "by_image", protocol="by-image")
    assert main(["evaluate", str(by_image), str(run), "--version", "v1", "--models", str(models)]) == 0
    found, decision = stored(models, "by-subject"), stored(models, "decision")
    answered = found["at_threshold"]
    assert set(Answered.__dataclass_fields__) <= set(answered)
    assert answered["threshold"] == pytest.approx(decision["threshold"], rel=1e-4)
    # the threshold lets 85 % through; about a tenth of those are unlike the training cells
    assert answered["coverage"]["value"] == pytest.approx(0.85 * 0.9, abs=0.03)
    flattering = stored(models, "by-image")
    assert flattering["at_threshold"]["threshold"] == answered["threshold"]
    assert flattering["figures"]["protocol"] == "by-image"


def test_a_run_without_sizes_and_colours_has_no_baseline_and_says_so(models, tmp_path, capsys):
    run = leave_run(tmp_path / "run", described=False)
    assert main(["evaluate", str(run), "--version", "v1", "--models", str(models)]) == 0
    found = stored(models, "by-subject")
    assert "baseline" not in found
    assert "paired" not in found
    assert "No trivial baseline" in found["notes"][0]
    assert "No trivial baseline" in capsys.readouterr().out


def test_a_run_of_one_fold_is_judged_on_its_cells_and_says_which(models, tmp_path):
    run = leave_run(tmp_path / "run", judged=[1])
    assert main(["evaluate", str(run), "--version", "v1", "--models", str(models)]) == 0
    found = stored(models, "by-subject")
    n = 4 * EACH
    assert found["figures"]["n"] == found["baseline"]["figures"]["n"] == n
    assert found["split"] == {"complete": False, "folds": [1], "of_folds": 5, "n": n, "of_cells": 600}
    assert f"Judged on fold 2 of 5 only: {n} of 600 cells." in found["figures"]["notes"]


def test_another_version_of_the_same_day_keeps_its_results(models, tmp_path):
    run = leave_run(tmp_path / "run")
    for version in ("v1", "v2", "v2"):
        assert main(["evaluate", str(run), "--version", version, "--models", str(models)]) == 0
    paths = (models / "all-vs-normal" / "svm" / "evaluations").glob("*.json")
    versions = [(facts["kind"], facts["version"]) for facts in (json.loads(path.read_text()) for path in paths)]
    assert sorted(versions) == [("decision", "v1"), ("decision", "v2"), ("results", "v1"), ("results", "v2")]


def test_a_person_on_both_sides_is_not_by_subject(models, tmp_path, capsys):
    run = leave_run(tmp_path / "run", protocol="by-image")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"protocol": "by-subject"}))
    assert main(["evaluate", str(run)]) == 2
    assert "Persons stand on both sides of a fold" in capsys.readouterr().err


def test_how_far_joined_ids_moved_the_figures_is_stored(models, tmp_path, capsys):
    joined, given = leave_run(tmp_path / "joined"), leave_run(tmp_path / "given", skill=3.0)
    arguments = ["evaluate", str(joined), "--version", "v1", "--models", str(models), "--given-ids", str(given)]
    assert main(arguments) == 2
    assert "the same run without `--audit`" in capsys.readouterr().err
    config = json.loads((given / "config.json").read_text())
    (given / "config.json").write_text(json.dumps(config | {"aliases_known": False}))
    assert main(arguments) == 0
    (path,) = (models / "all-vs-normal" / "svm" / "evaluations").glob("*-by-subject.json")
    facts = json.loads(path.read_text())
    assert facts["given_ids"]["overall"]["accuracy"]["value"] > facts["figures"]["overall"]["accuracy"]["value"]


def test_two_models_are_compared_on_the_cells_that_both_judged(models, tmp_path, capsys):
    good = leave_run(tmp_path / "good", skill=3.0)
    poor = leave_run(tmp_path / "poor", skill=0.5, judged=[0, 1])
    assert main(["evaluate", str(good), str(poor), "--paired"]) == 0
    lines = {line["figure"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(lines) == {"f1_weighted", "auroc", "accuracy", "mcnemar"}
    assert lines["accuracy"]["beats"]
    assert lines["accuracy"]["n"] == lines["mcnemar"]["n"] == 8 * EACH
    assert lines["mcnemar"]["only_model"] > lines["mcnemar"]["only_other"]
    assert not (models / "all-vs-normal" / "svm").exists()


def test_results_of_different_protocols_are_not_compared(models, tmp_path, capsys):
    runs = [leave_run(tmp_path / name, protocol=name) for name in ("by-subject", "by-image")]
    assert main(["evaluate", *map(str, runs), "--paired"]) == 2
    assert "different protocols are not compared" in capsys.readouterr().err


def test_what_was_tried_stands_beside_the_version(models, tmp_path, capsys):
    run, weak = leave_run(tmp_path / "run"), leave_run(tmp_path / "weak", skill=0.5)
    folder = models / "all-vs-normal" / "svm" / "v1"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps({"limits": ["One microscope."]}))
    told = ["tried", str(run), "--version", "v1", "--against", str(weak), "--others", str(weak)]
    assert main(told) == 0
    better, tried = json.loads(capsys.readouterr().out)["sentences"]
    assert better.startswith("Better than svm on the same cells, by subject: weighted F1 +0.")
    assert tried.startswith("Also tried, run weak: weighted F1 0.")
    assert find_version("all-vs-normal/svm").card["limits"] == [better, tried, "One microscope."]
    assert main(["tried", str(weak), "--version", "v1", "--against", str(run)]) == 0
    assert "Not shown to be better than svm" in capsys.readouterr().out
    by_image = leave_run(tmp_path / "by_image", protocol="by-image")
    assert main(["tried", str(run), "--version", "v1", "--against", str(by_image)]) == 2
