"""A task of eight classes without a positive one: what is likeliest is named, what counts nothing is left out."""

import numpy as np
import pytest

from components.all_models import Opinions, Said
from components.answers import Answer, Row, summary
from components.cards import bars_html
from components.compare import Comparison
from components.compare_batch import batch_records, shown_table
from components.compare_rows import agreement_html, row_html
from components.compare_sheet import sheet_of
from components.pictures import Arrival
from components.share import Share, every_share, set_share
from components.table import records
from leuk_core.data.splits import Protocol
from leuk_core.evaluation.ensemble import EnsembleEvidence, evidence_for
from leuk_core.evaluation.results import compact
from leuk_core.images import SmearImage
from leuk_core.prediction import Prediction
from leuk_core.registry import ClassCard, ModelVersion, Task
from leuk_core.reports.compare import to_png
from leuk_core.reports.drawings import subjects_svg
from leuk_core.reports.page import counted_class

NAMES = ("basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte", "monocyte", "neutrophil", "x")
TASK = Task(
    id="wbc-types",
    title="Eight types",
    classes=tuple(ClassCard(name, name, f"resembles {name}s") for name in NAMES),
    positive=None,
    training_share=dict.fromkeys(NAMES, 0.125),
)
SHARE = Share(TASK)
PICTURE = SmearImage(np.zeros((40, 40, 3), np.uint8), "a.png", "0" * 64)


def prediction(likeliest, *, decided=True, model="svm"):
    """0.65 for one class, 0.05 for each other one."""
    probabilities = {name: 0.65 if name == likeliest else 0.05 for name in NAMES}
    label = likeliest if decided else None
    return Prediction(f"wbc-types/{model}@1", "r", PICTURE.pixels_sha256, probabilities, label, milliseconds=1.0)


def version(model, folder):
    return ModelVersion("wbc-types", model, "1", folder, {"title": model.upper()})


@pytest.fixture
def compared(tmp_path):
    """Four models: two say monocyte, one neutrophil, one is undecided and finds an immature granulocyte likeliest."""
    from datetime import UTC, datetime

    says = {"mlp": "monocyte", "rf": "monocyte", "svm": "neutrophil", "knn": "immature granulocyte"}
    said = tuple(
        Said(version(model, tmp_path), Answer(prediction(name, decided=model != "knn"), datetime.now(UTC)))
        for model, name in says.items()
    )
    arrival = Arrival(1, "a.png", "0" * 64, PICTURE)
    return Comparison(arrival, Opinions(Row(arrival, said[0].answer), said, SHARE), None)


def test_the_likeliest_three_have_bars_and_the_others_are_one_line():
    said = bars_html(prediction("monocyte"), SHARE)
    assert said.count("leuk-track") == 3
    assert said.index("monocyte") < said.index("basophil")
    assert "5 other classes together 0.25" in said
    assert "x 0.05" in said
    assert "in a set with 12.5 % of each of 8 classes" in said


def test_the_set_is_told_in_few_words_and_in_full_on_hover():
    assert len(set_share(TASK)) < 40
    assert "12.5 % immature granulocyte" in every_share(TASK)
    assert every_share(TASK) in SHARE.rule


def test_agreement_names_the_classes_that_were_met_and_the_one_most_models_give_is_dark(compared):
    said = agreement_html(compared)
    assert 'aria-label="2 monocyte, 1 neutrophil, 1 undecided"' in said
    assert "likeliest: immature granulocyte for 1, monocyte for 2, neutrophil for 1" in said
    dark, pale, dashed = (said.index(f"leuk-part-{kind}") for kind in range(3))
    assert dark < said.index("monocyte</span>") < pale < said.index("neutrophil</span>") < dashed
    assert compared.apart == 2


def test_an_undecided_row_says_whose_probability_it_shows(compared):
    undecided = compared.said.said[3]
    assert "immature granulocyte 0.65" in row_html(undecided, compared)
    assert shown_table([compared])[0]["knn"] == "undecided (immature granulocyte 0.65)"
    line = sheet_of(compared, "order given", (0, 0, 40, 40), {}, 0.5).lines[3]
    assert line.doubts == ("Likeliest: immature granulocyte.",)


def test_the_sheet_has_room_for_long_names(compared):
    assert to_png(sheet_of(compared, "order given", (0, 0, 40, 40), {}, 0.5)).startswith(b"\x89PNG")


def test_tables_hold_every_class_of_every_model(compared):
    (row,) = records([compared.said.row], SHARE, said={1: compared.said})
    assert [row[f"probability {name}"] for name in NAMES].count(0.65) == 1
    assert row["labels"] == "2 monocyte, 1 neutrophil, 1 undecided"
    (batch,) = batch_records([compared])
    assert sum(name.startswith("knn: probability") for name in batch) == len(NAMES)
    assert "0 " not in summary([compared.said.row], TASK)


def test_without_a_positive_class_right_calls_are_counted_by_person():
    assert counted_class(TASK) is None
    rows = [{"subject": f"p{number}", "label": name, "n": 10, "called": {name: 9}} for number, name in enumerate(NAMES)]
    drawn = subjects_svg(rows, TASK, None)
    assert "cells called rightly" in drawn
    assert drawn.count("90 %") + drawn.count("90%") >= len(NAMES)


def test_an_ensemble_that_was_judged_without_known_subjects_says_so(tmp_path):
    members = ["wbc-types/svm@1", "wbc-types/knn@1"]
    value = {"value": 0.9, "low": 0.8, "high": 0.95}
    figures = {
        "protocol_words": "subjects unknown", "n": 320, "n_subjects": None, "resampled": "images",
        "overall": {"f1_weighted": value, "auroc": value},
    }  # fmt: skip
    facts = {"kind": "ensemble", "members": members, "figures": figures}
    place = tmp_path / "wbc-types" / "ensemble" / "evaluations"
    place.mkdir(parents=True)
    (place / "1.json").write_text(compact(facts | {"protocol": str(Protocol.SUBJECTS_UNKNOWN)}), "utf-8")
    found = evidence_for(members, "wbc-types", tmp_path)
    assert isinstance(found, EnsembleEvidence)
    assert found.words.endswith("subjects unknown, 320 cells")
    (place / "1.json").write_text(compact(facts | {"protocol": str(Protocol.BY_IMAGE)}), "utf-8")
    assert evidence_for(members, "wbc-types", tmp_path) is None
