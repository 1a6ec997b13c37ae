"""Groups: cells that must never be split apart, because they show the same person or the same cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from leuk_core.errors import InvalidParameter

if TYPE_CHECKING:
    from leuk_core.data.cells import LabelledCell


def join(
    subjects: Sequence[str | None],
    alias_groups: Iterable[Sequence[str]] = (),
    duplicate_pairs: Iterable[tuple[int, int]] = (),
) -> np.ndarray:
    """Return the group of each cell: given subjects, joined by aliases and by pictures of the same cell.

    Parameters
    ----------
    subjects : sequence of str or None, one a cell
        Subject as written; None where it is not known (such a cell is a group of its own until something joins it).
    alias_groups : iterable of sequences of str
        Subject ids that are the same person; pairs or longer lists. Chains are followed: (a, b) and (b, c) join a to c.
        Ids that no cell carries are ignored, so that the aliases of a whole set fit each part of it.
    duplicate_pairs : iterable of (int, int)
        Positions of cells that show the same cell.

    Returns
    -------
    ndarray of str, one a cell
        Readable group names: the joined ids in natural order with "+" between, such as "H10+H14"; "cell-17" for a cell
        without a subject. Equal names mean the same group, whatever else is in the call.

    Raises
    ------
    InvalidParameter
        If a duplicate pair points outside `subjects`.

    Examples
    --------
    >>> join(["2", "10", "7", None], [("10", "2")]).tolist()
    ['2+10', '2+10', '7', 'cell-3']
    >>> join([None, None, None], duplicate_pairs=[(2, 0)]).tolist()
    ['cell-0', 'cell-1', 'cell-0']
    """
    n = len(subjects)
    known = sorted({subject for subject in subjects if subject is not None}, key=natural_key)
    node = {subject: n + position for position, subject in enumerate(known)}
    edges = [(cell, node[subject]) for cell, subject in enumerate(subjects) if subject is not None]
    for group in alias_groups:
        present = [node[subject] for subject in group if subject in node]
        # An id absent from this part may still link two that are present, so the whole list is one link.
        edges += pairwise(present)
    for first, second in duplicate_pairs:
        if not (0 <= first < n and 0 <= second < n):
            raise InvalidParameter(
                f"`duplicate_pairs` must hold positions from 0 to {n - 1}. Received: {(first, second)}"
            )
        edges.append((first, second))
    component = _components(n + len(known), edges)
    names: dict[int, list[str]] = {}
    for subject, position in node.items():
        names.setdefault(int(component[position]), []).append(subject)
    for cell in range(n):
        if subjects[cell] is None and int(component[cell]) not in names:
            names[int(component[cell])] = [f"cell-{cell}"]
    return np.array(["+".join(names[int(c)]) for c in component[:n]], dtype=str)


def join_by_report(report: Mapping[str, Any], cells: Sequence[LabelledCell]) -> np.ndarray:
    """Return the group of each cell: its person, joined by what an audit's report (as JSON holds it) found.

    Parameters
    ----------
    report : mapping
        With "alias_groups", "exact_duplicates" and "near_duplicates", pairs included.
    cells : sequence of LabelledCell
        The audited set or a part of it.
    """
    place = {cell.name: index for index, cell in enumerate(cells)}
    pairs = [*report["exact_duplicates"], *report["near_duplicates"]]
    duplicates = [
        (place[pair["first"]], place[pair["second"]])
        for pair in pairs
        if pair.get("first") in place and pair.get("second") in place
    ]
    aliases = [list(map(str, group)) for group in report["alias_groups"]]
    return join([cell.subject for cell in cells], aliases, duplicates)


def alias_groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of ids that the pairs join, each sorted naturally, pairs of equal ids ignored.

    Examples
    --------
    >>> alias_groups([("H10", "H2"), ("3", "4"), ("H2", "H7"), ("5", "5")])
    [['3', '4'], ['H2', 'H7', 'H10']]
    """
    linked = [(a, b) for a, b in pairs if a != b]
    ids = sorted({subject for pair in linked for subject in pair}, key=natural_key)
    node = {subject: position for position, subject in enumerate(ids)}
    component = _components(len(ids), [(node[a], node[b]) for a, b in linked])
    groups: dict[int, list[str]] = {}
    for subject in ids:
        groups.setdefault(int(component[node[subject]]), []).append(subject)
    return list(groups.values())


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts "H2" before "H10".

    Examples
    --------
    >>> sorted(["H10", "H2", "10", "9"], key=natural_key)
    ['9', '10', 'H2', 'H10']
    """
    parts: list[tuple[int, int, str]] = []
    run = ""
    for character in text:
        if run and character.isdecimal() != run[-1].isdecimal():
            parts.append(_key_part(run))
            run = ""
        run += character
    if run:
        parts.append(_key_part(run))
    return tuple(parts)


def _key_part(run: str) -> tuple[int, int, str]:
    return (0, int(run), run) if run[0].isdecimal() else (1, 0, run)


def _components(n: int, edges: Iterable[tuple[int, int]]) -> np.ndarray:
    """Label the connected components of `n` nodes; labels follow the order of the nodes."""
    ends = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]
