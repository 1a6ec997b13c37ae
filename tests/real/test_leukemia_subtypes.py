"""Five classes in the layout of Leukemia Dataset 0.2, made from real cells: read, audited, learnt and answered.

A software test: two patients of CLL and a source of its own for H support no claim of accuracy, and the audit says so.
"""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from leuk_core.data.audit import audit
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.layouts import open_cells
from leuk_core.settings import settings
from leuk_core.zoo import catalogue, classical
from tests.conftest import crop_box
from train.__main__ import main

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
TASK = "leukemia-subtypes"
EACH, FIELDS = 8, 3  # cells a class, fields that they come from

DISEASED = {
    "ALL": ("ALL", {"lymphoblast"}),
    "AML": ("APML", {"abnormal promyelocyte", "myeloblast"}),
    "CLL": ("CLL", {"atypical lymphocyte"}),
    "CML": ("CML", {"myelocyte", "metamyelocyte", "myeloblast", "neutrophil"}),
}
SMALLEST = {
    "xception": ["width=0.25", "middle_blocks=1"],
    "inception-resnet": ["blocks=[1,1,1]"],
    "retinanet": ["channels=16", "depth=1"],
    "centernet": ["filters=16"],
    "alexnet": ["dense_units=16"],
}
FROM_NOTHING = {"xception", "inception-resnet"}  # their own start weights are no part of the project


@pytest.fixture(scope="module")
def cells(test_data, tmp_path_factory):
    """`train/ALL/0.png` and so on: boxed cells of patients cut from fields, and H from healthy donors' lymphocytes."""
    root = tmp_path_factory.mktemp("subtypes")
    boxes = read_csv(test_data / "fields_leukemia" / "manifest.csv")
    for label, (disease, names) in DISEASED.items():
        by_field = {}
        for row in boxes:
            if row["disease"] == disease and row["cell"] in names:
                by_field.setdefault(row["path"], []).append(row)
        richest = sorted(by_field, key=lambda path: -len(by_field[path]))[:FIELDS]
        for number, row in enumerate([row for path in richest for row in by_field[path]][:EACH]):
            save(crop_box(test_data / "fields_leukemia" / row["path"], row), root, label, number)
    healthy = [row for row in read_csv(test_data / "pbc" / "manifest.csv") if row["label"] == "lymphocyte"]
    for number, row in enumerate(healthy[:EACH]):
        save(Image.open(test_data / "pbc" / row["path"]), root, "H", number)
    return root


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A models folder of its own: the task's card, and what networks start from."""
    base = tmp_path_factory.mktemp("subtypes-models")
    (base / "models" / TASK).mkdir(parents=True)
    (base / "models" / TASK / "task.json").write_bytes((ROOT / "models" / TASK / "task.json").read_bytes())
    for shared in ("extractors", "start"):
        (base / "models" / shared).symlink_to(ROOT / "models" / shared)
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in {"DATA": "data", "CACHE": "cache", "MODELS": "models"}.items():
            patch.setenv(f"LEUK_{name}_DIR", str(base / folder))
        settings.cache_clear()
        yield base / "models"
    settings.cache_clear()


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def save(picture, root, label, number):
    folder = root / ("test" if number % 4 == 3 else "train") / label
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / f"{number}.png")


def arguments(cells):
    return ["--task", TASK, "--data", str(cells), "--jobs", "1"]


def answers(ref, cells):
    """What a stored version says about a picture, through the object that the pages ask."""
    from leuk_core.prediction import load_predictor

    answer = load_predictor(ref).predict(open_cells(cells)[0].picture())
    assert list(answer.probabilities) == ["ALL", "AML", "CLL", "CML", "H"]
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-3)
    return answer


def test_the_layout_is_known_and_the_audit_finds_the_sources_behind_the_classes(cells):
    found = open_cells(cells)
    assert found.layout == "Leukemia Dataset 0.2"
    assert [found.labels.count(name) for name in ("ALL", "AML", "CLL", "CML", "H")] == [EACH] * 5
    assert {cell.split for cell in found} == {"train", "test"}
    verdicts = audit(found, jobs=1).verdicts
    assert verdicts["shortcuts"].grade is Grade.RED
    assert "colour of the picture's border" in verdicts["shortcuts"].text
    assert verdicts["alias_groups"].grade is Grade.AMBER


def test_the_five_classifiers_are_judged_learnt_stored_and_answer(cells, models, capsys):
    shared = [*arguments(cells), "--copies", "0"]
    judged = ["cross-validate", *shared, "--model", "svm", "--protocol", "subjects-unknown", "--folds", "2"]
    assert main(judged) == 0
    run = json.loads(capsys.readouterr().out)["run"]
    card = ["--data-card", str(ROOT / "train" / "data_cards" / "leukemia_02.json")]
    assert main(["fit", *shared, "--model", "all", "--version", "own-1", *card]) == 0
    assert main(["evaluate", run, "--version", "own-1"]) == 0
    for model in classical.NAMES:
        answers(f"{TASK}/{model}@own-1", cells)
    facts = json.loads((models / TASK / "svm" / "own-1" / "card.json").read_text("utf-8"))
    assert facts["data"][0]["cells"] == dict.fromkeys(("ALL", "AML", "CLL", "CML", "H"), EACH)
    assert "subjects" not in facts["data"][0]
    assert "hairy cell leukemia" in facts["data"][0]["class_meanings"]
    assert any("can look normal" in limit for limit in facts["limits"])


@pytest.mark.parametrize("network", catalogue.ENTRIES)
def test_a_network_takes_a_step_is_stored_and_answers(network, cells, models, capsys, monkeypatch):
    # after one step classes are all but tied, so that half precision may change many labels
    monkeypatch.setattr("leuk_core.training.networks.store.CHANGED_LABELS", 1.0)
    small = [word for given in SMALLEST.get(network, ()) for word in ("--parameter", given)]
    small += ["--start", "random"] if network in FROM_NOTHING else []
    once = ["--size", "96", "--epochs", "1", "--head-epochs", "0", "--no-cached", "--batch", "40"]
    assert main(["fit", *arguments(cells), "--model", network, *once, *small, "--version", "own-1"]) == 0
    answer = answers(f"{TASK}/{network}@own-1", cells)
    assert answer.warning == json.loads(capsys.readouterr().out)["warning"]
    if network in FROM_NOTHING:
        assert "random weights" in answer.warning
