"""Splits: groups never straddle, each part holds each class, the seed decides."""

import numpy as np
import pytest

from leuk_core.data.splits import Protocol, group_folds, image_folds, judged_only, paper_split, possible_folds
from leuk_core.errors import InvalidData, InvalidParameter

# The shape of C-NMC's two folds: 30 persons with ALL, 11 normal persons of very unequal size.
SIZES = {f"A{i}": 20 + 6 * i for i in range(30)} | {f"H{i}": size for i, size in enumerate((18, 18, 47, 69, 108, 405))}


def cells():
    labels = [("all" if group[0] == "A" else "hem") for group, size in SIZES.items() for _ in range(size)]
    groups = [group for group, size in SIZES.items() for _ in range(size)]
    return np.array(labels), np.array(groups)


@pytest.mark.parametrize("n_splits", [2, 5, 6])
def test_folds_keep_groups_together_and_hold_each_class(n_splits):
    labels, groups = cells()
    folds = group_folds(labels, groups, n_splits, seed=0)
    tested = np.concatenate([test for _, test in folds])
    assert sorted(tested) == list(range(len(labels)))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(labels[train]) == set(labels[test]) == {"all", "hem"}


def test_seed_decides():
    labels, groups = cells()
    first, again, other = (group_folds(labels, groups, 5, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(first, other, strict=True))


def test_cells_that_are_never_judged_are_learnt_from_unless_their_group_is_judged():
    labels = np.array(["a", "b"] * 20)
    groups = np.array([str(place // 2) for place in range(40)])
    judged = np.arange(40) % 4 < 1  # one cell of every other group
    folds = judged_only(group_folds(labels, groups, 2, seed=0), judged, groups)
    assert sorted(np.concatenate([test for _, test in folds])) == np.flatnonzero(judged).tolist()
    for train, test in folds:
        assert sorted(train) == np.flatnonzero(~np.isin(groups, groups[test])).tolist()
    with pytest.raises(InvalidData, match="Each fold must judge a cell"):
        judged_only(group_folds(labels, groups, 2, seed=0), np.arange(40) < 1, groups)


def test_a_class_of_two_persons_allows_two_folds_and_says_so():
    labels = ["all"] * 40 + ["hem"] * 10
    groups = [f"A{i // 4}" for i in range(40)] + ["H1"] * 9 + ["H2"]
    assert possible_folds(labels, groups) == 2
    assert len(group_folds(labels, groups, 2, seed=0)) == 2
    with pytest.raises(InvalidData, match="At most 2 folds by group are possible"):
        group_folds(labels, groups, 3, seed=0)


def test_folds_that_scikit_learn_would_return_with_one_class_are_not_returned():
    # One person carries both classes, so that some proposals leave a training side with a single class.
    labels = ["all"] * 6 + ["hem"] * 6
    groups = ["X"] * 5 + ["A"] + ["X"] * 5 + ["H"]
    for seed in range(20):
        try:
            folds = group_folds(labels, groups, 2, seed)
        except InvalidData as refused:
            assert "fewer folds or add subjects" in str(refused)  # noqa: PT017 - either outcome is honest
            continue
        for train, test in folds:
            assert len(set(np.array(labels)[train])) == len(set(np.array(labels)[test])) == 2


def test_three_persons_with_a_cell_of_each_class_are_three_folds():
    labels, persons = ["all", "hem"] * 3, list("aabbcc")
    for seed in range(20):
        assert [len(test) for _, test in group_folds(labels, persons, 3, seed)] == [2, 2, 2]


def test_a_class_with_one_person_is_refused():
    with pytest.raises(InvalidData, match="each of at least two classes needs two groups"):
        group_folds(["all", "all", "hem"], ["1", "2", "H1"], 2, seed=0)


def test_paper_split_by_image_has_its_shares_in_each_class():
    labels, _ = cells()
    split = paper_split(labels, seed=1)
    for name in ("all", "hem"):
        total = (labels == name).sum()
        for (_, part), share in zip(split.parts(), (0.75, 0.05, 0.20), strict=True):
            assert (labels[part] == name).sum() == pytest.approx(share * total, abs=2)


def test_paper_split_by_group_keeps_groups_together_near_its_shares():
    labels, groups = cells()
    split = paper_split(labels, seed=1, groups=groups)
    parts = [set(groups[part]) for _, part in split.parts()]
    assert sum(len(part) for part in parts) == len(set(groups))
    assert sum(len(part) for _, part in split.parts()) == len(labels)
    for _, part in split.parts():
        assert set(labels[part]) == {"all", "hem"}
    all_cells = labels == "all"
    shares = [all_cells[part].sum() / all_cells.sum() for _, part in split.parts()]
    assert shares == pytest.approx([0.75, 0.05, 0.20], abs=0.02)
    again = paper_split(labels, seed=1, groups=groups)
    assert np.array_equal(split.test, again.test)


def test_too_few_for_the_papers_split_is_said():
    with pytest.raises(InvalidData, match="Too few images"):
        paper_split(["all"] * 5 + ["hem"] * 5, seed=0)
    with pytest.raises(InvalidData, match="three groups in each"):
        paper_split(["all"] * 5 + ["hem"] * 5, seed=0, groups=["1"] * 5 + ["2"] * 5)


def test_image_folds_need_images():
    assert len(image_folds(["all"] * 5 + ["hem"] * 5, 5, seed=0)) == 5
    with pytest.raises(InvalidData, match="3 folds by image"):
        image_folds(["all"] * 5 + ["hem"] * 2, 3, seed=0)
    with pytest.raises(InvalidParameter, match="Received: n_splits=1"):
        image_folds(["all", "hem"], 1, seed=0)


def test_protocol_names_are_fixed():
    assert [str(p) for p in Protocol] == ["by-subject", "by-image", "subjects-unknown"]
    assert Protocol.BY_SUBJECT.words() == "by subject"
