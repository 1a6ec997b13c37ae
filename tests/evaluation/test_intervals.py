"""Intervals hold what they promise with few persons; comparisons and exact intervals are the known ones."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.intervals import bootstrap_over_subjects, exact_interval, mcnemar, paired_difference
from leuk_core.evaluation.metrics import OVERALL, evaluate


def clustered(rng, subjects=(16, 12), cells=12, skill=0.8):
    """Cells of persons who are more or less easy; returns truth, probabilities and subject."""
    of_subject = np.repeat([0, 1], subjects)
    subject = np.repeat(np.arange(sum(subjects)), cells)
    truth = of_subject[subject]
    ease = rng.normal(skill, 0.8, sum(subjects))[subject]
    logit = (2 * truth - 1) * ease + rng.normal(0, 0.8, len(truth))
    second = 1 / (1 + np.exp(-logit))
    return truth, np.column_stack([1 - second, second]), subject


def test_intervals_over_subjects_cover_and_intervals_over_images_do_not():
    rng = np.random.default_rng(3)
    expected = norm.cdf(0.8 / np.sqrt(0.64 + 0.64))  # a cell is called rightly where ease and noise exceed 0
    hits = {"subjects": 0, "images": 0}
    for repetition in range(100):
        truth, probabilities, subject = clustered(rng)
        for name, units in (("subjects", subject), ("images", None)):
            found = evaluate(truth, probabilities, ["a", "b"], units, n_bootstrap=100, seed=repetition)
            accuracy = found.figure("accuracy")
            hits[name] += accuracy.low <= expected <= accuracy.high
    assert hits["subjects"] >= 90
    assert hits["images"] <= 80


def test_a_statistic_over_subjects_has_the_interval_of_the_same_figure():
    truth, probabilities, subject = clustered(np.random.default_rng(1))
    right = probabilities.argmax(axis=1) == truth
    general = bootstrap_over_subjects(lambda cells: right[cells].mean(), subject, truth)
    figure = evaluate(truth, probabilities, ["a", "b"], subject).figure("accuracy")
    assert (general.value, general.low, general.high) == pytest.approx((figure.value, figure.low, figure.high))


def test_an_undefined_statistic_gives_no_interval():
    found = bootstrap_over_subjects(lambda cells: np.nan, ["1", "2", "3"])
    assert (found.value, found.low, found.high) == (None, None, None)


@pytest.mark.parametrize("metric", OVERALL)
def test_a_model_that_is_better_for_every_person_beats_another_in_each_figure(metric):
    truth, poor, subject = clustered(np.random.default_rng(2), skill=0.3)
    good = np.where(truth[:, None] == np.arange(2), 0.98, 0.02)
    found = paired_difference(truth, good, poor, metric, subject, n_bootstrap=200)
    assert found.beats
    assert found.better == "a"
    assert paired_difference(truth, poor, good, metric, subject, n_bootstrap=200).better == "b"


def test_a_model_does_not_beat_its_like():
    truth, probabilities, subject = clustered(np.random.default_rng(2))
    noise = np.random.default_rng(4).normal(0, 0.02, len(truth))
    second = np.clip(probabilities[:, 1] + noise, 0, 1)
    found = paired_difference(truth, probabilities, np.column_stack([1 - second, second]), "auroc", subject)
    assert found.better is None
    assert not found.beats
    assert found.difference.low < 0 < found.difference.high


def test_a_paired_interval_is_narrower_than_two_models_apart_would_allow():
    truth, probabilities, subject = clustered(np.random.default_rng(7))
    sharper = probabilities**1.5 / (probabilities**1.5).sum(axis=1, keepdims=True)
    found = paired_difference(truth, sharper, probabilities, "brier", subject)
    alone = evaluate(truth, probabilities, ["a", "b"], subject).figure("brier")
    assert found.difference.high - found.difference.low < 0.7 * (alone.high - alone.low)
    assert found.a - found.b == pytest.approx(found.difference.value)


def test_one_subject_in_a_class_lets_nobody_win():
    truth, good, subject = clustered(np.random.default_rng(2), subjects=(12, 1), skill=3)
    found = paired_difference(truth, good, good[:, ::-1], "accuracy", subject)
    assert found.difference.value > 0.5
    assert found.better is None


def test_an_unknown_metric_is_refused():
    with pytest.raises(InvalidParameter, match="Received: metric='f2'"):
        paired_difference([0, 1], np.eye(2), np.eye(2), "f2")


@pytest.mark.parametrize(
    ("only_a", "only_b", "p_value"),
    [(10, 2, 0.03857421875), (5, 5, 1.0), (0, 6, 0.03125), (0, 0, 1.0)],
)
def test_mcnemar_is_the_exact_binomial_test(only_a, only_b, p_value):
    n = only_a + only_b + 7
    truth = np.ones(n, int)
    a, b = np.ones(n, int), np.ones(n, int)
    b[:only_a] = 0
    a[only_a : only_a + only_b] = 0
    found = mcnemar(truth, a, b)
    assert (found.only_a, found.only_b, found.n) == (only_a, only_b, n)
    assert found.p_value == pytest.approx(p_value)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(20, 100, 12.7, 29.2), (40, 200, 14.7, 26.2), (0, 100, 0.0, 3.6), (100, 100, 96.4, 100.0), (5, 200, 0.8, 5.7)],
)
def test_exact_intervals_of_differential_counts(count, n, low, high):
    found = exact_interval(count, n)
    assert (round(100 * found.low, 1), round(100 * found.high, 1)) == (low, high)


def test_exact_intervals_are_quantiles_of_the_beta_distribution():
    found = exact_interval(7, 31, level=0.9)
    assert (found.low, found.high) == pytest.approx((beta.ppf(0.05, 7, 25), beta.ppf(0.95, 8, 24)))


def test_nothing_counted_could_be_anything():
    found = exact_interval(0, 0)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    with pytest.raises(InvalidParameter, match="count=3, n=2"):
        exact_interval(3, 2)
