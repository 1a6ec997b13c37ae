"""Installed versions: found by reference, checked by hash, refused in words; nothing but known types is loaded."""

import json

import joblib
import numpy as np
import pytest
import skops.io as sio
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from leuk_core.decision import Decision
from leuk_core.errors import ModelUnavailable
from leuk_core.registry import find_version, list_versions, load_task
from leuk_core.registry.weights import in_half_precision, load_classifier, save_classifier
from leuk_core.settings import settings


@pytest.fixture
def other_models(tmp_path, monkeypatch):
    """A models folder of its own with one version whose card names one file."""
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    version = tmp_path / "all-vs-normal" / "svm" / "1"
    version.mkdir(parents=True)
    task = (settings().models_dir.parent, load_shipped_task())[1]
    (tmp_path / "all-vs-normal" / "task.json").write_text(json.dumps(task))
    (version / "recipe.json").write_text("{}")
    (version / "card.json").write_text(json.dumps({"files": {"recipe.json": "0" * 64, "classifier.skops": "0" * 64}}))
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def load_shipped_task():
    return {
        "id": "all-vs-normal",
        "title": "t",
        "positive": "all",
        "training_share": {"all": 0.6, "hem": 0.4},
        "classes": [{"id": "all", "short": "ALL", "words": "like ALL"}, {"id": "hem", "short": "n", "words": "normal"}],
    }


def test_every_shipped_version_is_whole_and_says_what_it_was_trained_on():
    versions = list_versions()
    assert versions
    for version in versions:
        assert version.check() == []
        assert version.card["data"][0]["name"]
        assert version.card["data"][0]["licence"]
        assert version.card["limits"]
        shown = version.card["shown_figure"]
        assert shown["low"] < shown["value"] < shown["high"]
        known = "wbc-types" not in version.ref  # PBC names no persons
        assert shown["protocol"] == ("by subject" if known else "subjects unknown, groups from duplicates only")
        assert version.decision()["threshold"] >= 1 / len(load_task(version.task).classes)


def test_one_model_of_a_task_answers_by_default():
    defaults = [version.ref for version in list_versions() if version.card.get("default")]
    assert find_version().ref in defaults
    assert len({ref.split("/")[0] for ref in defaults}) == len(defaults)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("svm", r"must be written <task>/<model>\[@version\]. Received: 'svm'"),
        ("all-vs-normal/svm@none", r"must be one of those installed .*all-vs-normal/svm.* Received"),
        ("../svm", r"must be written <task>"),
    ],
)
def test_a_wrong_reference_is_refused_in_words(ref, message):
    with pytest.raises(ModelUnavailable, match=message):
        find_version(ref)


def test_words_of_a_label_come_from_the_card():
    task = load_task("all-vs-normal")
    assert task.words("all") == "resembles the ALL cells of C-NMC"
    assert task.words(None) == "undecided"
    with pytest.raises(ModelUnavailable, match="`task` must be one of the installed tasks"):
        load_task("nothing")


def test_a_changed_or_missing_file_is_named(other_models):
    wrong = list_versions()[0].check()
    assert wrong == ["recipe.json is not the file that the card names.", "classifier.skops is missing."]


def test_a_damaged_card_is_one_sentence(other_models):
    (other_models / "all-vs-normal" / "svm" / "1" / "card.json").write_text("{")
    with pytest.raises(ModelUnavailable, match=r"card.json of a model can't be read"):
        list_versions()


def test_a_model_file_with_another_type_is_refused(tmp_path):
    path = tmp_path / "classifier.skops"
    sio.dump({"model": joblib.parallel_config}, path)
    with pytest.raises(ModelUnavailable, match="not on the allow-list"):
        load_classifier(path)


def test_a_pickle_is_not_a_model_file(tmp_path):
    path = tmp_path / "classifier.skops"
    joblib.dump(LogisticRegression(), path)
    with pytest.raises(ModelUnavailable, match="not a readable model file"):
        load_classifier(path)


def test_a_stored_classifier_answers_the_same(tmp_path):
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    fitted = LogisticRegression().fit(values, target)
    save_classifier(fitted, tmp_path / "c.skops")
    assert np.array_equal(load_classifier(tmp_path / "c.skops").predict_proba(values), fitted.predict_proba(values))


def test_half_precision_packs_a_classifier_and_keeps_its_types_and_answers(tmp_path):
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(1000, 120)).astype(np.float32), rng.integers(0, 3, 1000)
    whole = Pipeline([("knn", KNeighborsClassifier(5))]).fit(values, target)
    half = in_half_precision(whole)
    assert (half.predict(values) == whole.predict(values)).mean() > 0.98
    for name, one in {"whole": whole, "half": half}.items():
        save_classifier(one, tmp_path / name)
    assert (tmp_path / "half").stat().st_size < 0.75 * (tmp_path / "whole").stat().st_size
    assert load_classifier(tmp_path / "half").predict(values[:50]).tolist() == half.predict(values[:50]).tolist()


def test_a_decision_is_a_sigmoid_of_the_margin():
    decision = Decision.from_dict({"calibration": {"slope": 2.0, "bias": [0.0, 0.5]}, "threshold": 0.7})
    probability = decision.probabilities(np.array([[-0.5, 0.5]]))[0]
    assert probability[1] == pytest.approx(1 / (1 + np.exp(-(2.0 * 1.0 + 0.5))))
    assert decision.threshold == 0.7


def test_what_was_measured_later_stands_first_among_the_limits():
    version = find_version("all-vs-normal/svm")
    assert version.card["limits"][0] == version.card["measured_limits"][0]
    entry = next(entry for entry in version.evaluations() if entry["kind"] == "limits")
    for title, counts in entry["answered"].items():
        judged = [pair for label, pair in counts.items() if label not in entry["exempt"]]
        answered, shown = (sum(column) for column in zip(*judged, strict=True))
        assert any(f"{answered} of {shown} " in line and title in line for line in version.card["measured_limits"])
