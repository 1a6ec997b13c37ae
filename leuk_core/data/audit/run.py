"""The audit itself: look at every picture once, then draw each conclusion."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from joblib import Parallel, delayed

from leuk_core.data.audit.augmentation import signs_of_augmentation
from leuk_core.data.audit.balance import weigh
from leuk_core.data.audit.duplicates import (
    ACROSS_SUBJECTS_ALIKE,
    MOST_PAIRS,
    Match,
    exact_matches,
    near_matches,
)
from leuk_core.data.audit.look import Look, look_at
from leuk_core.data.audit.report import AuditReport, Pair, side
from leuk_core.data.audit.shortcuts import find_shortcuts
from leuk_core.data.cells import UNREADABLE, LabelledCell, LabelledCells, Problem, Progress
from leuk_core.data.groups import alias_groups, join, natural_key
from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData, LeukError

_BATCH = 32


def audit(cells: LabelledCells, progress: Progress | None = None, *, jobs: int = 2, seed: int = 0) -> AuditReport:
    """Examine a set of labelled cells before anything is learnt from it.

    Parameters
    ----------
    cells : LabelledCells
        The set, from `leuk_core.data.layouts.open_cells`.
    progress : callable, optional
        Called as `progress(done, total, what)`.
    jobs : int
        Processes that look at pictures; 1 stays in this one.
    seed : int
        Of the folds and intervals of the shortcut check.

    Returns
    -------
    AuditReport

    Raises
    ------
    InvalidData
        If fewer than two pictures can be decoded.
    """
    say: Progress = progress if progress is not None else (lambda _done, _total, _what: None)
    cells, looks, unreadable = _look_at_all(cells, say, jobs)
    exact = exact_matches(looks)
    near, unexamined = near_matches(looks, say, jobs)
    near = [match for match in near if _believable(match, cells, looks)]
    pairs = [Pair(cells[match.first], cells[match.second], match) for match in exact + near]
    # A cell under two labels is a fault in the labels first: it makes no one person of two ids of different classes.
    aliases = alias_groups(
        (pair.first.subject, pair.second.subject)
        for pair in pairs
        if pair.first.subject is not None and pair.second.subject is not None and "class" not in pair.across
    )
    groups = join(cells.subjects, aliases, [(match.first, match.second) for match in exact + near])
    protocol = Protocol.BY_SUBJECT if cells.subjects_known else Protocol.SUBJECTS_UNKNOWN
    say(0, 1, "looking for shortcuts")
    shortcuts = find_shortcuts(looks, cells.labels, groups, protocol, seed)
    say(1, 1, "looking for shortcuts")
    notes = list(cells.notes)
    if unexamined:
        notes.append(
            f"the {MOST_PAIRS} likeliest pairs were laid upon each other, {unexamined} less likely ones were not"
        )
    return AuditReport(
        name=cells.name,
        layout=cells.layout,
        n=len(cells),
        notes=tuple(notes),
        protocol=protocol,
        exact_duplicates=tuple(pairs[: len(exact)]),
        near_duplicates=tuple(pairs[len(exact) :]),
        label_conflicts=tuple(pair for pair in pairs if "class" in pair.across),
        alias_groups=tuple(tuple(group) for group in aliases),
        subjects_on_both_sides=_on_both_sides(cells, aliases),
        has_splits=any(side(cell) is not None for cell in cells),
        shortcuts=tuple(shortcuts),
        balance=weigh(cells.labels, groups, subjects_known=cells.subjects_known),
        augmentation=signs_of_augmentation([cell.name for cell in cells], looks, near),
        unreadable=tuple(unreadable),
        seed=seed,
    )


def _look_at_all(
    cells: LabelledCells, progress: Progress, jobs: int
) -> tuple[LabelledCells, list[Look], list[Problem]]:
    """Look at every picture; return the cells that could be decoded, what was seen, and what could not."""
    batches = [cells[start : start + _BATCH] for start in range(0, len(cells), _BATCH)]
    if len(batches) <= 5:  # not worth starting processes
        jobs = 1
    run = Parallel(n_jobs=jobs, return_as="generator")
    seen: list[Look | Problem] = []
    for batch in run(delayed(_look_at_batch)(list(batch), alone=jobs > 1) for batch in batches):
        seen += batch
        progress(len(seen), len(cells), "looking at pictures")
    kept = [position for position, one in enumerate(seen) if isinstance(one, Look)]
    looks = [one for one in seen if isinstance(one, Look)]
    unreadable = [one for one in seen if isinstance(one, Problem)]
    if len(looks) < 2:
        reason = f" (first: {unreadable[0].where}: {unreadable[0].received})" if unreadable else ""
        raise InvalidData(f"An audit needs at least 2 pictures that can be decoded. Received: {len(looks)}{reason}")
    return cells.select(kept), looks, unreadable


def _look_at_batch(cells: Sequence[LabelledCell], *, alone: bool) -> list[Look | Problem]:
    if alone:  # a process of its own among others: one thread is its share
        cv2.setNumThreads(1)
    seen: list[Look | Problem] = []
    for cell in cells:
        try:
            seen.append(look_at(cell))
        except LeukError as error:
            seen.append(Problem(cell.name, UNREADABLE, str(error)))
    return seen


def _believable(match: Match, cells: LabelledCells, looks: Sequence[Look]) -> bool:
    """Tell whether a match is sure enough for what would follow from it."""
    first, second = cells[match.first].subject, cells[match.second].subject
    joins = first is not None and second is not None and first != second
    return match.score >= ACROSS_SUBJECTS_ALIKE or not (joins and looks[match.first].on_black)


def _on_both_sides(cells: LabelledCells, aliases: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the persons (joined ids) with cells in more than one split or fold."""
    persons = join(cells.subjects, aliases)
    sides: dict[str, set[str]] = {}
    for cell, person in zip(cells, np.asarray(persons).tolist(), strict=True):
        where = side(cell)
        if where is not None and cell.subject is not None:
            sides.setdefault(person, set()).add(where)
    return tuple(sorted((person for person, found in sides.items() if len(found) > 1), key=natural_key))
