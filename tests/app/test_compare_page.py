"""The page Compare with three models and heat maps that are as the tests say."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from components import all_models, heat, models, share
from components.answers import ANSWERS
from components.compare import ALL, BY_DOUBT, BY_PROBABILITY, BY_TIME, CELL, MAPS, MODELS, SORT, VIEW
from components.heat import LABEL, Found
from components.pictures import ARRIVALS, PICTURES, Arrival
from leuk_core import RESEARCH_ONLY
from leuk_core.errors import ModelUnavailable
from leuk_core.evaluation.results import compact
from leuk_core.images import SmearImage
from leuk_core.prediction import Doubt, Prediction
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
TASK = "all-vs-normal"
THRESHOLD = 0.7

# probability of ALL by model and picture number; milliseconds by model
SAYS = {
    "mlp": {1: 0.90, 2: 0.10, 3: 0.95},
    "svm": {1: 0.80, 2: 0.80, 3: 0.95},
    "knn": {1: 0.60, 2: 0.10, 3: 0.95},
}
TOOK = {"mlp": 90.0, "svm": 20.0, "knn": 40.0, "alexnet": 60.0}
MEMBERS = [f"{TASK}/{model}@1" for model in SAYS]


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high}


def ensemble(members):
    """An evaluation of the ensemble as `train evaluate --ensemble` leaves it."""
    share_of = {
        "all": {"all": estimate(0.8, 0.7, 0.9), "hem": estimate(0.05, 0.02, 0.08)},
        "hem": {"all": estimate(0.09, 0.04, 0.15), "hem": estimate(0.7, 0.6, 0.8)},
    }
    better = {"differences": {"f1_weighted": {"beats": True}}}
    return {
        "kind": "ensemble", "date": "2026-01-01", "protocol": "by-subject", "members": members, "threshold": THRESHOLD,
        "figures": {
            "protocol_words": "by subject", "n": 6150, "n_subjects": 36, "cells_by_class": {"all": 3857, "hem": 2293},
            "subjects_by_class": {"all": 25, "hem": 11},
            "overall": {"f1_weighted": estimate(0.82, 0.76, 0.89), "auroc": estimate(0.88, 0.83, 0.92)},
        },
        "at_threshold": {"shares": share_of}, "against": dict.fromkeys(members, better),
    }  # fmt: skip


def write(path, facts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts), encoding="utf-8")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Cards of three models without weights; what would load them, or make maps of them, gives stand-ins."""
    root = tmp_path / "models" / TASK
    write(root / "task.json", {
        "id": TASK, "title": "ALL against normal", "positive": "all", "training_share": {"all": 0.63, "hem": 0.37},
        "classes": [
            {"id": "all", "short": "ALL", "words": "resembles the ALL cells"},
            {"id": "hem", "short": "normal", "words": "resembles the normal cells"},
        ],
    })  # fmt: skip
    for model, title in (("mlp", "Perceptron"), ("svm", "Support vectors"), ("knn", "Neighbours")):
        write(root / model / "1" / "card.json", {"title": title, "default": model == "svm", "limits": ["Few persons."]})
        write(root / model / "1" / "recipe.json", Recipe().to_dict())
        decision = {"kind": "decision", "version": "1", "threshold": THRESHOLD}
        write(root / model / "evaluations" / "1-decision.json", decision)
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_TEST_DATA", raising=False)
    monkeypatch.setattr(models.WarmUp, "start", lambda self, ref: None)
    monkeypatch.setattr(heat, "_made", stand_in_map)
    for module in (models, all_models):
        monkeypatch.setattr(module, "loaded", StandIn)
    settings.cache_clear()
    yield root
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def judged(installed):
    """The three models with an evaluation of them together."""
    write_text = compact(ensemble(MEMBERS))
    place = installed / "ensemble" / "evaluations"
    place.mkdir(parents=True)
    (place / "2026-01-01-by-subject.json").write_text(write_text, encoding="utf-8")
    return installed


class StandIn:
    """A model that says what `SAYS` holds."""

    def __init__(self, ref):
        self.ref = ref

    def predict(self, picture, microns_per_pixel=None):
        name = self.ref.split("/")[1].split("@")[0]
        p = SAYS.get(name, {}).get(int(picture.name.split(".")[0]), 0.95)
        sure = max(p, 1 - p) >= THRESHOLD
        doubts = () if sure else (Doubt("low-probability", "The highest probability is under the threshold of 0.70."),)
        return Prediction(
            self.ref, "recipe", picture.pixels_sha256, {"all": p, "hem": 1 - p},
            ("all" if p > 0.5 else "hem") if sure else None, doubts, milliseconds=TOOK[name], microns_per_pixel=0.059,
        )  # fmt: skip


class Map:
    """A map that is hot everywhere, or empty."""

    problem, method, model = "", "occlusion", "stand-in"
    window = (0.0, 0.0, 64.0, 64.0)

    def __init__(self, name, label):
        self.empty = name == "knn"
        self.note = "No positive evidence: nothing here." if self.empty else ""
        self.caption = f"Occlusion of {name} for {label}."
        self.csv = self.npy = lambda: b"1"
        self.on_seen = np.full((227, 227), 0.0 if self.empty else 1.0, np.float32)


def stand_in_map(version, picture, scale, wanted):
    return Found(Map(version.model, wanted.label))


def cell(number):
    """A disc on black, of another shade each."""
    rows, columns = np.mgrid[:64, :64]
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[(columns - 32) ** 2 + (rows - 32) ** 2 < 400] = (90 + number, 40, 130)
    return SmearImage(pixels, f"{number}.png", f"{number:064x}")


def opened(count, **state):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    files = []
    for number in range(1, count + 1):
        picture = cell(number)
        files.append(Arrival(number, picture.name, picture.file_sha256, picture))
    at.session_state[ARRIVALS] = files
    at.session_state[PICTURES] = [item.picture for item in files]
    for key, value in state.items():
        at.session_state[key] = value
    at.switch_page("pages/compare.py").run()
    return checked(at)


def checked(at):
    assert not at.exception
    assert not at.error
    return at


def html(at):
    return [block.proto.body for block in at.get("html")]


def top(at):
    return next(body for body in html(at) if "leuk-cmp-agreement" in body)


def rows(at):
    """The rows of the models, in the order shown."""
    return [body for body in html(at) if "leuk-cmp-row" in body and "leuk-cmp-agreement" not in body]


class TestOneCell:
    def test_every_model_answers_with_label_probability_doubt_and_time(self, installed):
        found = rows(opened(1))
        assert [name for body in found for name in ("Perceptron", "Support", "Neighbours") if name in body] == [
            "Perceptron", "Support", "Neighbours",
        ]  # fmt: skip
        assert all(said in found[0] for said in (">ALL</b>", "<b>0.90</b>", "no doubt found", ">90</div>"))
        assert all(said in found[2] for said in ("<i", "undecided", "0.60", "under its threshold, 0.70", ">40</div>"))

    def test_agreement_stands_on_top_as_one_bar_and_in_words(self, installed):
        said = top(opened(1))
        assert 'aria-label="2 ALL, 0 normal, 1 undecided"' in said
        assert "all 3 models find ALL likeliest" in said
        assert "likeliest: ALL for 1, normal for 2" in top(opened(2, **{CELL: 2}))

    def test_the_order_follows_the_choice(self, installed):
        at = opened(1)
        for sort, first in ((BY_PROBABILITY, "Perceptron"), (BY_TIME, "Support vectors"), (BY_DOUBT, "Neighbours")):
            at.selectbox(key=SORT).set_value(sort).run()
            assert first in rows(at)[0]

    def test_another_cell_is_one_click_or_key_away(self, installed):
        at = opened(3)
        next(button for button in at.button if button.label == "Look at picture 2").click().run()
        assert any("<b>picture 2</b>" in body for body in html(at))
        next(button for button in at.button if button.label == "Next cell").click().run()
        assert any("<b>picture 3</b>" in body for body in html(at))

    def test_models_can_be_left_out_and_one_that_is_installed_later_is_asked_too(self, installed):
        card = installed / "knn" / "1" / "card.json"
        later = card.read_text("utf-8")
        card.unlink()
        at = opened(1)
        at.pills(key=f"{MODELS}.{TASK}").set_value(["svm"]).run()
        assert ["Support" in body for body in rows(checked(at))] == [True]
        card.write_text(later, "utf-8")
        assert len(rows(checked(at.run()))) == 2

    def test_all_or_none_are_chosen_by_one_press(self, installed):
        at = opened(1)
        everyone = len(rows(checked(at)))
        at.button(key="leuk-models-None").click().run()
        assert not rows(checked(at))
        at.button(key="leuk-models-All").click().run()
        assert len(rows(checked(at))) == everyone > 1

    def test_a_model_that_cannot_be_loaded_says_so_and_the_others_answer(self, installed, monkeypatch):
        def loaded(ref):
            if "/mlp@" in ref:
                raise ModelUnavailable("The model can't be used: classifier.skops is missing.")
            return StandIn(ref)

        monkeypatch.setattr(all_models, "loaded", loaded)
        at = opened(1)
        assert "classifier.skops is missing" in rows(at)[0]
        assert "1 could not answer" in top(at)
        assert "Mean of 2 models" in top(at)

    def test_nothing_is_asked_twice(self, installed):
        at = opened(2)
        before = dict(at.session_state[ANSWERS])
        at.switch_page("pages/home.py").run()
        at.switch_page("pages/compare.py").run()
        assert checked(at).session_state[ANSWERS] == before

    def test_a_card_is_one_click_away(self, installed):
        at = opened(1)
        at.button(key="leuk.compare.about.mlp").click().run()
        assert any("leuk-about" in body and "Perceptron, version 1" in body for body in html(at))

    def test_probabilities_follow_the_share(self, installed):
        at = opened(1)
        at.segmented_control(key=f"{share.SHARE}.{TASK}").set_value("5").run()
        assert "in a set with 5 % ALL cells" in top(at)
        assert "taken back" in rows(at)[0]


class TestEnsemble:
    def test_the_mean_gives_its_label_with_the_evidence_of_these_models(self, judged):
        said = top(opened(1))
        assert "Mean of 3 models" in said
        assert "<b>0.77</b>" in said  # (0.90 + 0.80 + 0.60) / 3
        assert said.count(">ALL</b>") == 1
        assert "Weighted F1 0.82 (95 % 0.76 to 0.89), AUROC 0.88 (95 % 0.83 to 0.92); by subject, " in said
        assert "6,150 cells of 36 subjects" in said
        assert "of 100 normal cells about 9 (4 to 15) get this label too" in said

    def test_under_its_own_threshold_it_is_undecided(self, judged):
        said = top(opened(2, **{CELL: 2}))  # (0.10 + 0.80 + 0.10) / 3
        assert "under its threshold, 0.70" in said
        assert "<i" in said
        assert "0.33" in said

    def test_a_set_that_was_not_judged_together_gives_no_label_and_says_why(self, judged):
        (judged / "knn" / "1" / "card.json").unlink()
        said = top(opened(1))
        assert "Mean of 2 models" in said
        assert "exactly these models, in these versions, were not judged together" in said
        assert "This set of models was not judged together." in said
        assert "0.82 (0.76" not in said

    def test_models_beyond_the_largest_judged_set_are_named_and_left_out(self, judged):
        write(judged / "alexnet" / "1" / "card.json", {"title": "Late", "default": False, "limits": []})
        write(judged / "alexnet" / "1" / "recipe.json", Recipe().to_dict())
        said = top(opened(1))
        assert "Mean of 3 models" in said
        assert "by subject, 6,150 cells of 36 subjects" in said
        assert "Left out, since not judged together with these: Late." in said
        assert said.count(">ALL</b>") == 1

    def test_under_trained_models_do_not_count(self, judged):
        card = judged / "knn" / "1" / "card.json"
        write(card, json.loads(card.read_text("utf-8")) | {"under_trained": True})
        at = opened(1)
        assert "Mean of 2 models" in top(at)
        assert 'aria-label="2 ALL, 0 normal, 0 undecided"' in top(at)
        assert "under-trained</span>" in rows(at)[2]


class TestHeatMaps:
    def test_they_are_made_on_request_with_a_word_where_a_map_is_empty(self, installed):
        at = opened(1)
        assert not [body for body in html(at) if 'class="leuk-map' in body]
        at.toggle(key=MAPS).set_value(True).run()
        maps = [body for body in html(at) if 'class="leuk-map"' in body]
        assert len(maps) == 3
        assert "heat map of Perceptron: Occlusion of mlp for None." in maps[0]
        assert "no positive evidence</span>" in maps[2]
        at.selectbox(key=LABEL).set_value("hem").run()
        assert "Occlusion of mlp for hem." in next(body for body in html(at) if 'class="leuk-map"' in body)

    def test_a_map_opens_large_beside_that_of_the_model_that_differs_most(self, installed):
        at = opened(1, **{MAPS: True})
        at.button(key="leuk.compare.large.mlp").click().run()
        checked(at)
        assert at.selectbox(key="leuk.heat.left").value == MEMBERS[0]
        assert at.selectbox(key="leuk.heat.right").value == MEMBERS[2]
        assert len([body for body in html(at) if 'class="leuk-map-large' in body]) == 2
        assert any(RESEARCH_ONLY in caption.value for caption in at.caption)

    def test_diagnose_makes_one_in_the_details_and_leads_here(self, installed):
        at = opened(2, **{CELL: 2})
        at.switch_page("pages/diagnose.py").run()
        at.session_state["leuk.details.1"] = True  # the expander is open
        checked(at.run())
        at.button(key="leuk.map.wanted.1").click().run()
        captions = [item.caption for drawn in at.get("image") for item in drawn.proto.imgs]
        assert "Occlusion of svm for None." in captions
        at.button(key="leuk.compare.open.1").click().run()
        assert at.session_state[CELL] == 1


class TestAllCells:
    def test_cells_on_which_models_part_stand_first(self, installed):
        at = opened(3, **{VIEW: ALL})
        table = at.dataframe[0].value
        assert list(table["picture"]) == [2, 1, 3]
        assert list(table["mlp"]) == ["normal 0.10", "ALL 0.90", "ALL 0.95"]
        assert table["labels"][0] == "1 ALL, 2 normal, 0 undecided"
        assert table["apart"][0] == "1 of 3"
        assert any(
            "3 cells: all models find the same class likeliest in 2, they part in 1" in m.value for m in at.markdown
        )

    def test_the_file_names_no_picture_and_holds_what_each_model_said(self, judged):
        at = opened(3, **{VIEW: ALL})
        made = in_a_run(at, "csv")
        assert RESEARCH_ONLY in made.decode("utf-8-sig").splitlines()[0]
        lines = list(csv.DictReader(io.StringIO("\n".join(made.decode("utf-8-sig").splitlines()[1:]))))
        assert [line["picture"] for line in lines] == ["picture 2", "picture 1", "picture 3"]
        assert not any(".png" in value for line in lines for value in line.values())
        assert float(lines[1]["mean: probability ALL"]) == pytest.approx(0.7667, abs=1e-4)
        assert (lines[1]["mean: label"], lines[1]["mean: judged by subject"]) == ("ALL", "yes")
        assert (lines[1]["knn: label"], lines[1]["knn: version"]) == ("undecided", "1")
        assert lines[0]["models apart"] == "1"


def in_a_run(at, what):
    """What a download button makes, made in a run of the page's script."""

    def script():
        import streamlit as st

        from components.compare import compare, open_cells
        from components.compare_batch import batch_records, disagreements_first
        from components.compare_crop import window_of
        from components.compare_sheet import sheet_of
        from components.heat import chosen_maps, make_map
        from components.models import chosen_version, newest_models
        from components.scale import chosen_scale
        from components.share import chosen_share
        from components.table import to_csv
        from leuk_core.registry import load_task
        from leuk_core.reports.compare import to_pdf, to_png

        version = chosen_version()
        found = newest_models(version)
        told = chosen_share(load_task(version.task))
        cells = [compare(arrival, found, chosen_scale(), told) for arrival in open_cells()]
        st.session_state["csv"] = to_csv(batch_records(disagreements_first(cells)))
        picture = cells[0].arrival.picture
        maps = {entry.ref: make_map(entry, picture, chosen_scale(), chosen_maps()) for entry in found}
        sheet = sheet_of(cells[0], "order given", window_of(version, picture, chosen_scale()), maps, 0.6)
        st.session_state["sheet"], st.session_state["png"], st.session_state["pdf"] = (
            sheet,
            to_png(sheet),
            to_pdf(sheet),
        )

    other = AppTest.from_function(script, default_timeout=60)
    for key in (ARRIVALS, PICTURES, ANSWERS):
        other.session_state[key] = at.session_state[key]
    other.run()
    assert not other.exception
    return other.session_state[what]


class TestTheSheet:
    def test_it_carries_warning_versions_hash_and_time_and_no_file_name(self, judged):
        at = opened(1)
        sheet = in_a_run(at, "sheet")
        facts = dict(sheet.facts)
        assert facts["picture"] == at.session_state[PICTURES][0].pixels_sha256
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", facts["answered"])
        assert [line.ref for line in sheet.lines] == ["mlp, version 1", "svm, version 1", "knn, version 1"]
        assert sheet.together.label == "ALL"
        assert "0.82 (95 % 0.76 to 0.89)" in sheet.evidence
        assert "1.png" not in repr(sheet)

    def test_both_files_can_be_opened_and_say_that_it_is_no_diagnosis(self, judged):
        at = opened(1)
        picture = Image.open(io.BytesIO(in_a_run(at, "png")))
        assert RESEARCH_ONLY in picture.info["Description"]
        assert picture.width > 1600
        made = in_a_run(at, "pdf")
        assert made.startswith(b"%PDF")
        assert RESEARCH_ONLY.encode("utf-16-be") in made


def test_without_pictures_the_page_says_what_to_do(installed):
    at = opened(0)
    assert any("Drop pictures of single cells here" in item.value for item in at.info)
