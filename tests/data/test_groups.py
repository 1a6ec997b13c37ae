"""Groups: aliases and duplicates join what must stay together, and nothing else."""

import pytest

from leuk_core.data.groups import alias_groups, join
from leuk_core.errors import InvalidParameter


def test_chain_of_aliases_is_one_person_and_others_stay_apart():
    groups = join(["a", "b", "c", "d"], [("a", "b"), ("c", "b")])
    assert groups[0] == groups[1] == groups[2] == "a+b+c"
    assert groups[3] == "d"


def test_alias_through_an_id_absent_from_this_part_still_joins():
    assert len(set(join(["a", "c"], [["a", "b", "c"]]))) == 1


def test_duplicates_join_cells_of_unknown_and_of_different_subjects():
    groups = join(["a", "b", None, None], duplicate_pairs=[(0, 2), (1, 2)])
    assert len(set(groups[:3])) == 1
    assert groups[3] == "cell-3"


def test_unknown_subjects_are_not_one_person():
    assert len(set(join([None, None, None]))) == 3


def test_pair_outside_the_set_is_refused():
    with pytest.raises(InvalidParameter, match=r"from 0 to 1. Received: \(0, 2\)"):
        join(["a", "b"], duplicate_pairs=[(0, 2)])


def test_alias_groups_are_sorted_as_a_person_would():
    assert alias_groups([("H22", "H3"), ("10", "9")]) == [["9", "10"], ["H3", "H22"]]
