"""The differential count: how many of which cell, of which denominator, with exact intervals.

The machine has no class of blasts. So their rows say "not assessed by the machine" until a person assigns cells to
them, and never 0; the percentages at which WHO and ICC draw lines are spoken of only for cells that a person called
myeloid blasts or their equivalents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate

ERYTHROBLAST = "erythroblast"
PER_HUNDRED = (ERYTHROBLAST, "smudge")
"""Not leukocytes of the denominator; given per 100 of them."""

UNCOUNTED = ("platelet", "unidentified", "not counted", "artefact")
"""In no denominator at all."""

MYELOID_BLASTS = ("myeloblast", "monoblast", "promonocyte", "megakaryoblast", "abnormal-promyelocyte")
"""Blasts and what counts as a blast in myeloid leukemias (Arber et al. 2022, Khoury et al. 2022)."""

OTHER_BLASTS = ("lymphoblast", "blast")
"""Blasts that no line is drawn for; a mere "blast" is one of which nobody has said whether it is myeloid."""

NOT_ASSESSED = "not assessed by the machine"
FIRST_LINE = (
    "Blasts are not assessed by the machine: it has no such class. They are counted only where a person calls them."
)
TARGETS = (100, 200, 500)
"""Cells at which a count is looked at: quick, in blood, in marrow."""

LINES = (10, 20)
SPECIMENS = ("blood", "marrow", "other")
GENETICS = (
    "Where the line lies depends on genetics (WHO 2022, ICC 2022): the percentage alone decides nothing and is no "
    "diagnosis."
)


@dataclass(frozen=True, slots=True)
class Groups:
    """How classes count; whatever is in none of these groups is a leukocyte of the denominator."""

    per_hundred: tuple[str, ...] = PER_HUNDRED
    uncounted: tuple[str, ...] = UNCOUNTED
    myeloid_blasts: tuple[str, ...] = MYELOID_BLASTS
    other_blasts: tuple[str, ...] = OTHER_BLASTS

    @property
    def blasts(self) -> tuple[str, ...]:
        """Classes that fill the row of blasts."""
        return self.myeloid_blasts + self.other_blasts


GROUPS = Groups()
"""Groups of the classes that every installation knows."""


@dataclass(frozen=True, slots=True)
class CalledCell:
    """What is said of one cell.

    Parameters
    ----------
    machine : str or None
        Class id that the machine gave without a doubt; None where it was undecided or a person drew the box.
    reviewed : str or None
        Class id that a person confirmed or gave; None while nobody has.
    """

    machine: str | None
    reviewed: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One class of a differential.

    Parameters
    ----------
    label : str
        Class id.
    n : int or None
        Cells; None where it was not assessed.
    of : int
        The denominator.
    share : Estimate or None
        n / of with its exact 95 % interval (Clopper and Pearson); None where it was not assessed, or where the class is
        given per 100 leukocytes or in no denominator.
    per_hundred : float or None
        Per 100 leukocytes, for classes outside the denominator; None where there are no leukocytes.
    words : str
        As people read it.
    """

    label: str
    n: int | None
    of: int
    share: Estimate | None
    per_hundred: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Differential:
    """A count of cells by class.

    Parameters
    ----------
    rows : tuple of Row
        Classes of the denominator, most frequent first; blasts; then classes outside the denominator.
    leukocytes : int
        The denominator: leukocytes with a class, without erythroblasts, smudge cells and platelets.
    undecided : int
        Cells without a class; they are in no denominator.
    """

    rows: tuple[Row, ...]
    leukocytes: int
    undecided: int

    def row(self, label: str) -> Row | None:
        """Return the row of a class; None where no such cell was counted."""
        return next((row for row in self.rows if row.label == label), None)

    @property
    def progress(self) -> dict[int, float]:
        """Share of each target that is counted, from 0 to 1."""
        return {target: min(1.0, self.leukocytes / target) for target in TARGETS}


@dataclass(frozen=True, slots=True)
class Change:
    """How often a reviewer changed what the machine said, for one class of the machine.

    Parameters
    ----------
    label : str
        The machine's class id.
    changed, reviewed : int
        Cells of it that a person gave another class, and that a person looked at.
    share : Estimate
        With its exact 95 % interval.
    """

    label: str
    changed: int
    reviewed: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class BlastLines:
    """Where person-called myeloid blasts stand to the lines of 10 and 20 %.

    Parameters
    ----------
    n, of : int
        Blasts and equivalents, and the denominator.
    share : Estimate
        With its exact 95 % interval.
    specimen, denominator : str
        "blood", "marrow" or "other", and what `of` counts.
    positions : dict of int to str
        By line: "below", "above" or "across" (the interval holds the line).
    words : str
        Everything in one sentence, and that genetics decide.
    """

    n: int
    of: int
    share: Estimate
    specimen: str
    denominator: str
    positions: Mapping[int, str]
    words: str


def before_review(cells: Iterable[CalledCell], groups: Groups = GROUPS) -> Differential:
    """Count what the machine said alone; blasts are not assessed."""
    return _counted([cell.machine for cell in cells], groups)


def after_review(cells: Iterable[CalledCell], groups: Groups = GROUPS) -> Differential:
    """Count what a person said, and what the machine said of the cells that nobody has looked at yet."""
    return _counted([cell.reviewed or cell.machine for cell in cells], groups)


def changes(cells: Iterable[CalledCell]) -> list[Change]:
    """Return how often the reviewer changed the machine, by the machine's class, most cells first."""
    seen, other = Counter[str](), Counter[str]()
    for cell in cells:
        if cell.machine is not None and cell.reviewed is not None:
            seen[cell.machine] += 1
            other[cell.machine] += cell.reviewed != cell.machine
    return [Change(label, other[label], n, exact_interval(other[label], n)) for label, n in seen.most_common()]


def blast_lines(cells: Iterable[CalledCell], specimen: str, groups: Groups = GROUPS) -> BlastLines | None:
    """Return where the cells that a person called myeloid blasts or equivalents stand to 10 and 20 %.

    Parameters
    ----------
    cells : iterable of CalledCell
        Of one case.
    specimen : {"blood", "marrow", "other"}
        In marrow all nucleated cells are the denominator, erythroblasts too; elsewhere leukocytes without them.

    Returns
    -------
    BlastLines or None
        None while no person has called a cell so. Lymphoblasts never count.

    Raises
    ------
    InvalidParameter
        If the specimen is none of these.
    """
    if specimen not in SPECIMENS:
        raise InvalidParameter(f"`specimen` must be one of {', '.join(SPECIMENS)}. Received: specimen={specimen!r}")
    cells = list(cells)
    n = sum(cell.reviewed in groups.myeloid_blasts for cell in cells)
    if not n:
        return None
    counted = after_review(cells, groups)
    row = counted.row(ERYTHROBLAST) if specimen == "marrow" else None
    of = counted.leukocytes + (row.n or 0 if row else 0)
    denominator = "nucleated cells, erythroblasts too" if specimen == "marrow" else "leukocytes, without erythroblasts"
    share = exact_interval(n, of)
    positions = {line: _position(share, line / 100) for line in LINES}
    said = ", ".join(f"{_WHERE[position]} {line} %" for line, position in positions.items())
    words = (
        f"Called myeloid blasts or equivalents by a person: {n} of {of} {denominator} ({specimen}), "
        f"{share.words(1, percent=True)}: the 95 % interval lies {said}. {GENETICS}"
    )
    return BlastLines(n, of, share, specimen, denominator, positions, words)


_WHERE = {"below": "below", "above": "above", "across": "on both sides of"}


def _position(share: Estimate, line: float) -> str:
    """Return on which side of a line the whole interval lies."""
    if share.high is not None and share.high < line:
        return "below"
    return "above" if share.low is not None and share.low >= line else "across"


def _counted(labels: list[str | None], groups: Groups) -> Differential:
    """Count labels; None is undecided."""
    found = Counter(label for label in labels if label is not None)
    outside = (*groups.per_hundred, *groups.uncounted)
    inside = [(label, n) for label, n in found.most_common() if label not in outside]
    leukocytes = sum(n for _, n in inside)
    rows = [_share(label, n, leukocytes) for label, n in inside]
    if not any(label in groups.blasts for label, _ in inside):
        rows.append(Row("blast", None, leukocytes, None, None, NOT_ASSESSED))
    rows += [
        _beside(label, found[label], leukocytes, counted=label not in groups.uncounted)
        for label in outside
        if label in found
    ]
    return Differential(tuple(rows), leukocytes, sum(label is None for label in labels))


def _share(label: str, n: int, of: int) -> Row:
    share = exact_interval(n, of)
    return Row(label, n, of, share, None, f"{n} of {of}, {share.words(1, percent=True)}")


def _beside(label: str, n: int, leukocytes: int, *, counted: bool) -> Row:
    """Return a row outside the denominator."""
    if not counted:
        return Row(label, n, leukocytes, None, None, f"{n}, in no denominator")
    if not leukocytes:
        return Row(label, n, 0, None, None, f"{n}, no leukocytes to give it by")
    rate = 100 * n / leukocytes
    return Row(label, n, leukocytes, None, rate, f"{n}, {rate:.1f} per 100 leukocytes")
