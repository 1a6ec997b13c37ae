"""Heat maps of drawn cells: every method, the same each time, for the class that is asked for."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from leuk_core.errors import InvalidParameter
from leuk_core.explain import METHODS, heat_map, methods
from leuk_core.explain.heat_map import NOT_PROOF
from leuk_core.images import SmearImage
from leuk_core.prediction import load_predictor


@pytest.mark.parametrize("method", METHODS)
def test_a_method_says_what_it_shows_and_repeats_itself(method, network_predictor, drawn_cell):
    predictor = network_predictor()
    found = {label: heat_map(predictor, drawn_cell, method=method, label=label) for label in ("all", "hem")}
    assert any(not entry.empty for entry in found.values())
    assert not np.array_equal(found["all"].raw, found["hem"].raw)
    again = heat_map(predictor, drawn_cell, method=method, label="all")
    np.testing.assert_array_equal(again.raw, found["all"].raw)
    for label, entry in found.items():
        assert entry.raw.dtype == np.float32
        assert entry.raw.min() >= 0
        assert entry.on_seen.shape == (96, 96)
        assert entry.on_seen.max() == pytest.approx(0 if entry.empty else 1)
        assert entry.label == label
        assert METHODS[method] in entry.caption
        assert predictor.task.words(label) in entry.caption
        assert entry.caption.endswith(NOT_PROOF)
        assert entry.empty == bool(entry.note)


@pytest.mark.parametrize("name", ["alexnet", "centernet"])
def test_score_cam_is_not_zero(name, network_predictor, drawn_cell):
    for label in ("all", "hem"):
        assert not heat_map(network_predictor(name), drawn_cell, method="score-cam", label=label).empty


def test_other_weights_give_another_map(network_predictor, drawn_cell):
    given = heat_map(network_predictor("alexnet"), drawn_cell, method="grad-cam", label="all")
    ranks = []
    for seed in (1, 2, 3, 4):
        other = heat_map(network_predictor("alexnet", seed, False), drawn_cell, method="grad-cam", label="all")
        ranks.append(0.0 if other.empty else spearmanr(given.raw.ravel(), other.raw.ravel()).statistic)
    assert abs(np.mean(ranks)) < 0.4


def test_no_cell_is_said_in_words(network_predictor):
    for predictor in (network_predictor(), load_predictor("all-vs-normal/svm")):
        found = heat_map(predictor, SmearImage(np.zeros((120, 100, 3), np.uint8), "", ""))
        assert found.empty
        assert "No cell" in found.note
        assert found.label is None
        assert not found.on_original().any()


def test_a_map_without_anything_positive_is_empty(network_predictor, drawn_cell, monkeypatch):
    from leuk_core.explain import maker

    monkeypatch.setattr(maker, "_made", _nothing)
    found = heat_map(network_predictor(), drawn_cell, label="hem")
    assert found.empty
    assert found.note.startswith("No positive evidence")
    assert "No positive evidence" in found.caption
    assert not found.on_seen.any()


def _nothing(inside, method, stages, index, key):
    from leuk_core.explain.lattice import Lattice

    raw = np.array([[-1.0, 0.0], [np.nan, -0.5]])
    return raw, Lattice.stretched((2, 2), 96), "layer x", np.ones_like(stages.mask)


def test_what_does_not_fit_is_refused(network_predictor, drawn_cell):
    svm = load_predictor("all-vs-normal/svm")
    assert methods(svm) == ("occlusion",)
    assert methods(network_predictor()) == tuple(METHODS)
    with pytest.raises(InvalidParameter, match=r"`method` must be one of occlusion .*Received: method='grad-cam'"):
        heat_map(svm, drawn_cell, method="grad-cam")
    with pytest.raises(InvalidParameter, match=r"`label` must be one of all, hem. Received: label='aml'"):
        heat_map(svm, drawn_cell, label="aml")
