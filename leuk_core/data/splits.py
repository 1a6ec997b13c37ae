"""Splits: which cells a model may learn from and which it is judged on, checked and repeatable."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from leuk_core.errors import InvalidData, InvalidParameter

TRIES = 200
PROPOSALS = 10
PAPER_SHARES = (0.75, 0.05, 0.20)

Labels = Sequence[str] | np.ndarray


class Protocol(StrEnum):
    """How cells were kept apart. Results of different protocols never share a ranking.

    Examples
    --------
    >>> Protocol("by-subject").words(aliases_known=False)
    'by given id'
    """

    BY_SUBJECT = "by-subject"
    BY_IMAGE = "by-image"
    SUBJECTS_UNKNOWN = "subjects-unknown"

    def words(self, *, aliases_known: bool = True) -> str:
        """Say the protocol to a person.

        Parameters
        ----------
        aliases_known : bool
            Whether ids of the same person were looked for and joined. Without it "by subject" would promise too much.
        """
        if self is Protocol.BY_SUBJECT:
            return "by subject" if aliases_known else "by given id"
        return "by image" if self is Protocol.BY_IMAGE else "subjects unknown, groups from duplicates only"


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the cells in each part; every cell is in exactly one."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def parts(self) -> Iterator[tuple[str, np.ndarray]]:
        """Give name and positions of each part."""
        yield "train", self.train
        yield "validation", self.validation
        yield "test", self.test


def group_folds(labels: Labels, groups: Labels, n_splits: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return folds that keep each group together and hold every class on both sides.

    Parameters
    ----------
    labels, groups : sequences of length n
        Class and group of each cell (see `leuk_core.data.groups.join`).
    n_splits : int
        Number of folds, at least 2.
    seed : int
        The same seed gives the same folds, another seed gives others where the groups allow it.

    Returns
    -------
    list of (train, test)
        Positions, sorted, int64. Each cell is in one test part.

    Raises
    ------
    InvalidParameter
        If lengths differ or `n_splits` is below 2.
    InvalidData
        If no such folds exist or none were found. The message says how many folds are possible.

    Notes
    -----
    scikit-learn's StratifiedGroupKFold can return, without a word, training folds that hold a single class; and where
    groups differ in size it ignores its seed. So it is shown a random part of each group's cells (30 to 100 %), which
    makes seeds matter; of the first ten proposals whose real folds hold every class, the best balanced is taken.
    """
    y, g = _checked(labels, groups, n_splits)
    most = possible_folds(y, g)
    if n_splits > most:
        raise InvalidData(_too_many_folds(y, g, n_splits, most))
    rng = np.random.default_rng(seed)
    valid: list[tuple[float, np.ndarray]] = []
    for _ in range(TRIES):
        fold_of_cell = _propose(y, g, n_splits, rng)
        if _every_class_on_both_sides(y, fold_of_cell, n_splits):
            valid.append((_imbalance(y, fold_of_cell, n_splits), fold_of_cell))
        if len(valid) == PROPOSALS:
            break
    if not valid:
        raise InvalidData(
            f"No {n_splits} folds by group hold every class in training and test, after {TRIES} tries: use fewer folds "
            f"or add subjects. Received groups by class: {_groups_by_class(y, g)}"
        )
    best = min(valid, key=lambda scored: scored[0])[1]
    return [(np.flatnonzero(best != fold), np.flatnonzero(best == fold)) for fold in range(n_splits)]


def image_folds(labels: Labels, n_splits: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return stratified folds by image, as in the paper: cells of one person may stand on both sides.

    Parameters
    ----------
    labels : sequence of length n
        Class of each cell.
    n_splits : int
        Number of folds, at least 2.
    seed : int
        The same seed gives the same folds.

    Returns
    -------
    list of (train, test)
        Positions, int64.

    Raises
    ------
    InvalidData
        If a class has fewer images than folds.
    """
    y, _ = _checked(labels, np.arange(len(labels)), n_splits)
    names, counts = np.unique(y, return_counts=True)
    if len(names) < 2 or counts.min() < n_splits:
        raise InvalidData(
            f"{n_splits} folds by image need two classes and {n_splits} images in each. "
            f"Received: {dict(zip(names.tolist(), counts.tolist(), strict=True))}"
        )
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))


def paper_split(labels: Labels, seed: int, groups: Labels | None = None) -> Split:
    """Split 75 % / 5 % / 20 % into training, validation and test, stratified by class (Haque et al. 2024, section 3).

    Parameters
    ----------
    labels : sequence of length n
        Class of each cell.
    seed : int
        The same seed gives the same split.
    groups : sequence of length n, optional
        Keep these together. Without them the split is by image, as in the paper. With them the shares are only as near
        to 75/5/20 as whole groups allow.

    Returns
    -------
    Split
        Every part holds every class.

    Raises
    ------
    InvalidData
        If a part would lack a class.
    """
    if groups is None:
        y, _ = _checked(labels, np.arange(len(labels)), 2)
        return _split_images(y, seed)
    y, g = _checked(labels, groups, 2)
    return _split_groups(y, g, seed)


def judged_only(
    parts: Sequence[tuple[np.ndarray, np.ndarray]], judged: np.ndarray, groups: Labels
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return folds in which some cells are never judged but learnt from wherever no cell of their group is judged.

    Parameters
    ----------
    parts : sequence of (train, test)
        Folds of all cells.
    judged : ndarray of shape (n,), bool
        Cells that may be judged.
    groups : sequence of length n
        Group of each cell.

    Raises
    ------
    InvalidData
        If a fold would judge no cell.
    """
    kept = [test[judged[test]] for _, test in parts]
    if not all(map(len, kept)):
        raise InvalidData(f"Each fold must judge a cell. Received: {int(judged.sum())} cells for {len(parts)} folds")
    return [(np.flatnonzero(~np.isin(groups, np.asarray(groups)[test])), test) for test in kept]


def possible_folds(labels: Labels, groups: Labels) -> int:
    """Return the largest number of folds in which each test part can hold every class (0 with a single class).

    Examples
    --------
    >>> possible_folds(["all", "all", "normal", "normal", "normal"], ["1", "2", "a", "a", "b"])
    2
    """
    by_class = _groups_by_class(np.asarray(labels), np.asarray(groups))
    return min(by_class.values()) if len(by_class) > 1 else 0


def _split_images(y: np.ndarray, seed: int) -> Split:
    rest_share = PAPER_SHARES[1] + PAPER_SHARES[2]
    everything = np.arange(len(y))
    try:
        train, rest = train_test_split(everything, test_size=rest_share, stratify=y, random_state=seed)
        validation, test = train_test_split(
            rest, test_size=PAPER_SHARES[2] / rest_share, stratify=y[rest], random_state=seed
        )
    except ValueError as error:
        raise InvalidData(f"Too few images for 75/5/20 with every class in each part. Received: {error}") from error
    split = Split(np.sort(train), np.sort(validation), np.sort(test))
    if not _every_class_in(y, split):
        raise InvalidData(
            "Too few images for 75/5/20 with every class in each part: about 20 a class are needed. "
            f"Received: {_groups_by_class(y, everything)}"
        )
    return split


def _split_groups(y: np.ndarray, g: np.ndarray, seed: int) -> Split:
    """Take the best of many random greedy allocations: largest groups first, each to the part that lacks most of it."""
    by_class = _groups_by_class(y, g)
    if possible_folds(y, g) < 3:
        raise InvalidData(f"75/5/20 by group needs two classes with three groups in each. Received: {by_class}")
    names, y_code = np.unique(y, return_inverse=True)
    _, g_code = np.unique(g, return_inverse=True)
    table = np.zeros((g_code.max() + 1, len(names)))
    np.add.at(table, (g_code, y_code), 1)
    table /= table.sum(axis=0)  # share of each class that a group holds
    shares = np.array(PAPER_SHARES)[:, None]
    rng = np.random.default_rng(seed)
    best: np.ndarray | None = None
    best_cost = np.inf
    for _ in range(TRIES):
        part = _allocate(table, shares, rng)
        held = np.stack([table[part == p].sum(axis=0) for p in range(3)])
        cost = float((((held - shares) ** 2) / shares).sum())
        if (held > 0).all() and cost < best_cost:
            best, best_cost = part, cost
    if best is None:
        raise InvalidData(f"No 75/5/20 split by group holds every class in each part. Received: {by_class}")
    part_of_cell = best[g_code]
    return Split(*(np.flatnonzero(part_of_cell == p) for p in range(3)))


def _allocate(table: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give each group (a row of class shares) a part, in a random order that favours large groups first."""
    order = np.argsort(-table.sum(axis=1) * rng.uniform(0.3, 1.0, len(table)))
    left = np.repeat(shares, table.shape[1], axis=1)
    part = np.empty(len(table), dtype=np.int64)
    for group in order:
        after = left - table[group]
        cost = [((np.where(np.arange(3)[:, None] == p, after, left) ** 2) / shares).sum() for p in range(3)]
        part[group] = int(np.argmin(cost))
        left[part[group]] -= table[group]
    return part


def _propose(y: np.ndarray, g: np.ndarray, n_splits: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each cell as StratifiedGroupKFold deals the groups, seen through a random part of each."""
    names, group = np.unique(g, return_inverse=True)
    shown = rng.random(len(y)) < rng.uniform(0.3, 1.0, len(names))[group]
    shown[np.unique(group, return_index=True)[1]] = True  # every group is dealt
    if np.unique(y[shown], return_counts=True)[1].max() < n_splits:  # a handful of cells
        shown[:] = True
    positions = np.flatnonzero(shown)
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=int(rng.integers(2**31)))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "least populated class": the real folds are checked
        for fold, (_, test) in enumerate(splitter.split(positions, y[positions], group[positions])):
            fold_of_group[group[positions[test]]] = fold
    return fold_of_group[group]


def _every_class_on_both_sides(y: np.ndarray, fold_of_cell: np.ndarray, n_splits: int) -> bool:
    classes = len(np.unique(y))
    return all(
        len(np.unique(y[fold_of_cell == fold])) == len(np.unique(y[fold_of_cell != fold])) == classes
        for fold in range(n_splits)
    )


def _imbalance(y: np.ndarray, fold_of_cell: np.ndarray, n_splits: int) -> float:
    """Sum of squared differences between each fold's share of each class and an even share."""
    shares = [np.bincount(fold_of_cell[y == name], minlength=n_splits) / (y == name).sum() for name in np.unique(y)]
    return float(((np.array(shares) - 1 / n_splits) ** 2).sum())


def _every_class_in(y: np.ndarray, split: Split) -> bool:
    classes = len(np.unique(y))
    return all(len(np.unique(y[part])) == classes for _, part in split.parts())


def _groups_by_class(y: np.ndarray, g: np.ndarray) -> dict[str, int]:
    return {str(name): len(np.unique(g[y == name])) for name in np.unique(y)}


def _too_many_folds(y: np.ndarray, g: np.ndarray, n_splits: int, most: int) -> str:
    by_class = ", ".join(f"{name} {count}" for name, count in _groups_by_class(y, g).items())
    if most < 2:
        return f"No folds by group are possible: each of at least two classes needs two groups. Received: {by_class}"
    return f"At most {most} folds by group are possible here (groups by class: {by_class}). Received: {n_splits}"


def _checked(labels: Labels, groups: Labels, n_splits: int) -> tuple[np.ndarray, np.ndarray]:
    if n_splits < 2:
        raise InvalidParameter(f"`n_splits` must be at least 2. Received: n_splits={n_splits}")
    if len(labels) != len(groups):
        raise InvalidParameter(
            f"`labels` and `groups` must have the same length. Received: {len(labels)} and {len(groups)}"
        )
    return np.asarray(labels), np.asarray(groups)
