"""Pictures without a cell: of every kind, repeatable, half of them cut out on black."""

import numpy as np

from leuk_core.evaluation.noncells import KINDS, non_cells
from leuk_core.preprocessing.cutout import is_on_black


def test_every_kind_is_drawn_and_half_of_it_cut_out_on_black():
    drawn = list(non_cells(each=4, side=120, seed=3))
    assert [kind for kind, _ in drawn] == [kind for kind in KINDS for _ in range(4)]
    assert all(is_on_black(picture) for _, picture in drawn[1::2])
    again = list(non_cells(each=4, side=120, seed=3))
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(drawn, again, strict=True))
