"""Steadiness: flips are counted against the cell's own answer, on the same copies for each model."""

from types import SimpleNamespace

import numpy as np
import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.images import SmearImage, decode
from leuk_core.prediction import load_predictor
from leuk_core.preprocessing.kept import kept_stages
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.steadiness import AT_ONCE, steadiness


@pytest.fixture
def cell():
    drawn = PROJECT_ROOT / "assets" / "samples" / "synthetic-01-lymphocyte.png"
    yield decode(drawn.read_bytes(), drawn.name)
    kept_stages().clear()


class Model:
    """A stand-in for a predictor: says what it is told to, and remembers what it was shown."""

    ref, recipe = "task/model@1", Recipe()
    task = SimpleNamespace(classes=[SimpleNamespace(id=name) for name in ("all", "normal")])

    def __init__(self, says=lambda pictures: np.full(len(pictures), 0.7)):
        self.says, self.shown, self.keys = says, [], []

    def probabilities(self, pictures, key=None):
        first = self.says(pictures)
        self.shown.append(pictures)
        self.keys.append(key)
        return np.stack([first, 1 - first], axis=1)


def brighter_than(cell):
    """Return a model's answer that hangs on brightness alone: a copy brighter than the cell is the other class."""
    own = kept_stages().of(Recipe(), cell).pictures["logmh"].mean()
    return lambda pictures: np.where(pictures.mean(axis=(1, 2, 3)) > own + 1e-6, 0.2, 0.9)


def test_a_model_that_never_wavers_has_no_flips_and_an_interval_that_says_how_sure_that_is(cell):
    found = steadiness(Model(), cell, copies=100)
    assert (found.label, found.probability, found.flips, found.flips_to) == ("all", pytest.approx(0.7), 0, {})
    assert found.share.low == 0
    assert found.share.high == pytest.approx(1 - 0.025 ** (1 / 100))  # exact (Clopper and Pearson)


def test_flips_are_copies_that_get_another_likeliest_class(cell):
    model = Model(brighter_than(cell))
    found = steadiness(model, cell, copies=40)
    brighter = int((model.says(np.concatenate(model.shown[1:])) == 0.2).sum())
    assert 0 < brighter < 40
    assert found.flips_to == {"normal": brighter}
    assert (found.lowest, found.highest) == (pytest.approx(0.2), pytest.approx(0.9))


def test_each_model_is_shown_the_same_copies_and_fewer_are_the_first_of_more(cell):
    few, more = Model(), Model()
    steadiness(few, cell, copies=AT_ONCE, seed=3)
    steadiness(more, cell, copies=AT_ONCE + 1, seed=3)
    assert np.array_equal(few.shown[1], more.shown[1])
    assert few.keys == more.keys[:2]  # models on the same features work them out once
    assert len({*more.keys}) == 3


def test_what_the_teller_raises_ends_the_work(cell):
    model = Model()

    def stop(done, total):
        assert (done, total) == (AT_ONCE, 200)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steadiness(model, cell, copies=200, progress=stop)
    assert len(model.shown) == 2


def test_without_a_cell_or_a_copy_there_is_no_answer(cell):
    empty = SmearImage(np.zeros((100, 100, 3), np.uint8), "black.png", "2" * 64, microns_per_pixel=0.1)
    with pytest.raises(InvalidData):
        steadiness(Model(), empty)
    with pytest.raises(InvalidParameter, match=r"`copies` must be at least 1. Received: copies=0"):
        steadiness(Model(), cell, copies=0)


def test_a_shipped_model_is_asked_the_way_it_answers(cell):
    predictor = load_predictor("all-vs-normal/svm")
    found = steadiness(predictor, cell, copies=4, seed=1)
    assert found.probability == pytest.approx(predictor.predict(cell).probabilities[found.label], abs=1e-6)
    assert found.lowest <= found.highest <= 1
