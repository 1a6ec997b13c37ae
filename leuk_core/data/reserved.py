"""Reserved subjects: persons of an imported set that no version learns from, kept to compare versions on.

data/sets/<id>/reserved.json   who is reserved, fixed when the set is first examined
data/sets/subjects.json        the side of every subject that was ever imported, which it keeps
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.groups import natural_key
from leuk_core.settings import settings
from leuk_core.training.run import write_json

LEAST = 5
"""Subjects of each class that a comparison needs, and as many must be left to learn from."""

SHARE = 0.2
"""Share of the subjects of each class that is reserved where that is more than `LEAST`."""

NOT_ENOUGH = "not enough patients to compare"
RESERVED, LEARNT = "reserved", "learnt"


@dataclass(frozen=True, slots=True)
class Reserved:
    """Who of a set is kept apart.

    Parameters
    ----------
    subjects : tuple of str
        Reserved ids: compared on, never learnt from.
    aside : tuple of str
        Ids that are neither compared on nor learnt from: the same person was once reserved and once learnt.
    by_class : dict of str to int
        Reserved persons of each class.
    enough : bool
        Whether each class has enough of them for a comparison.
    sentence : str
        The same for people.
    seed : int
        Of the draw.
    """

    subjects: tuple[str, ...]
    aside: tuple[str, ...]
    by_class: dict[str, int]
    enough: bool
    sentence: str
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON wants it."""
        return asdict(self) | {"subjects": list(self.subjects), "aside": list(self.aside)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Reserved:
        """Read what `to_dict` gave."""
        return cls(**{**facts, "subjects": tuple(facts["subjects"]), "aside": tuple(facts["aside"])})

    def sides(self, subjects: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Return positions of the cells to learn from and of the reserved ones, by the subject of each cell."""
        reserved, aside = set(self.subjects), set(self.aside)
        kept = np.array([subject in reserved for subject in subjects], bool)
        out = np.array([subject in aside for subject in subjects], bool)
        return np.flatnonzero(~kept & ~out), np.flatnonzero(kept)


def draw(
    subjects: Sequence[str | None],
    labels: Sequence[str],
    groups: Sequence[str] | np.ndarray,
    known: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Reserved:
    """Choose who is reserved: whole persons, `LEAST` of each class or a fifth, and as many left to learn from.

    Parameters
    ----------
    subjects, labels, groups : sequences of length n
        Subject (None where unknown), class, and group (joined ids, see `leuk_core.data.groups.join`) of each cell.
    known : mapping of str to str
        Side ("reserved" or "learnt") of subjects that were imported earlier; they keep it.
    seed : int
        The same seed gives the same persons.

    Examples
    --------
    >>> ids = [f"{label}{number}" for label in ("all", "hem") for number in range(10)]
    >>> found = draw(ids, [name[:3] for name in ids], ids)
    >>> len(found.subjects), found.by_class, found.enough
    (10, {'all': 5, 'hem': 5}, True)
    >>> draw(ids[:19], [name[:3] for name in ids[:19]], ids[:19]).sentence
    'not enough patients to compare: class hem has 9, and 10 are needed, 5 to compare on and 5 to learn from'
    """
    classes = sorted(set(labels), key=natural_key)
    if any(subject is None for subject in subjects):
        return Reserved((), (), dict.fromkeys(classes, 0), False, f"{NOT_ENOUGH}: the set does not name them", seed)
    persons = _persons(subjects, labels, groups)
    before = {name: {(known or {})[one] for one in ids if one in (known or {})} for name, (ids, _) in persons.items()}
    kept = [name for name in persons if before[name] == {RESERVED}]
    count = {label: sum(label in held for _, held in persons.values()) for label in classes}
    wanted = {label: max(LEAST, round(SHARE * count[label])) for label in classes}
    both = [name for name in persons if len(before[name]) > 1]
    left = [name for name in persons if name not in kept and name not in both]
    have = {label: sum(label in persons[name][1] for name in kept) for label in classes}
    learnt = {label: sum(label in persons[name][1] for name in left) for label in classes}
    free = sorted((name for name in persons if not before[name]), key=natural_key)
    drawn = []
    for name in np.random.default_rng(seed).permutation(np.array(free, dtype=object)).tolist():
        held = persons[name][1]
        if any(have[label] < wanted[label] for label in held) and all(learnt[label] > LEAST for label in held):
            drawn.append(name)
            for label in held:
                have[label], learnt[label] = have[label] + 1, learnt[label] - 1
    enough = all(have[label] >= LEAST for label in classes)
    chosen = [*kept, *drawn] if enough else kept
    by_class = {label: sum(label in persons[name][1] for name in chosen) for label in classes}
    return Reserved(
        _ids(persons[name][0] for name in chosen),
        _ids(persons[name][0] for name in both),
        by_class,
        enough,
        _sentence(by_class) if enough else _lacking(count, have),
        seed,
    )


def known_sides() -> dict[str, str]:
    """Return the side of every subject that was ever imported."""
    try:
        found: dict[str, str] = json.loads(_register().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def remember(reserved: Reserved, subjects: Iterable[str | None]) -> None:
    """Write down the side of each subject of a set; one that has a side keeps it."""
    kept = set(reserved.subjects)
    new = {
        one: RESERVED if one in kept else LEARNT for one in subjects if one is not None and one not in reserved.aside
    }
    write_json(_register(), new | known_sides())


def _register() -> Path:
    return settings().data_dir / "sets" / "subjects.json"


def _persons(
    subjects: Sequence[str | None], labels: Sequence[str], groups: Sequence[str] | np.ndarray
) -> dict[str, tuple[set[str], set[str]]]:
    """Return ids and classes of each group."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for subject, label, group in zip(subjects, labels, groups, strict=True):
        ids, held = found.setdefault(str(group), (set(), set()))
        ids.add(str(subject))
        held.add(label)
    return found


def _ids(sets: Iterable[set[str]]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*sets), key=natural_key))


def _sentence(by_class: Mapping[str, int]) -> str:
    counts = ", ".join(f"{label} {count}" for label, count in by_class.items())
    return f"kept apart to compare versions on, in persons: {counts}"


def _lacking(count: Mapping[str, int], have: Mapping[str, int]) -> str:
    few = [label for label in count if count[label] < 2 * LEAST]
    if few:
        counts = ", ".join(f"class {label} has {count[label]}" for label in few)
        return f"{NOT_ENOUGH}: {counts}, and {2 * LEAST} are needed, {LEAST} to compare on and {LEAST} to learn from"
    short = ", ".join(f"{label} {have[label]}" for label in have if have[label] < LEAST)
    return f"{NOT_ENOUGH}: most were learnt from in an earlier import, and of those left too few are of class {short}"
