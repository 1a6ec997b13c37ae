"""Figures agree with scikit-learn's; intervals widen when cells come from few persons; the protocol is never lost."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.metrics import Evaluation, evaluate


@pytest.fixture(scope="module")
def judged():
    rng = np.random.default_rng(11)
    subjects = np.repeat(np.arange(24), 20)
    truth = (subjects % 2).astype(int)
    offset = rng.normal(0, 0.15, 24)[subjects]  # cells of a person are right or wrong together
    second = np.clip(0.5 + 0.2 * (truth - 0.5) + offset + rng.normal(0, 0.1, 480), 0.01, 0.99)
    return truth, np.column_stack([1 - second, second]), subjects.astype(str)


def test_figures_are_those_of_scikit_learn(judged):
    truth, probabilities, subjects = judged
    found = evaluate(truth, probabilities, ["a", "b"], subjects, n_bootstrap=100)
    called = probabilities.argmax(axis=1)
    expected = {
        "accuracy": accuracy_score(truth, called),
        "balanced_accuracy": balanced_accuracy_score(truth, called),
        "f1_weighted": f1_score(truth, called, average="weighted"),
        "precision_weighted": precision_score(truth, called, average="weighted"),
        "recall_weighted": recall_score(truth, called, average="weighted"),
        "auroc": roc_auc_score(truth, probabilities[:, 1]),
        "brier": brier_score_loss(truth, probabilities[:, 1]),
    }
    for name, value in expected.items():
        assert found.figure(name).value == pytest.approx(value), name
    assert found.figure("auprc", "b").value == pytest.approx(average_precision_score(truth, probabilities[:, 1]))
    assert found.figure("specificity", "b").value == pytest.approx(recall_score(truth, called, pos_label=0))
    assert np.sum(found.confusion) == len(truth)


def test_an_interval_over_subjects_is_wider_than_over_images(judged):
    truth, probabilities, subjects = judged
    over_subjects = evaluate(truth, probabilities, ["a", "b"], subjects).figure("accuracy")
    over_images = evaluate(truth, probabilities, ["a", "b"], None).figure("accuracy")
    assert over_subjects.high - over_subjects.low > 1.5 * (over_images.high - over_images.low)
    assert over_subjects.low < over_subjects.value < over_subjects.high


def test_the_same_seed_gives_the_same_interval(judged):
    truth, probabilities, subjects = judged
    first, second = (evaluate(truth, probabilities, ["a", "b"], subjects, seed=3) for _ in range(2))
    assert first == second


def test_the_protocol_and_the_numbers_go_with_every_figure(judged):
    truth, probabilities, subjects = judged
    by_id = evaluate(truth, probabilities, ["a", "b"], subjects, protocol="by-subject", n_bootstrap=100)
    joined = evaluate(
        truth, probabilities, ["a", "b"], subjects, protocol="by-subject", aliases_known=True, n_bootstrap=100
    )
    assert by_id.caption == "by given id · 480 cells · 24 subjects"
    assert joined.caption == "by subject · 480 cells · 24 subjects"
    assert Evaluation.from_dict(joined.to_dict()) == joined


def test_probabilities_that_do_not_sum_to_one_are_refused(judged):
    truth, probabilities, subjects = judged
    with pytest.raises(InvalidParameter, match=r"Received"):
        evaluate(truth, probabilities * 2, ["a", "b"], subjects)
