"""Report of an audit: what was found, and a verdict for each check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.data.audit.augmentation import Augmentation
from leuk_core.data.audit.balance import Balance
from leuk_core.data.audit.duplicates import Match
from leuk_core.data.audit.shortcuts import Shortcut
from leuk_core.data.audit.verdict import Grade, Verdict, worst
from leuk_core.data.cells import LabelledCell, LabelledCells, Problem
from leuk_core.data.groups import join
from leuk_core.data.splits import Protocol

_MANY = 0.05
"""Share of pictures with a double from which doubles are graded red."""


@dataclass(frozen=True)
class Pair:
    """Two pictures of the same cell, with what the set says about each."""

    first: LabelledCell
    second: LabelledCell
    match: Match

    @property
    def exact(self) -> bool:
        """Whether their pixels are equal."""
        return self.match.score == 1.0

    @property
    def across(self) -> tuple[str, ...]:
        """Return what differs between the two: "subject", "class", "split"."""
        a, b = self.first, self.second
        differs = []
        if a.subject is not None and b.subject is not None and a.subject != b.subject:
            differs.append("subject")
        if a.label != b.label:
            differs.append("class")
        if side(a) is not None and side(b) is not None and side(a) != side(b):
            differs.append("split")
        return tuple(differs)

    @property
    def how(self) -> str:
        """Say how the second differs from the first."""
        if self.exact:
            return "identical pixels"
        match, parts = self.match, []
        if match.mirrored:
            parts.append("mirrored")
        if abs(match.turned) > 8:
            parts.append(f"turned by {match.turned:.0f}°")
        if not 0.92 < match.zoomed < 1.09:
            parts.append(f"zoomed {match.zoomed:.2f} times")
        if not 0.9 < match.brighter < 1.11:
            parts.append(f"{match.brighter:.2f} times as bright")
        return ", ".join(parts) or "same position, other pixels (focus, light or encoding)"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON wants it."""
        return {
            "first": self.first.name,
            "second": self.second.name,
            "labels": [self.first.label, self.second.label],
            "subjects": [self.first.subject, self.second.subject],
            "splits": [side(self.first), side(self.second)],
            "across": list(self.across),
            "score": self.match.score,
            "how": self.how,
            "altered": self.match.altered,
        }


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Parameters
    ----------
    name, layout : str
        The set and how it was read.
    n : int
        Pictures that could be looked at.
    notes : tuple of str
        What was noticed while reading, and what the audit left out.
    protocol : Protocol
        "by-subject", or "subjects-unknown" with groups from duplicates only.
    exact_duplicates, near_duplicates, label_conflicts : tuple of Pair
        Pictures of the same cell; conflicts are those under two labels, and are among the others too.
    alias_groups : tuple of tuple of str
        Subject ids that share cells and are therefore the same person.
    subjects_on_both_sides : tuple of str
        Persons (joined ids) with cells in more than one split (or fold) that the set gives.
    has_splits : bool
        Whether the set gives splits or folds.
    shortcuts : tuple of Shortcut
        How well traits that are not morphology tell the classes apart.
    balance, augmentation : Balance, Augmentation
        See there.
    unreadable : tuple of Problem
        Pictures that could not be decoded; they are left out of everything else.
    seed : int
        Of folds and intervals.
    """

    name: str
    layout: str
    n: int
    notes: tuple[str, ...]
    protocol: Protocol
    exact_duplicates: tuple[Pair, ...]
    near_duplicates: tuple[Pair, ...]
    label_conflicts: tuple[Pair, ...]
    alias_groups: tuple[tuple[str, ...], ...]
    subjects_on_both_sides: tuple[str, ...]
    has_splits: bool
    shortcuts: tuple[Shortcut, ...]
    balance: Balance
    augmentation: Augmentation
    unreadable: tuple[Problem, ...] = field(default=())
    seed: int = 0

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair of pictures of the same cell."""
        return self.exact_duplicates + self.near_duplicates

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Return a verdict for each check, by the name of what it is about."""
        found = {
            "duplicates": self._duplicates(),
            "alias_groups": self._aliases(),
            "label_conflicts": self._conflicts(),
            "splits": self._splits(),
            "shortcuts": self._shortcuts(),
            "balance": self.balance.verdict(),
            "augmentation": self.augmentation.verdict(),
        }
        if self.unreadable:
            text = f"{len(self.unreadable)} pictures could not be decoded and were left out of everything else."
            found = {"files": Verdict(Grade.RED, text), **found}
        return found

    def groups(self, cells: LabelledCells) -> np.ndarray:
        """Return the group of each cell: subjects joined by aliases, cells joined by duplicates (`groups.join`).

        Parameters
        ----------
        cells : LabelledCells
            The audited set or a part of it.
        """
        return join(cells.subjects, self.alias_groups, pair_positions(self.pairs, cells))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON wants it."""
        return {
            "research_only": RESEARCH_ONLY,
            "program": __version__,
            "name": self.name,
            "layout": self.layout,
            "n": self.n,
            "notes": list(self.notes),
            "protocol": self.protocol.value,
            "seed": self.seed,
            "exact_duplicates": [pair.to_dict() for pair in self.exact_duplicates],
            "near_duplicates": [pair.to_dict() for pair in self.near_duplicates],
            "alias_groups": [list(group) for group in self.alias_groups],
            "label_conflicts": [pair.to_dict() for pair in self.label_conflicts],
            "subjects_on_both_sides": list(self.subjects_on_both_sides),
            "shortcuts": [shortcut.to_dict() for shortcut in self.shortcuts],
            "balance": self.balance.to_dict(),
            "augmentation": self.augmentation.to_dict(),
            "unreadable": [problem.to_dict() for problem in self.unreadable],
            "verdicts": {name: verdict.to_dict() for name, verdict in self.verdicts.items()},
        }

    def _duplicates(self) -> Verdict:
        if not self.pairs:
            return Verdict(Grade.GREEN, "No cell was found on two pictures.")
        pictures = len({cell.name for pair in self.pairs for cell in (pair.first, pair.second)})
        across = {what: sum(what in pair.across for pair in self.pairs) for what in ("subject", "class", "split")}
        words = ", ".join(
            f"{count} across {what}"
            for what, count in zip(("subjects", "classes", "splits or folds"), across.values(), strict=True)
        )
        red = pictures > _MANY * self.n or any(across.values())
        return Verdict(
            Grade.RED if red else Grade.AMBER,
            f"{pictures} of {self.n} pictures ({pictures / self.n:.1%}) show a cell that another picture shows too: "
            f"pairs with equal pixels {len(self.exact_duplicates)}, near ones {len(self.near_duplicates)}; {words}. "
            "A split by image would test on cells that were learnt: split by the groups of this audit.",
        )

    def _aliases(self) -> Verdict:
        if not self.balance.subjects_known:
            return Verdict(
                Grade.AMBER, "Subjects are not known, so nobody can tell which cells come from the same person."
            )
        if not self.alias_groups:
            return Verdict(Grade.GREEN, "No two subject ids share a cell.")
        words = "; ".join(" = ".join(group) for group in self.alias_groups)
        return Verdict(Grade.RED, f"Subject ids that share cells are the same person and must be joined: {words}.")

    def _conflicts(self) -> Verdict:
        if not self.label_conflicts:
            return Verdict(Grade.GREEN, "No cell carries two labels.")
        return Verdict(
            Grade.RED,
            f"The same cell carries two labels, of which one must be wrong, in pairs: {len(self.label_conflicts)}.",
        )

    def _splits(self) -> Verdict:
        if not self.has_splits:
            return Verdict(Grade.GREEN, "The set gives no splits that could leak.")
        pairs = sum("split" in pair.across for pair in self.pairs)
        persons = self.subjects_on_both_sides
        if not pairs and not persons:
            return Verdict(Grade.GREEN, "No cell and no known person is in two of the given splits or folds.")
        named = f"; {', '.join(persons[:10])}{', ...' if len(persons) > 10 else ''}" if persons else ""
        return Verdict(
            Grade.RED,
            f"The given splits or folds leak: on two sides are the same cell (pairs: {pairs}) and the same person "
            f"(persons: {len(persons)}{named}). Make new ones from the groups of this audit.",
        )

    def _shortcuts(self) -> Verdict:
        grade = worst(shortcut.grade for shortcut in self.shortcuts)
        telling = [shortcut for shortcut in self.shortcuts if shortcut.grade is not Grade.GREEN]
        if not telling:
            return Verdict(grade, "No measured trait beside morphology tells the classes apart.")
        telling.sort(key=lambda shortcut: -(shortcut.auroc.value or 0))
        found = [f"by {one.trait.words}, AUROC {one.auroc}: {one.trait.meaning}" for one in telling]
        return Verdict(grade, f"Without morphology the classes can be told apart {'; '.join(found)}.")


def side(cell: LabelledCell) -> str | None:
    """Return the split that the set puts a cell in, or its fold where it has folds instead."""
    return cell.split or cell.extra.get("fold") or None


def pair_positions(pairs: Sequence[Pair], cells: LabelledCells) -> list[tuple[int, int]]:
    """Return the positions of pairs in a set; pairs that are not wholly in it are left out."""
    place = {cell.name: position for position, cell in enumerate(cells)}
    return [
        (place[pair.first.name], place[pair.second.name])
        for pair in pairs
        if pair.first.name in place and pair.second.name in place
    ]
