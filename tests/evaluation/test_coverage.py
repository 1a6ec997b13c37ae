"""Thresholds do what is asked of them, and say so where they can't."""

import numpy as np
import pytest

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.coverage import UNDECIDED, CoverageRow, at_threshold, choose_threshold, coverage_curve


@pytest.fixture(scope="module")
def cells():
    rng = np.random.default_rng(0)
    top = rng.uniform(0.5, 1.0, 800).round(3)
    called = rng.integers(2, size=800)
    truth = np.where(rng.random(800) < top, called, 1 - called)
    probabilities = np.where(called[:, None] == np.arange(2), top[:, None], 1 - top[:, None])
    return truth, probabilities, np.array([f"{t}-{i % 20}" for i, t in enumerate(truth)])


def answered(truth, probabilities, threshold):
    top = probabilities.max(axis=1) >= threshold
    return top.mean(), (probabilities.argmax(axis=1) != truth)[top].mean()


@pytest.mark.parametrize("wanted", [0.3, 0.7, 0.85, 1.0])
def test_a_threshold_answers_as_many_as_asked_and_hardly_more(cells, wanted):
    truth, probabilities, _ = cells
    threshold = choose_threshold(truth, probabilities, coverage=wanted)
    assert wanted <= answered(truth, probabilities, threshold)[0] < wanted + 0.01


def test_a_threshold_keeps_the_error_and_answers_the_most_that_allows(cells):
    truth, probabilities, _ = cells
    threshold = choose_threshold(truth, probabilities, max_error=0.15)
    coverage, error = answered(truth, probabilities, threshold)
    assert error <= 0.15
    others = [answered(truth, probabilities, level) for level in np.unique(probabilities.max(axis=1))]
    assert coverage == max(share for share, wrong in others if wrong <= 0.15)


def test_what_cannot_be_reached_is_said(cells):
    truth, probabilities, _ = cells
    with pytest.raises(InvalidData, match=r"with 95% of the cells answered.*Received: an error of 0\.2"):
        choose_threshold(truth, probabilities, coverage=0.95, max_error=0.05)
    with pytest.raises(InvalidParameter, match="neither"):
        choose_threshold(truth, probabilities)
    with pytest.raises(InvalidParameter, match="max_error=7"):
        choose_threshold(truth, probabilities, max_error=7)


def test_the_curve_ends_where_every_cell_is_answered(cells):
    truth, probabilities, subjects = cells
    rows = coverage_curve(truth, probabilities, subjects, n_bootstrap=100)
    thresholds = [row.threshold for row in rows]
    assert thresholds == sorted(thresholds, reverse=True)
    assert rows[-1].coverage.value == 1.0
    assert rows[-1].error.value == pytest.approx((probabilities.argmax(axis=1) != truth).mean())
    for row in rows[::7]:
        assert (row.coverage.value, row.error.value) == pytest.approx(answered(truth, probabilities, row.threshold))
        assert row.error.low <= row.error.value <= row.error.high
    assert CoverageRow.from_dict(rows[3].to_dict()) == rows[3]


def test_a_threshold_beyond_every_cell_answers_none(cells):
    truth, probabilities, subjects = cells
    (row,) = coverage_curve(truth, probabilities, subjects, thresholds=[1.01], n_bootstrap=100)
    assert row.coverage.value == 0
    assert row.error.value is None


def test_shares_at_a_threshold_sum_to_one_with_the_undecided(cells):
    truth, probabilities, subjects = cells
    found = at_threshold(truth, probabilities, 0.7, subjects, classes=["all", "hem"], n_bootstrap=100)
    coverage, error = answered(truth, probabilities, 0.7)
    assert (found.coverage.value, found.error.value) == pytest.approx((coverage, error))
    for label, shares in found.shares.items():
        assert sum(share.value for share in shares.values()) == pytest.approx(1)
        assert shares[UNDECIDED].value == pytest.approx(1 - found.coverage_by_class[label].value)
    assert found.n_subjects == 40


def test_doubted_cells_get_no_answer_whatever_their_probability(cells):
    truth, probabilities, subjects = cells
    doubted = np.arange(800) % 2 == 0
    found = at_threshold(truth, probabilities, 0.0, subjects, doubted=doubted, n_bootstrap=100)
    assert found.coverage.value == 0.5
