"""The share of cells called positive, person by person."""

import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.subjects import share_called_by_subject


def test_each_person_has_a_row_with_an_exact_interval():
    subjects = ["H2"] * 10 + ["10"] * 20 + ["9"] * 20
    truth = ["hem"] * 10 + ["all"] * 40
    called = np.array([1] * 8 + [0] * 2 + [0] * 15 + [1] * 5 + [0] * 15 + [1] * 5)
    rows = share_called_by_subject(truth, np.eye(2)[called], ["all", "hem"], "all", subjects)
    assert [(row.subject, row.label, row.called, row.n) for row in rows] == [
        ("9", "all", 15, 20),
        ("10", "all", 15, 20),
        ("H2", "hem", 2, 10),
    ]
    assert [row.right for row in rows] == pytest.approx([0.75, 0.75, 0.8])
    assert (rows[2].share.low, rows[2].share.high) == pytest.approx((0.0252, 0.5561), abs=1e-4)


def test_subjects_must_be_known():
    with pytest.raises(InvalidParameter, match="subjects=None"):
        share_called_by_subject([0, 1], np.eye(2), ["a", "b"], "a", None)
    with pytest.raises(InvalidParameter, match="positive='c'"):
        share_called_by_subject([0, 1], np.eye(2), ["a", "b"], "c", ["1", "2"])
