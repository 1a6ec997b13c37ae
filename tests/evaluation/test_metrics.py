"""Figures agree with scikit-learn's; intervals widen when cells come from few persons; the protocol is never lost."""

import json

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.judged import subject_weights
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


@pytest.fixture(scope="module")
def five_classes():
    rng = np.random.default_rng(5)
    truth = np.repeat(np.arange(5), 60)
    probabilities = rng.dirichlet(np.ones(5), 300).round(2)  # many equal values: ties count
    probabilities[np.arange(300), truth] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return truth, probabilities, np.array([f"{t}-{i % 6}" for i, t in enumerate(truth)])


def test_figures_of_five_classes_and_weights_are_those_of_scikit_learn(five_classes):
    truth, probabilities, subjects = five_classes
    weights = np.random.default_rng(0).uniform(0.2, 3.0, 300)
    classes = ["ALL", "AML", "CLL", "CML", "H"]
    found = evaluate(truth, probabilities, classes, subjects, weights, n_bootstrap=100)
    called = probabilities.argmax(axis=1)
    expected = {
        "balanced_accuracy": balanced_accuracy_score(truth, called, sample_weight=weights),
        "f1_weighted": f1_score(truth, called, average="weighted", sample_weight=weights),
        "f1_macro": f1_score(truth, called, average="macro", sample_weight=weights),
        "auroc": np.mean([roc_auc_score(truth == i, probabilities[:, i], sample_weight=weights) for i in range(5)]),
        "auprc": np.mean(
            [average_precision_score(truth == i, probabilities[:, i], sample_weight=weights) for i in range(5)]
        ),
        "brier": brier_score_loss(truth, probabilities, sample_weight=weights),
    }
    for name, value in expected.items():
        assert found.figure(name).value == pytest.approx(value), name
    assert found.confusion == pytest.approx(confusion_matrix(truth, called, sample_weight=weights))
    assert found.figure("precision", "CML").value == pytest.approx(
        precision_score(truth == 3, called == 3, sample_weight=weights)
    )
    assert found.share_called("CML", "CML").value == pytest.approx(1 - found.figure("error", "CML").value)


def test_unweighted_auroc_over_classes_is_one_against_the_rest(five_classes):
    truth, probabilities, _ = five_classes
    found = evaluate(truth, probabilities, list("abcde"), n_bootstrap=100)
    assert found.figure("auroc").value == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr"))


def test_calibration_error_is_the_gap_by_bin_of_the_highest_probability():
    # 10 cells at 0.85 of which 6 right, 10 at 0.55 of which 6 right: gaps 0.25 and -0.05
    probabilities = np.array([[0.85, 0.15]] * 10 + [[0.55, 0.45]] * 10)
    truth = np.array([0] * 6 + [1] * 4 + [0] * 6 + [1] * 4)
    found = evaluate(truth, probabilities, ["a", "b"], n_bootstrap=100)
    assert found.figure("ece").value == pytest.approx(0.15)


def test_labels_and_positions_give_the_same_figures(judged):
    truth, probabilities, subjects = judged
    named = evaluate(np.array(["hem", "all"])[truth], probabilities, ["hem", "all"], subjects, n_bootstrap=100)
    assert named == evaluate(truth, probabilities, ["hem", "all"], subjects, n_bootstrap=100)


def test_every_subject_counts_the_same_with_subject_weights():
    truth, called = np.array([0] * 90 + [0] * 10 + [1] * 10), np.array([0] * 90 + [1] * 10 + [1] * 10)
    subjects = ["large"] * 90 + ["small"] * 10 + ["other"] * 10
    found = evaluate(truth, np.eye(2)[called], ["a", "b"], subjects, subject_weights(subjects), n_bootstrap=100)
    assert found.figure("recall", "a").value == pytest.approx(0.5)


def test_a_class_of_one_subject_gets_no_interval_and_says_so(judged):
    truth, probabilities, subjects = judged
    lonely = (truth == 0) | (subjects == "1")
    found = evaluate(truth[lonely], probabilities[lonely], ["a", "b"], subjects[lonely], n_bootstrap=100)
    assert not found.figure("f1_weighted").has_interval
    assert "one subject alone stands for class b" in found.notes[0]


def test_a_class_that_is_never_called_or_never_there_is_not_known_instead_of_zero():
    truth = [0, 0, 1, 1]
    probabilities = [[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.9, 0.05, 0.05]]
    found = evaluate(truth, probabilities, ["a", "b", "c"], n_bootstrap=100)
    assert found.figure("precision", "b").value is None
    assert found.figure("recall", "b").value == 0
    assert found.figure("recall", "c").value is None
    assert found.figure("balanced_accuracy").value == pytest.approx(0.5)
    assert "No cell of class c was judged." in found.notes


def test_a_figure_that_most_resamples_cannot_give_gets_no_interval():
    # one cell of one mixed subject is all that there is of class b: most resamples of subjects miss it
    truth = [0, 0, 0, 0, 0, 1]
    subjects = ["1", "2", "3", "4", "5", "5"]
    probabilities = np.tile([0.7, 0.3], (6, 1))
    subjects_of_a = evaluate(truth, probabilities, ["a", "b"], [*subjects[:4], "5", "5"], n_bootstrap=200)
    assert subjects_of_a.figure("recall", "b").value == 0
    assert not subjects_of_a.figure("recall", "b").has_interval
    assert subjects_of_a.figure("accuracy").has_interval


def test_unknown_subjects_and_images_are_told_apart(judged):
    truth, probabilities, subjects = judged
    unknown = evaluate(truth, probabilities, ["a", "b"], n_bootstrap=100)
    by_image = evaluate(truth, probabilities, ["a", "b"], subjects, protocol="by-image", n_bootstrap=100)
    assert (unknown.protocol, unknown.resampled, unknown.n_subjects) == ("subjects-unknown", "images", None)
    assert (by_image.protocol, by_image.resampled) == ("by-image", "subjects")
    assert unknown.caption.startswith("subjects unknown")
    with pytest.raises(InvalidParameter, match="only with `subjects`"):
        evaluate(truth, probabilities, ["a", "b"], protocol="by-subject")


def test_an_evaluation_survives_json(judged):
    truth, probabilities, subjects = judged
    found = evaluate(truth, probabilities, ["a", "b"], subjects, positive="b", n_bootstrap=100)
    assert Evaluation.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": [0, 2]}, "positions from 0 to 1"),
        ({"y_true": ["a", "c"]}, "Received: c"),
        ({"y_true": [0]}, "one value for each of 2 cells"),
        ({"probabilities": [[0.5, np.nan], [0.5, 0.5]]}, "between 0 and 1"),
        ({"classes": ["a", "a"]}, "each once"),
        ({"subjects": ["1", None]}, "some names and some None"),
        ({"weights": [1.0, -1.0]}, "at least 0"),
        ({"n_bootstrap": 10}, "at least 100"),
        ({"level": 1.5}, "between 0 and 1"),
        ({"positive": "c"}, "Received: positive='c'"),
        ({"protocol": "by-luck"}, "by-subject, by-image"),
    ],
)
def test_arguments_that_do_not_fit_are_named(change, message):
    arguments = {"y_true": [0, 1], "probabilities": [[0.9, 0.1], [0.2, 0.8]], "classes": ["a", "b"]} | change
    with pytest.raises(InvalidParameter, match=message):
        evaluate(**arguments)


def test_no_cells_are_no_evaluation():
    with pytest.raises(InvalidData, match="at least one"):
        evaluate([], np.zeros((0, 2)), ["a", "b"])
