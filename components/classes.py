"""How counts and shares of many classes are told: up to three classes each by name, of more only what counts."""

from __future__ import annotations

from collections.abc import Sequence

from leuk_core.registry import Task

FEW = 3
"""Classes up to which each is named, also where its count is 0."""

UNDECIDED = "undecided"


def are_many(task: Task) -> bool:
    """Return whether a task has too many classes to name each of them everywhere."""
    return len(task.classes) > FEW


def tally(counts: Sequence[tuple[str, int]]) -> str:
    """Return counts by name as one phrase; of many classes those that were met.

    Parameters
    ----------
    counts : sequence of (str, int)
        Short names in the order of the task's classes, perhaps with "undecided" at the end.

    Examples
    --------
    >>> tally([("ALL", 4), ("normal", 0), ("undecided", 1)])
    '4 ALL, 0 normal, 1 undecided'
    >>> tally([("monocyte", 4), ("basophil", 0), ("platelet", 0), ("neutrophil", 1), ("undecided", 0)])
    '4 monocyte, 1 neutrophil'
    """
    few = sum(name != UNDECIDED for name, _ in counts) <= FEW
    named = [f"{count} {name}" for name, count in counts if count or few]
    return ", ".join(named)


def part_kind(place: int, counts: Sequence[tuple[str, int]]) -> int:
    """Return how a part of the bar of agreement looks: 0 dark, 1 pale, 2 dashed.

    Parameters
    ----------
    place : int
        The part's place in `counts`.
    counts : sequence of (str, int)
        As in `tally`. Of few classes the first is dark, of many the one that most models give.
    """
    name, _ = counts[place]
    if name == UNDECIDED:
        return 2
    classes = [count for other, count in counts if other != UNDECIDED]
    return int(place != (0 if len(classes) <= FEW else classes.index(max(classes))))
