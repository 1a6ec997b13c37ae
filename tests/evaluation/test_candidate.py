"""A candidate against the current version: the sentence follows the interval, and only unseen cells are compared."""

import json

import numpy as np
import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.evaluation.candidate import Comparison, judge
from leuk_core.evaluation.seen import Prints
from leuk_core.evaluation.unseen import LEARNT_FROM, proof, published
from leuk_core.registry.versions import ModelVersion, find_version

CLASSES = ["all", "hem"]
PERSONS, EACH = 16, 20


def persons(seed=0):
    person = np.repeat(np.arange(PERSONS), EACH)
    return person % 2, np.array([f"p{number}" for number in person]), np.random.default_rng(seed)


def answers(truth, right, rng):
    """Return probabilities that call the share `right` of each class rightly."""
    called = np.where(rng.random(len(truth)) < np.asarray(right)[truth], truth, 1 - truth)
    return np.eye(2)[called] * 0.6 + 0.2


def test_the_sentence_follows_the_interval():
    truth, subjects, rng = persons()
    poor, good = answers(truth, [0.6, 0.6], rng), answers(truth, [0.9, 0.9], rng)
    better = judge(truth, poor, good, CLASSES, subjects)
    assert better.better
    assert better.sentence.startswith("It is better: +")
    assert better.sentence.endswith("by subject · 320 cells · 16 subjects.")
    assert not better.got_worse
    worse = judge(truth, good, poor, CLASSES, subjects, words={"all": "ALL", "hem": "normal"})
    assert worse.sentence.startswith("It is worse: -")
    assert worse.got_worse == ("all", "hem")
    same = judge(truth, good, answers(truth, [0.9, 0.9], rng), CLASSES, subjects)
    assert same.sentence.startswith("No evidence that it is better: ")
    assert Comparison.from_dict(json.loads(json.dumps(same.to_dict()))) == same


def test_a_class_that_got_worse_is_named_though_the_whole_is_better():
    truth, subjects, rng = persons()
    before, after = answers(truth, [0.3, 0.95], rng), answers(truth, [0.95, 0.7], rng)
    found = judge(truth, before, after, CLASSES, subjects, words={"hem": "normal"})
    assert found.better
    assert found.got_worse == ("hem",)
    assert found.sentence.endswith("fewer cells are called rightly of class normal.")
    recall = found.figures["recall_hem"]
    assert recall["difference"].value == pytest.approx(recall["candidate"].value - recall["current"].value)
    assert found.figures["ece"]["candidate"].low >= 0


SAMPLE = PROJECT_ROOT / "assets" / "samples" / "synthetic-02-blast.png"


def some(name, stems, subject="P1", layout="class folders"):
    cells = [LabelledCell(f"all/{stem}.png", "all", subject, name, path=SAMPLE) for stem in stems]
    return LabelledCells(cells, name, layout)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (some("ward", ["1", "2"]), set()),
        (some("ward", ["UID_H10_3_4_hem"]), {"C-NMC"}),
        (some("ward", ["LY_115774"]), {"PBC"}),
        (some("C-NMC_training_data", ["1"]), {"C-NMC"}),
        (some("x", ["1"], layout="Leukemia Dataset 0.2"), {"Leukemia Dataset 0.2"}),
    ],
)
def test_published_sets_are_recognised(cells, found):
    assert published(cells) == found


def proven(version, cells, pixels):
    return proof(version, Prints(cells, pixels))


def test_a_shipped_version_is_proven_by_the_sets_that_its_card_names():
    svm = find_version("all-vs-normal/svm")
    assert proven(svm, some("ward", ["1"]), ["0"]).unseen
    words = proven(svm, some("ward", ["1"]), ["0"]).words
    assert words.startswith("by pixels: none of these 1 pictures is among the 6,150 of C-NMC and 8,800 of PBC")
    assert "“ward” is none of it" in proven(svm, some("ward", ["1"]), ["0"]).words
    assert not proven(svm, some("ward", ["UID_1_2_3_all"]), ["0"]).unseen
    assert not proven(svm, some("ward", ["LY_115774"]), ["0"]).unseen  # its features learnt from PBC
    nameless = ModelVersion("all-vs-normal", "svm", "1", svm.folder, {"data": [{}]})
    assert not proven(nameless, some("ward", ["1"]), ["0"]).unseen


def test_an_own_version_is_proven_by_pixels_persons_and_what_it_started_from(tmp_path):
    (tmp_path / LEARNT_FROM).write_text(json.dumps({"pixels_sha256": ["a", "b"], "subjects": ["P7"]}))
    own = ModelVersion("all-vs-normal", "svm", "own", tmp_path, {})
    assert proven(own, some("ward", ["UID_1_2_3_all"]), ["c"]).unseen
    assert not proven(own, some("ward", ["1"]), ["b"]).unseen
    assert not proven(own, some("ward", ["1"], subject="P7"), ["c"]).unseen
    later = ModelVersion("all-vs-normal", "svm", "own", tmp_path, {"start_version": "all-vs-normal/svm"})
    assert not proven(later, some("ward", ["UID_1_2_3_all"]), ["c"]).unseen
    gone = ModelVersion("all-vs-normal", "svm", "own", tmp_path, {"start_version": "all-vs-normal/svm@gone"})
    assert "no longer installed" in proven(gone, some("ward", ["1"]), ["c"]).words
