"""Impossible tables are refused, possible ones never; the paper's numbers are those that it prints."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.paper import TABLE_1, TABLE_2, TABLE_3, impossible, reported
from leuk_core.evaluation.plausibility import ImpossibleTable, check_table, excess_in_units, impossible_rows


@pytest.mark.parametrize("average", ["weighted", "macro", None])
@pytest.mark.parametrize("digits", [1, 2, 4])
def test_what_a_classifier_did_produce_is_never_refused(average, digits):
    rng = np.random.default_rng(digits)
    for _ in range(150):
        truth = rng.integers(3, size=40)
        called = np.where(rng.random(40) < rng.random(), truth, rng.integers(3, size=40))
        p, r, f, _ = precision_recall_fscore_support(truth, called, average=average, zero_division=0, labels=[0, 1, 2])
        check_table(*(np.round(value, digits) for value in (p, r, f)), digits)


def test_half_a_unit_is_rounding_and_more_is_not():
    check_table([0.84], [0.85], [0.85], digits=2)
    with pytest.raises(ImpossibleTable, match=r"row 2: F1 0\.86, precision 0\.84, recall 0\.85") as caught:
        check_table([0.84, 0.84], [0.85, 0.85], [0.84, 0.86], digits=2)
    assert caught.value.rows == (1,)
    assert isinstance(caught.value, InvalidData)


def test_the_excess_is_exact_where_floats_are_not():
    assert 88.23 - (88.34 + 88.11) / 2 > 0.005  # by a rounding of floats
    assert [str(units) for units in excess_in_units([88.34], [88.11], [88.23], digits=2)] == ["0.5"]
    assert impossible_rows([88.34], [88.11], [88.23], digits=2) == []


def test_the_papers_impossible_rows():
    assert [(row.table, row.model) for row in impossible()] == [
        (1, "mlp"),
        (1, "svm"),
        (1, "retinanet"),
        (2, "mlp"),
        (2, "knn"),
        (2, "svm"),
        (2, "sgd"),
        (2, "inception-resnet"),
        (2, "xception"),
        (2, "centernet"),
    ]


def test_the_papers_tables_are_complete():
    for table in (TABLE_1, TABLE_2):
        assert len({row.model for row in table}) == len(table) == 10
        assert sum(row.technique == "ML" for row in table) == 5
    # what the paper's text says of its tables
    assert (max(row.accuracy for row in TABLE_1), min(row.accuracy for row in TABLE_1)) == (96.89, 85.36)
    assert (max(row.accuracy for row in TABLE_2), min(row.accuracy for row in TABLE_2)) == (95.79, 84.21)
    best = [reported(task, "inception-resnet") for task in ("all-vs-normal", "leukemia-subtypes")]
    assert [row.f1 for row in best] == [96.07, 95.89]
    assert (best[0].precision, best[0].recall) == (96.43, 96.61)
    assert TABLE_3[-1].accuracy == best[1].accuracy
    assert reported("wbc-types", "svm") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.9], [0.9, 0.8], [0.9], 2), "one value a row"),
        (([0.9], [0.9], [np.nan], 2), "0 or more"),
        (([0.9], [0.9], [0.9], -1), "digits=-1"),
    ],
)
def test_columns_that_do_not_fit_are_named(arguments, message):
    with pytest.raises(InvalidParameter, match=message):
        check_table(*arguments)
