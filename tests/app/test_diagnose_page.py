"""The page Diagnose with three models that answer as the tests say: shares, all models, what stands beside a label."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components import all_models, models, share
from components.answers import ANSWERS
from components.pictures import ARRIVALS, PICTURES, Arrival
from components.sheet import BY_DISAGREEMENT
from leuk_core.errors import ModelUnavailable
from leuk_core.images import SmearImage
from leuk_core.prediction import Doubt, Prediction
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
TASK = "all-vs-normal"
THRESHOLD = 0.7
SHARE = f"{share.SHARE}.{TASK}"
LIMITS = ["Of 50 other cells 3 got a label.", "Of 20 drawn pictures none got a label."]

# probability of ALL by model and picture number
SAYS = {
    "mlp": {1: 0.90, 2: 0.10, 3: 0.20},
    "svm": {1: 0.95, 2: 0.80, 3: 0.60},
    "knn": {1: 0.10, 2: 0.10, 3: 0.10},
}


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high}


def figures(f1):
    found = estimate(0.9, 0.8, 0.95)
    return {
        "protocol_words": "by subject", "n": 6150, "n_subjects": 36,
        "cells_by_class": {"all": 3857, "hem": 2293}, "subjects_by_class": {"all": 25, "hem": 11},
        "overall": {"f1_weighted": estimate(f1, f1 - 0.05, f1 + 0.05), "auroc": found},
        "by_class": {"all": {"recall": found}, "hem": {"recall": found}},
    }  # fmt: skip


def results():
    shares = {
        "all": {"all": estimate(0.8, 0.7, 0.9), "hem": estimate(0.05, 0.02, 0.08)},
        "hem": {"all": estimate(0.09, 0.04, 0.15), "hem": estimate(0.7, 0.6, 0.8)},
    }
    paired = {"difference": estimate(0.037, 0.005, 0.08), "beats": True}
    return {
        "kind": "results", "version": "1", "protocol": "by-subject", "figures": figures(0.81),
        "at_threshold": {"shares": shares}, "baseline": {"words": "area and mean colour", "figures": figures(0.78)},
        "paired": {"differences": {"f1_weighted": paired}},
    }  # fmt: skip


def write(path, facts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts), encoding="utf-8")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Cards of three models without weights; what would load them gives stand-ins."""
    root = tmp_path / "models" / TASK
    write(root / "task.json", {
        "id": TASK, "title": "ALL against normal", "positive": "all", "training_share": {"all": 0.63, "hem": 0.37},
        "classes": [
            {"id": "all", "short": "ALL", "words": "resembles the ALL cells"},
            {"id": "hem", "short": "normal", "words": "resembles the normal cells"},
        ],
    })  # fmt: skip
    data = {
        "name": "C-NMC 2019", "licence": "CC BY 3.0", "source": "Gupta 2019", "specimen": "bone-marrow aspirate",
        "stain": "Jenner-Giemsa", "cells": {"all": 3857, "hem": 2293}, "subjects": {"all": 25, "hem": 11},
    }  # fmt: skip
    for model, title in (("mlp", "Perceptron"), ("svm", "Support vectors"), ("knn", "Neighbours")):
        card = {
            "title": title, "default": model == "svm", "under_trained": model == "knn", "data": [data],
            "limits": ["Results on new patients may be near chance: a comparable model fell to weighted F1 0.44."],
        }  # fmt: skip
        write(root / model / "1" / "card.json", card)
        write(root / model / "1" / "recipe.json", Recipe().to_dict())
        decision = {"kind": "decision", "version": "1", "threshold": THRESHOLD}
        write(root / model / "evaluations" / "1-decision.json", decision)
    write(root / "svm" / "evaluations" / "2-by-subject.json", results())
    write(root / "svm" / "evaluations" / "3-limits.json", {"kind": "limits", "version": "1", "sentences": LIMITS})
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_TEST_DATA", raising=False)
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)
    for module in (models, all_models):
        monkeypatch.setattr(module, "loaded", StandIn)
    settings.cache_clear()
    yield root
    monkeypatch.undo()
    settings.cache_clear()


class StandIn:
    """A model that says what `SAYS` holds."""

    def __init__(self, ref):
        self.ref = ref

    def predict(self, picture, microns_per_pixel=None):
        said = SAYS[self.ref.split("/")[1].split("@")[0]]
        p = said.get(int(picture.name.split(".")[0]), 0.95)
        sure = max(p, 1 - p) >= THRESHOLD
        doubts = () if sure else (Doubt("low-probability", "The highest probability is under the threshold of 0.70."),)
        return Prediction(
            self.ref, "recipe", picture.pixels_sha256, {"all": p, "hem": 1 - p},
            ("all" if p > 0.5 else "hem") if sure else None, doubts, milliseconds=41.0,
            warning="Under-trained, 3 epochs." if "/knn@" in self.ref else "",
        )  # fmt: skip


def opened(count, page="diagnose"):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    files = []
    for number in range(1, count + 1):
        picture = SmearImage(np.full((64, 64, 3), number, np.uint8), f"{number}.png", f"{number:064x}")
        files.append(Arrival(number, picture.name, picture.file_sha256, picture))
    at.session_state[ARRIVALS] = files
    at.session_state[PICTURES] = [item.picture for item in files]
    return turn_to(at, page)


def turn_to(at, page):
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception
    assert not at.error
    return at


def html(at):
    return [block.proto.body for block in at.get("html")]


def row(at, number):
    return next(body for body in html(at) if f"picture {number} ·" in body)


def words(at):
    return "\n".join([*(str(item.value) for item in (*at.markdown, *at.caption)), *html(at)])


def all_on(at):
    at.toggle(key=all_models.EVERY).set_value(True).run()
    assert not at.exception
    return at


class TestAllModels:
    def test_one_cell_is_answered_by_every_model_on_request(self, installed):
        at = opened(1)
        assert "models" not in row(at, 1)
        next(button for button in at.button if button.label == "Ask all 3 models").click().run()
        table = next(body for body in html(at) if "<table" in body and "threshold" in body)
        for said in ("Perceptron", "Support vectors", "Neighbours", "0.90", "0.95", "0.10", "0.70", "41"):
            assert said in table
        assert table.count("under-trained</span>") == 1
        assert 'aria-label="2 ALL, 0 normal, 0 undecided"' in table
        assert "no model disagrees: 2 ALL, 0 normal, 0 undecided" in row(at, 1)

    def test_disagreement_is_a_remark_and_changes_no_label(self, installed):
        at = all_on(opened(3))
        assert "no model disagrees" in row(at, 1)
        assert "1 of 2 models disagrees: 1 ALL, 1 normal, 0 undecided" in row(at, 2)
        assert "resembles the ALL cells" in row(at, 2)
        assert "no doubt found" in row(at, 2)
        assert "1 of 2 models disagrees: 0 ALL, 1 normal, 1 undecided" in row(at, 3)

    def test_disagreements_can_stand_first(self, installed):
        at = all_on(opened(3))
        at.segmented_control(key="leuk.sort").set_value(BY_DISAGREEMENT).run()
        assert re.findall(r"picture (\d) ·", "".join(html(at))) == ["3", "2", "1"]
        at.toggle(key=all_models.EVERY).set_value(False).run()  # the choice goes with what it sorts by
        assert not at.exception

    def test_a_model_that_cannot_be_loaded_says_so_and_the_others_answer(self, installed, monkeypatch):
        def loaded(ref):
            if "/mlp@" in ref:
                raise ModelUnavailable("The model can't be used: classifier.skops is missing.")
            return StandIn(ref)

        monkeypatch.setattr(all_models, "loaded", loaded)
        at = all_on(opened(1))
        table = next(body for body in html(at) if "<table" in body and "threshold" in body)
        assert "classifier.skops is missing" in table
        assert "1 could not answer" in table
        assert "0.95" in table

    def test_what_holds_for_every_answer_of_a_model_stands_beside_it(self, installed):
        at = opened(1)
        at.selectbox(key=models.MODEL).set_value(f"{TASK}/knn@1").run()
        assert "Under-trained, 3 epochs." in row(at, 1)
        at.selectbox(key=models.MODEL).set_value(f"{TASK}/svm@1").run()
        assert "Under-trained" not in row(at, 1)

    def test_they_are_asked_once(self, installed):
        at = all_on(opened(2))
        before = {key: answer.at for key, answer in at.session_state[ANSWERS].items()}
        turn_to(turn_to(at, "preprocessing"), "diagnose")
        assert {key: answer.at for key, answer in at.session_state[ANSWERS].items()} == before
        assert len(before) == 6

    def test_a_single_model_offers_no_others(self, installed):
        for model in ("mlp", "knn"):
            (installed / model / "1" / "card.json").unlink()
        at = opened(1)
        assert not at.toggle
        assert not any("Ask all" in button.label for button in at.button)


class TestShare:
    def test_the_probability_follows_the_share_and_keeps_it_across_pages(self, installed):
        at = opened(1)
        assert "in a set with 63 % ALL cells" in row(at, 1)
        at.segmented_control(key=SHARE).set_value("20").run()
        turn_to(turn_to(at, "home"), "diagnose")
        assert "in a set with 20 % ALL cells" in row(at, 1)
        # Bayes by hand: odds 0.95 / 0.05, times (0.20 / 0.80) / (0.63 / 0.37)
        odds = 19 * 0.25 / (0.63 / 0.37)
        assert f"<b>{odds / (1 + odds):.2f}</b>" in row(at, 1)
        assert "label: 0.95 in a set with 63 % ALL cells" in row(at, 1)
        assert "resembles the ALL cells" in row(at, 1)

    def test_a_label_that_the_share_contradicts_is_taken_back_in_one_sentence(self, installed):
        at = opened(2)
        at.segmented_control(key=SHARE).set_value("20").run()
        assert "resembles" in row(at, 1)
        assert "undecided" in row(at, 2)
        said = "The label ALL is taken back: in a set with 20 % ALL cells, normal is likelier (0.63)."
        assert said in row(at, 2)
        assert any("1 answered (1 ALL, 0 normal), 1 undecided" in item.value for item in at.markdown)

    def test_the_threshold_stays_with_the_training_share(self, installed):
        at = opened(3)
        assert "threshold of 0.70." in row(at, 3)
        at.segmented_control(key=SHARE).set_value("1").run()
        assert "threshold of 0.70, both in a set with 63 % ALL cells." in row(at, 3)
        assert "undecided" in row(at, 3)

    def test_any_share_can_be_given(self, installed):
        at = opened(1)
        at.segmented_control(key=SHARE).set_value(share.FREE).run()
        assert "in a set with 10 % ALL cells" in row(at, 1)
        at.number_input(key=f"{share.OTHER}.{TASK}").set_value(0.5).run()
        assert "in a set with 0.5 % ALL cells" in row(at, 1)

    def test_all_models_are_told_for_the_same_set(self, installed):
        at = all_on(opened(1))
        at.segmented_control(key=SHARE).set_value("5").run()
        table = next(body for body in html(at) if "<table" in body and "threshold" in body)
        assert "ALL, in a set with 5 % ALL cells" in table
        assert 'aria-label="0 ALL, 0 normal, 2 undecided"' in table


def test_the_file_holds_the_share_and_every_models_answer(installed):
    """What the download button makes, made in a run of the page's script."""

    def script():
        import streamlit as st

        from components.models import chosen_version
        from components.share import chosen_share
        from components.sheet import AS_GIVEN, Sheet
        from components.table import to_csv
        from leuk_core.registry import load_task

        version = chosen_version()
        sheet = Sheet(version, chosen_share(load_task(version.task)))
        st.session_state["made"] = to_csv(sheet.records(AS_GIVEN, with_names=False))

    at = all_on(opened(2))
    at.segmented_control(key=SHARE).set_value("20").run()
    other = AppTest.from_function(script, default_timeout=60)
    for key in (ARRIVALS, PICTURES, ANSWERS, all_models.EVERY, SHARE):
        other.session_state[key] = at.session_state[key]
    other.run()
    assert not other.exception
    lines = other.session_state["made"].decode("utf-8-sig").splitlines()[1:]
    first, second = csv.DictReader(io.StringIO("\n".join(lines)))
    assert first["in a set with"] == "20 % ALL cells"
    assert float(first["probability ALL"]) == pytest.approx(0.7361, abs=1e-4)
    assert (second["state"], second["label"]) == ("undecided", "")
    assert "taken back" in second["doubts"]
    assert second["models"] == "no model disagrees"
    assert [second[f"{model}: label"] for model in SAYS] == ["normal", "undecided", "normal"]
    assert float(second["mlp: probability ALL"]) < 0.1


class TestBesideALabel:
    def test_each_label_says_how_many_of_the_other_class_get_it(self, installed):
        assert "of 100 normal cells about 9 (4 to 15) get this label too" in row(opened(1), 1)

    def test_it_is_silent_where_that_was_not_measured(self, installed):
        (installed / "svm" / "evaluations" / "2-by-subject.json").unlink()
        assert "get this label too" not in words(opened(1))
        assert "get this label too" not in words(opened(12))

    def test_many_cells_end_with_one_line_instead(self, installed):
        at = opened(12)
        assert "get this label too" not in row(at, 1)
        said = (
            "11 of 12 cells resemble ALL cells; of 12 normal cells about 1 (0 to 2) would get this label too "
            "(by subject, 2,293 cells of 11 subjects)."
        )
        assert any(said in item.value for item in at.markdown)
        assert any(said in item.value for item in at.caption)

    def test_labels_that_another_share_takes_back_make_them_fewer(self, installed):
        at = opened(1)
        at.segmented_control(key=SHARE).set_value("20").run()
        assert "of 100 normal cells at most about 9" in row(at, 1)

    def test_the_details_give_the_threshold(self, installed):
        facts = next(body for body in html(opened(1)) if "<dt>threshold</dt>" in body)
        assert "<dt>threshold</dt><dd>0.70</dd>" in facts
        assert "svm@1" in facts


def test_a_task_without_a_positive_class_has_no_share_to_choose(installed):
    facts = json.loads((installed / "task.json").read_text("utf-8"))
    write(installed / "task.json", facts | {"positive": None})
    at = all_on(opened(12))
    assert not [item for item in at.segmented_control if item.key == SHARE]
    assert "in a set with 63 % ALL, 37 % normal cells" in row(at, 1)
    assert "1 of 2 models disagrees: 1 ALL, 1 normal, 0 undecided" in row(at, 2)
    assert "would get this label too" not in words(at)


class TestAboutTheModel:
    def test_one_click_away_stands_what_a_person_must_know(self, installed):
        told = next(body for body in html(opened(0)) if "leuk-about" in body)
        for said in (
            "Results on new patients may be near chance", "CC BY 3.0", "bone-marrow aspirate", "Jenner-Giemsa",
            "3,857", "2,293", "by subject", "6,150 cells of 36 subjects", "0.81", "0.76 to 0.86",
            "baseline: area and mean colour", "0.78", "beats the baseline (+0.037, 95 % +0.005 to +0.080",
        ):  # fmt: skip
            assert said in told

    def test_the_page_shows_one_measured_limit_and_where_the_others_are(self, installed):
        said = next(body for body in html(opened(1)) if "leuk-limits" in body)
        shown = said.split(">", 1)[1]
        assert LIMITS[0] in shown
        assert LIMITS[1] not in shown
        assert "1 more under “About this model”" in shown

    def test_the_sidebar_names_version_figure_and_protocol(self, installed):
        captions = [item.value for item in opened(1).sidebar.caption]
        assert any("Version 1: weighted F1 0.81 (95 % 0.76 to 0.86), by subject" in text for text in captions)
