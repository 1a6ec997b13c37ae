"""Novelty: most training cells pass, other colours and other kinds don't, stored or just fitted."""

import numpy as np
import pytest

from leuk_core.data.splits import group_folds
from leuk_core.errors import InvalidData, ModelUnavailable
from leuk_core.novelty import load_novelty
from leuk_core.settings import settings
from leuk_core.training.novelty import Measured, fit_novelty, store_novelty


def _cells(count, colour, kind, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 4, 256)) + kind * (np.arange(256) < 20)
    return Measured(
        np.exp(rng.normal(4.4, 0.2, count)),
        np.clip(rng.normal(colour, 6, (count, 3)), 0, 255),
        features.reshape(count, -1).astype(np.float32),
    )


@pytest.fixture(scope="module")
def fitted():
    training = _cells(300, (90, 40, 110), 0.0, 1)
    groups = np.repeat([f"p{i}" for i in range(15)], 20)
    labels = np.where(np.arange(15) % 2 == 0, "all", "hem").repeat(20)
    folds = group_folds(labels, groups, 5, 0)
    same, other = _cells(80, (150, 90, 160), 0.0, 2), _cells(200, (150, 90, 160), 0.7, 3)
    return fit_novelty(training, folds, same.features, other.features, "dcnn@1")


def test_most_training_cells_pass_when_judged_without_their_person(fitted):
    assert 0.0 < fitted.unlike.mean() < 0.1


def test_another_stain_is_seen_in_colour_and_another_kind_in_the_features(fitted):
    novelty = fitted.novelty
    other_stain, other_kind = _cells(50, (150, 90, 160), 0.0, 4), _cells(50, (90, 40, 110), 0.7, 5)
    assert novelty.other_look(other_stain.areas, other_stain.colours).all()
    assert novelty.other_kind(other_stain.features).mean() < 0.3
    assert not novelty.other_look(other_kind.areas, other_kind.colours).mean() > 0.2
    assert novelty.other_kind(other_kind.features).mean() > 0.9


def test_a_cell_of_unknown_size_is_judged_by_its_colour(fitted):
    colours = np.array([[90.0, 40.0, 110.0], [200.0, 200.0, 200.0]])
    assert fitted.novelty.other_look(np.full(2, np.nan), colours).tolist() == [False, True]


def test_what_is_stored_judges_the_same_and_is_checked(fitted, tmp_path, monkeypatch):
    folder = tmp_path / "all-vs-normal" / "reference" / "1"
    store_novelty(folder, fitted.novelty, {"n": 300})
    with pytest.raises(InvalidData, match="never changed"):
        store_novelty(folder, fitted.novelty, {})
    monkeypatch.setattr(settings(), "models_dir", tmp_path)
    load_novelty.cache_clear()
    some = _cells(40, (120, 60, 130), 0.3, 6)
    stored = load_novelty("all-vs-normal", "1")
    assert np.array_equal(
        stored.other_look(some.areas, some.colours), fitted.novelty.other_look(some.areas, some.colours)
    )
    assert np.array_equal(stored.other_kind(some.features), fitted.novelty.other_kind(some.features))
    with (folder / "reference.safetensors").open("ab") as file:
        file.write(b"x")
    load_novelty.cache_clear()
    with pytest.raises(ModelUnavailable, match="not the file that the card names"):
        load_novelty("all-vs-normal", "1")
    load_novelty.cache_clear()


def test_without_cells_of_other_kinds_nothing_is_learnt():
    cells = _cells(20, (90, 40, 110), 0.0, 7)
    folds = [(np.arange(10), np.arange(10, 20))]
    with pytest.raises(InvalidData, match="other kinds"):
        fit_novelty(cells, folds, cells.features[:0], cells.features[:0], "dcnn@1")
