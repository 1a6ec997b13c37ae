"""Calibration mends what it should, leaves what it should, and is judged on persons that it was not fitted on."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from leuk_core.decision import Decision
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.calibration import (
    Calibrator,
    cross_fit,
    fit_calibrator,
    log_scores,
    prior_shift,
    reliability_table,
)
from leuk_core.evaluation.metrics import evaluate


class Scores(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X[:, 0] if X.shape[1] == 1 else X

    def predict(self, X):
        return self.classes_[X.argmax(axis=1)] if X.shape[1] > 1 else self.classes_[(X[:, 0] > 0).astype(int)]


@pytest.fixture(scope="module")
def overconfident():
    """Logits of four classes, three times as steep as they should be."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.2, (3000, 4))
    truth = (softmax(honest, axis=1).cumsum(axis=1) < rng.random((3000, 1))).sum(axis=1)
    return 3.0 * honest, truth


def test_temperature_mends_overconfidence_and_leaves_every_answer(overconfident):
    scores, truth = overconfident
    fitted = fit_calibrator(scores[::2], truth[::2])
    before, after = softmax(scores[1::2], axis=1), fitted.apply(scores[1::2])
    assert fitted.slope == pytest.approx(1 / 3, rel=0.1)
    assert log_loss(truth[1::2], after) < log_loss(truth[1::2], before) - 0.1
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    names = list("abcd")
    ece = [evaluate(truth[1::2], p, names, n_bootstrap=100).figure("ece").value for p in (before, after)]
    assert ece[1] < 0.5 * ece[0]


def test_temperature_is_that_of_scikit_learn(overconfident):
    scores, truth = overconfident
    theirs = CalibratedClassifierCV(FrozenEstimator(Scores().fit(scores, truth)), method="temperature")
    expected = theirs.fit(scores, truth).predict_proba(scores)
    assert fit_calibrator(scores, truth).apply(scores) == pytest.approx(expected, abs=1e-3)


def test_sigmoid_of_two_classes_is_that_of_platt():
    rng = np.random.default_rng(1)
    truth = rng.integers(2, size=60)
    decision = 2.0 * truth + rng.normal(0, 1.5, 60) - 3
    theirs = CalibratedClassifierCV(FrozenEstimator(Scores().fit(decision[:, None], truth)), method="sigmoid")
    expected = theirs.fit(decision[:, None], truth).predict_proba(decision[:, None])
    scores = np.column_stack([-decision / 2, decision / 2])
    assert fit_calibrator(scores, truth, "sigmoid").apply(scores) == pytest.approx(expected, abs=1e-4)


def test_sigmoid_moves_the_balance_of_many_classes_back(overconfident):
    scores, truth = overconfident
    skewed = scores + np.array([4.0, 0.0, 0.0, -2.0])
    plain, moved = (fit_calibrator(skewed, truth, method).apply(skewed) for method in ("temperature", "sigmoid"))
    assert np.abs(moved.mean(axis=0) - np.bincount(truth) / len(truth)).max() < 0.01
    assert log_loss(truth, moved) < log_loss(truth, plain) - 0.1


def test_scores_of_any_size_can_be_calibrated(overconfident):
    scores, truth = overconfident
    small = fit_calibrator(scores * 1e-4, truth).apply(scores * 1e-4)
    large = fit_calibrator(scores * 1e5, truth).apply(scores * 1e5)
    assert small == pytest.approx(large, abs=1e-4)


def test_useless_scores_become_the_share_of_each_class():
    rng = np.random.default_rng(2)
    truth = np.repeat([0, 1], [750, 250])
    scores = rng.normal(size=(1000, 2))
    scores[:, 0] -= 0.3 * (truth == 0)  # a trifle worse than useless: the ranking must not turn round
    fitted = fit_calibrator(scores, truth, "sigmoid")
    assert fitted.slope >= 0
    assert fitted.apply(scores)[:, 1] == pytest.approx(np.full(1000, 0.25), abs=0.02)


def test_a_calibrator_is_what_the_decision_of_a_version_applies():
    fitted = Calibrator(0.7, (0.2, -0.2))
    scores = np.array([[1.0, -2.0], [0.3, 0.1]])
    assert Calibrator.from_dict(fitted.to_dict()) == fitted
    decision = Decision.from_dict({"calibration": fitted.to_dict()})
    assert decision.probabilities(scores) == pytest.approx(fitted.apply(scores))


def test_cross_fitting_never_uses_a_persons_own_cells():
    rng = np.random.default_rng(4)
    groups = np.repeat([f"p{i}" for i in range(12)], 30)
    truth = np.repeat(np.arange(12) % 2, 30)
    scores = np.where(truth[:, None] == np.arange(2), 1.0, 0.0) + rng.normal(0, 1, (360, 2))
    found = cross_fit(scores, truth, groups, "sigmoid", seed=1)
    one_person = groups == "p3"
    changed = scores.copy()
    changed[one_person] = changed[one_person][:, ::-1] * 50
    again = cross_fit(changed, truth, groups, "sigmoid", fold=found.fold)
    own = found.fold[one_person][0]
    assert len(np.unique(found.fold[one_person])) == 1
    assert again.calibrators[own] == found.calibrators[own]
    assert all(
        again.calibrators[other] != found.calibrators[other] for other in range(len(found.calibrators)) if other != own
    )


def test_cross_fitting_is_honest_where_fitting_on_the_same_cells_flatters():
    # the scores say nothing; a calibrator that has seen a person's label may pretend otherwise
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(6), 4)
    truth = np.repeat([0, 1, 0, 1, 0, 1], 4)
    honest, flattering = [], []
    for _ in range(20):
        scores = rng.normal(0, 1, (6, 2))[groups]
        honest.append(log_loss(truth, cross_fit(scores, truth, groups, "sigmoid").probabilities))
        flattering.append(log_loss(truth, fit_calibrator(scores, truth, "sigmoid").apply(scores)))
    assert np.mean(flattering) < np.log(2) < np.mean(honest)


def test_folds_that_split_a_person_are_refused():
    with pytest.raises(InvalidParameter, match="keep the cells of a group together"):
        cross_fit(np.zeros((4, 2)), [0, 1, 0, 1], ["a", "a", "b", "b"], fold=[0, 1, 0, 1])


def test_calibration_needs_finite_scores_and_two_classes():
    with pytest.raises(InvalidParameter, match="log_scores"):
        fit_calibrator([[0.0, -np.inf]], [0])
    with pytest.raises(InvalidData, match="at least two classes"):
        fit_calibrator(np.zeros((3, 2)), [1, 1, 1])
    with pytest.raises(InvalidParameter, match="temperature, sigmoid"):
        fit_calibrator(np.zeros((2, 2)), [0, 1], "isotonic")


def test_log_scores_give_back_the_probabilities():
    probabilities = np.array([[0.2, 0.8], [1.0, 0.0]])
    assert softmax(log_scores(probabilities), axis=1) == pytest.approx(probabilities, abs=1e-5)


def test_another_share_and_back_is_where_we_started():
    probabilities = np.random.default_rng(0).dirichlet([2.0, 1.0, 1.0], 50)
    one, other = [0.63, 0.3, 0.07], [0.01, 0.9, 0.09]
    there = prior_shift(probabilities, one, other)
    assert there.sum(axis=1) == pytest.approx(np.ones(50))
    assert prior_shift(there, other, one) == pytest.approx(probabilities)
    assert prior_shift(probabilities, one, one) == pytest.approx(probabilities)


def test_shifted_probabilities_are_calibrated_in_the_other_set():
    # a test with sensitivity 0.9 and specificity 0.8: predictive values by hand
    at_half = [[0.9 / 1.1, 0.2 / 1.1]]
    assert prior_shift(at_half, [0.5, 0.5], [0.01, 0.99])[0, 0] == pytest.approx(0.009 / (0.009 + 0.198))


def test_shares_that_are_none_are_refused():
    with pytest.raises(InvalidParameter, match="sum to 1"):
        prior_shift([[0.5, 0.5]], [0.5, 0.5], [0.1, 0.1])
    with pytest.raises(InvalidParameter, match="above 0"):
        prior_shift([[0.5, 0.5]], [1.0, 0.0], [0.5, 0.5])
    assert prior_shift([[1.0, 0.0]], [0.5, 0.5], [0.0, 1.0]).tolist() == [[0.0, 1.0]]


def test_a_reliability_table_is_scikit_learns_curve_with_counts_and_intervals():
    rng = np.random.default_rng(3)
    said = rng.random(600)
    truth = (rng.random(600) < said).astype(int)
    subjects = np.arange(600) // 10
    rows = reliability_table(truth, np.column_stack([1 - said, said]), subjects, label="1", n_bootstrap=200)
    happened, mean = calibration_curve(truth, said, n_bins=10)
    assert [row.happened.value for row in rows] == pytest.approx(happened)
    assert [row.said for row in rows] == pytest.approx(mean)
    assert sum(row.n for row in rows) == 600
    assert all(row.happened.low <= row.happened.value <= row.happened.high for row in rows)
    assert sum(row.happened.low <= row.said <= row.happened.high for row in rows) >= 8
    assert all(0 < row.n_subjects <= 60 for row in rows)


def test_a_reliability_table_of_the_highest_probability_starts_at_chance():
    rows = reliability_table([0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [1.0, 0.0]], n_bootstrap=100)
    assert [(row.low, row.n, row.happened.value) for row in rows] == [(0.6, 1, 1.0), (0.9, 2, 0.5)]
    with pytest.raises(InvalidParameter, match="Received: label='all'"):
        reliability_table([0], [[0.9, 0.1]], label="all")
