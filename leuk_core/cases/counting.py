"""What a case's cells come to: the machine's count, the reviewer's, and how far the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leuk_core.cases.classes import BLASTS, CellClass, Kind
from leuk_core.cases.records import CALLED, CaseCell, CellState, Specimen
from leuk_core.cells.differential import (
    ERYTHROBLAST,
    NOT_ASSESSED,
    UNCOUNTED,
    BlastLines,
    CalledCell,
    Change,
    Differential,
    Groups,
    after_review,
    before_review,
    blast_lines,
    changes,
)
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate


@dataclass(frozen=True)
class CaseCount:
    """Both counts of a case.

    Parameters
    ----------
    machine : Differential
        What the machine said of all cells that it has found, before any review.
    reviewed : Differential
        What persons said of the cells that they have reviewed; the others are not in it.
    changes : tuple of Change
        By the machine's class, how often the reviewer said otherwise.
    lines : BlastLines or None
        Where person-called myeloid blasts stand to the lines; None without any.
    blasts : int
        Cells that a person called a blast of whatever line, or an equivalent.
    n, n_reviewed : int
        Cells, and those of them that a person has reviewed.
    drawn : int
        Cells that a person has added because the machine had missed them.
    """

    machine: Differential
    reviewed: Differential
    changes: tuple[Change, ...]
    lines: BlastLines | None
    blasts: int
    n: int
    n_reviewed: int
    drawn: int

    @property
    def blast_share(self) -> Estimate | None:
        """Share of blasts among the reviewed leukocytes; None until a person has called one."""
        return exact_interval(self.blasts, self.reviewed.leukocytes) if self.blasts else None

    @property
    def blast_words(self) -> str:
        """The row of blasts as people read it."""
        share = self.blast_share
        if share is None:
            return NOT_ASSESSED
        return f"{self.blasts} of {self.reviewed.leukocytes} reviewed leukocytes, {share.words(1, percent=True)}"


def count_cells(cells: Iterable[CaseCell], specimen: Specimen, classes: Sequence[CellClass]) -> CaseCount:
    """Count cells.

    Parameters
    ----------
    cells : iterable of CaseCell
        Of one case, from `list_cells`.
    specimen : Specimen
        Which denominator the lines for blasts have.
    classes : sequence of CellClass
        From `list_classes`: how each class counts.
    """
    kept, groups = list(cells), groups_of(classes)
    called = [called_cell(cell) for cell in kept]
    reviewed = [cell for cell in called if cell.reviewed is not None]
    blasts = {entry.code for entry in classes if entry.kind in BLASTS}
    return CaseCount(
        machine=before_review((said for cell, said in zip(kept, called, strict=True) if _found(cell)), groups),
        reviewed=after_review(reviewed, groups),
        changes=tuple(changes(called)),
        lines=blast_lines(reviewed, str(specimen), groups),
        blasts=sum(cell.reviewed in blasts for cell in reviewed),
        n=len(kept),
        n_reviewed=len(reviewed),
        drawn=sum(not _found(cell) for cell in kept),
    )


def blasts_called(called: Mapping[str, int], classes: Iterable[CellClass]) -> str:
    """Return the row of blasts of a case in a list.

    Parameters
    ----------
    called : mapping of str to int
        How many cells persons gave which class, as in `CaseSummary`.
    classes : iterable of CellClass
        From `list_classes`.
    """
    groups = groups_of(classes)
    outside = (*groups.per_hundred, *groups.uncounted)
    leukocytes = sum(n for code, n in called.items() if code not in outside)
    blasts = sum(called.get(code, 0) for code in groups.blasts)
    if not blasts:
        return NOT_ASSESSED
    return f"{exact_interval(blasts, leukocytes).words(1, percent=True)}, n = {leukocytes}"


def called_cell(cell: CaseCell) -> CalledCell:
    """Return what the machine and a person said of a cell."""
    if cell.state in CALLED:
        return CalledCell(cell.answer.type, cell.reviewed_type)
    return CalledCell(cell.answer.type, None if cell.state is CellState.OPEN else str(cell.state))


def groups_of(classes: Iterable[CellClass]) -> Groups:
    """Return how classes count, those that people added among them."""
    by_kind: dict[Kind, tuple[str, ...]] = dict.fromkeys(Kind, ())
    for entry in classes:
        by_kind[entry.kind] += (entry.code,)
    beside = tuple(code for code in by_kind[Kind.OTHER] if code != "smudge")
    return Groups(
        per_hundred=(ERYTHROBLAST, "smudge", *(code for code in by_kind[Kind.ERYTHROBLAST] if code != ERYTHROBLAST)),
        uncounted=(*UNCOUNTED, *beside, *(code for code in by_kind[Kind.PLATELET] if code not in UNCOUNTED)),
        myeloid_blasts=by_kind[Kind.MYELOID_BLAST] + by_kind[Kind.BLAST_EQUIVALENT],
        other_blasts=by_kind[Kind.LYMPHOBLAST] + by_kind[Kind.BLAST],
    )


def _found(cell: CaseCell) -> bool:
    return cell.found_by == "machine"
