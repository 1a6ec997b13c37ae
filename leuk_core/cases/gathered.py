"""Everything that a report of a case tells, read at one time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from leuk_core.cases.classes import CellClass, list_classes
from leuk_core.cases.counting import CaseCount, count_cells
from leuk_core.cases.read import list_amendments, list_cells, list_fields, load_case
from leuk_core.cases.records import Amendment, Case, CaseCell, CaseField


@dataclass(frozen=True)
class Gathered:
    """A case with all that belongs to it.

    Parameters
    ----------
    case : Case
        The case.
    fields : tuple of CaseField
        In order.
    cells : tuple of CaseCell
        By number, as amended.
    count : CaseCount
        Of these cells.
    confirmed_count : CaseCount or None
        As it was confirmed, where amendments have changed that.
    amendments : tuple of Amendment
        In order.
    classes : tuple of CellClass
        All that there are.
    at : datetime
        When it was read, UTC.
    """

    case: Case
    fields: tuple[CaseField, ...]
    cells: tuple[CaseCell, ...]
    count: CaseCount
    confirmed_count: CaseCount | None
    amendments: tuple[Amendment, ...]
    classes: tuple[CellClass, ...]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def names(self) -> dict[str, str]:
        """Names of classes by code."""
        return {entry.code: entry.name for entry in self.classes}


def gather(case_id: str) -> Gathered:
    """Read a case.

    Raises
    ------
    InvalidParameter
        If there is none of this id, or it was deleted.
    """
    case, classes, amendments = load_case(case_id), list_classes(), list_amendments(case_id)
    cells = list_cells(case_id, amended=True)
    before = list_cells(case_id) if any(one.cells for one in amendments) else None
    return Gathered(
        case=case,
        fields=tuple(list_fields(case_id)),
        cells=tuple(cells),
        count=count_cells(cells, case.specimen, classes),
        confirmed_count=count_cells(before, case.specimen, classes) if before is not None else None,
        amendments=tuple(amendments),
        classes=tuple(classes),
    )
