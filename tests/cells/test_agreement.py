"""Found boxes against drawn ones: counted as a person would count them, with exact intervals."""

import numpy as np
import pytest

from leuk_core.cells.agreement import agreement

CELL, OTHER = [0, 0, 10, 10], [100, 0, 110, 10]


def test_one_drawn_cell_makes_one_found_box_right_at_most():
    found = agreement([(np.array([CELL]), np.array([CELL, [1, 0, 11, 10], [0, 1, 10, 11]]))])
    assert (found.cells, found.found, found.right, found.whole) == (1, 3, 1, 0)


@pytest.mark.parametrize(("shift", "right"), [(3, 1), (4, 0)])  # IoU 7 / 13 and 6 / 14
def test_half_of_the_union_must_be_shared(shift, right):
    assert agreement([(np.array([CELL]), np.array([[shift, 0, 10 + shift, 10]]))]).right == right


def test_fields_without_cells_and_without_boxes_count():
    nothing = np.zeros((0, 4))
    found = agreement([(nothing, nothing), (np.array([CELL, OTHER]), nothing), (nothing, np.array([OTHER]))])
    assert (found.images, found.whole, found.cells, found.found, found.right) == (3, 1, 2, 1, 0)
    assert found.recall.value == 0
    assert found.recall.high == pytest.approx(0.8419, abs=1e-4)  # Clopper and Pearson, 0 of 2


def test_precision_is_left_out_where_the_drawn_boxes_are_not_complete():
    found = agreement([(np.array([CELL]), np.array([CELL]))])
    assert "precision" in found.words()
    assert "precision" not in found.words(precision=False)
    assert "precision" not in found.to_dict(precision=False)
    assert found.to_dict(precision=False)["found"] == 1  # so that a detector that boxes everything is seen
    assert "1 boxes found" in found.words(precision=False)
