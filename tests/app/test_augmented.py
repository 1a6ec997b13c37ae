"""The augmentations as they are shown: seven that are one draw taken apart; and how steady answers are under them."""

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pytest

from components.augmented import alone, purpose, whole, words
from components.steady import Work, table_html
from leuk_core.errors import ModelUnavailable
from leuk_core.preprocessing.augment import Drawn
from leuk_core.steadiness import Steadiness


def test_the_seven_alone_are_the_first_whole_draw_taken_apart():
    first = whole(3)[0]
    neutral = Drawn()
    together = {}
    for drawn in alone(3).values():
        for field in dataclasses.fields(Drawn):
            value = getattr(drawn, field.name)
            if value != getattr(neutral, field.name):
                together[field.name] = value
    assert Drawn(**together) == first


def test_another_seed_is_another_draw_and_the_same_one_the_same():
    assert whole(1) == whole(1)
    assert not set(whole(1)) & set(whole(2))


@pytest.mark.parametrize(
    ("name", "drawn", "said"),
    [
        ("rotation", Drawn(angle=41.2), "rotation 41° anticlockwise"),
        ("rotation", Drawn(angle=-41.2), "rotation 41° clockwise"),
        ("translation", Drawn(shift_x=-0.02, shift_y=0.01), "translation 5 px left, 2 px down"),
        ("flips", Drawn(flip_horizontal=True, flip_vertical=True), "flip left–right and top–bottom"),
        ("flips", Drawn(), "flips: none in this draw"),
        ("crop", Drawn(crop=0.013), "crop 1.3 % of the side"),
    ],
)
def test_each_change_says_what_was_drawn(name, drawn, said):
    assert words(name, drawn, 227).replace("\N{NO-BREAK SPACE}", " ") == said


def test_the_ground_is_named():
    assert "here black" in purpose(np.zeros((9, 9, 3), np.float32))
    assert "here red 128, green 0, blue 255" in purpose(np.full((9, 9, 3), (0.5, 0, 1), np.float32))


VERSION = SimpleNamespace(ref="blood/svm@1", model="svm", task="blood", card={"title": "SVM"})
OTHER = SimpleNamespace(ref="blood/rf@1", model="rf", task="blood", card={"title": "RF", "under_trained": True})
CLASSES = [SimpleNamespace(id=name, short=name.upper()) for name in ("all", "normal")]
TASK = SimpleNamespace(classes=CLASSES)


def steady_work(copies=100, seed=0):
    return Work(SimpleNamespace(pixels_sha256="a"), 0.1, (VERSION, OTHER), copies, seed)


def text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_flips_are_told_with_count_copies_and_interval():
    work = steady_work()
    work.found[VERSION.ref] = Steadiness(VERSION.ref, "all", 0.91, 100, {"normal": 7}, 0.31, 0.97, 0)
    said = text(table_html(work, TASK))
    assert "SVM ALL 0.91 7 of 100: 7 % 2.9 to 13.9 % 7 NORMAL 0.31 to 0.97" in said
    assert "n = 100 augmented copies of this one cell, seed 0" in said
    assert "RF under-trained …" in said


def test_a_model_that_fails_says_why_and_one_that_was_not_reached_says_so():
    work = steady_work()
    work.found[VERSION.ref] = "Its files <were> changed."
    work.stop()
    said = table_html(work, TASK)
    assert "Its files &lt;were&gt; changed." in said
    assert "was not asked" in said


def test_another_cell_number_of_copies_or_seed_is_another_question():
    assert steady_work().is_for(steady_work())
    assert not steady_work().is_for(steady_work(copies=50))
    assert not steady_work().is_for(steady_work(seed=1))


def test_one_model_that_cannot_be_asked_does_not_keep_the_next_from_answering(monkeypatch):
    answer = Steadiness(OTHER.ref, "all", 0.9, 2, {}, 0.8, 0.9, 0)

    def asked(predictor, picture, copies, seed, scale, tell):
        tell(copies, copies)
        return answer

    def load(ref):
        if ref == VERSION.ref:
            raise ModelUnavailable("It is not there.")
        return ref

    monkeypatch.setattr("components.steady.loaded", load)
    monkeypatch.setattr("leuk_core.steadiness.steadiness", asked)
    work = steady_work(copies=2)
    work._run()
    assert work.found == {VERSION.ref: "It is not there.", OTHER.ref: answer}
    assert (work.working, work.share) == (False, 1.0)


def test_a_stopped_work_ends_and_keeps_what_was_found(monkeypatch):
    work = steady_work()
    work.found[VERSION.ref] = "kept"
    work.stop()
    work._run()
    assert work.found == {VERSION.ref: "kept"}
    assert not work.working
