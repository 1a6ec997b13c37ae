"""Cases, their fields and their cells as everybody else sees them: what a row tells, never changed in place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from leuk_core.errors import InvalidParameter, LeukError

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the field."""


class Specimen(StrEnum):
    """What was smeared."""

    BLOOD = "blood"
    MARROW = "marrow"
    OTHER = "other"


class CaseState(StrEnum):
    """What a case is at: some cells open, none open, or confirmed by a person."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    CONFIRMED = "confirmed"


class CellState(StrEnum):
    """What a person has said of a cell; `OPEN` is nothing yet."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    RECLASSIFIED = "reclassified"
    UNIDENTIFIED = "unidentified"
    NOT_COUNTED = "not counted"
    REMOVED = "removed"


CALLED = (CellState.CONFIRMED, CellState.RECLASSIFIED)
"""States in which a person gave the cell its class."""


class CaseConfirmed(LeukError):
    """A confirmed case is never edited; `leuk_core.cases.amend_case` adds to it."""


class ChangedMeanwhile(LeukError):
    """Somebody else, or another window, has changed what this action was based on; nothing was done.

    Parameters
    ----------
    message : str
        The sentence for a person.
    cells : tuple of CaseCell
        The changed cells as they are now.
    """

    def __init__(self, message: str, cells: tuple[CaseCell, ...] = ()) -> None:
        super().__init__(message)
        self.cells = cells


class AlreadyInCase(InvalidParameter):
    """The same picture is a field of the case already; `field` is its number, `removed` whether it was taken out."""

    def __init__(self, message: str, number: int, *, removed: bool) -> None:
        super().__init__(message)
        self.number = number
        self.removed = removed


@dataclass(frozen=True)
class Case:
    """One case.

    Parameters
    ----------
    id : str
        Drawn, never shown to people; what the trail knows.
    name : str
        The pseudonym, given or drawn.
    specimen : Specimen
        What was smeared.
    stain, microscope : str
        As written; empty where nobody said.
    microns_per_pixel : float or None
        Scale of the microscope's pictures.
    state : CaseState
        What it is at.
    revision : int
        Number of the last action.
    created, changed : datetime
        UTC.
    created_by : str
        Who made it.
    confirmed : datetime or None
        When it was confirmed.
    confirmed_by : str
        By whom; empty before.
    amendments : int
        How many were added since.
    """

    id: str
    name: str
    specimen: Specimen
    stain: str
    microscope: str
    microns_per_pixel: float | None
    state: CaseState
    revision: int
    created: datetime
    changed: datetime
    created_by: str
    confirmed: datetime | None = None
    confirmed_by: str = ""
    amendments: int = 0


@dataclass(frozen=True)
class CaseField:
    """One field of a case: its number, whose picture it is, and the scale with its source."""

    case_id: str
    number: int
    pixels_sha256: str
    name: str
    width: int
    height: int
    microns_per_pixel: float | None
    scale_source: str
    removed: bool


@dataclass(frozen=True)
class MachineAnswer:
    """What the machine said about a cell.

    Parameters
    ----------
    type : str or None
        Class code; None is undecided.
    probabilities : dict of str to float
        By class code; empty where the model was shown nothing.
    doubts : tuple of (str, str)
        Code and sentence of each.
    model, recipe_hash : str
        Which version answered, `<task>/<model>@<version>`, and what the crop went through.
    """

    type: str | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    doubts: tuple[tuple[str, str], ...] = ()
    model: str = ""
    recipe_hash: str = ""

    @property
    def likeliest(self) -> str | None:
        """Class code with the highest probability, whatever the doubts."""
        return max(self.probabilities, key=lambda code: self.probabilities[code]) if self.probabilities else self.type


@dataclass(frozen=True)
class NewCell:
    """A cell that a detector has found and a model has sorted, before it is part of a case.

    Parameters
    ----------
    box : tuple of float
        Left, top, right, bottom, in pixels of the field.
    answer : MachineAnswer
        What the machine says.
    score : float or None
        How sure the detector is.
    detector : str
        Which detector found it.
    touching_edge : bool
        Whether it is cut by the edge of the picture.
    """

    box: Box
    answer: MachineAnswer = MachineAnswer()
    score: float | None = None
    detector: str = ""
    touching_edge: bool = False


@dataclass(frozen=True)
class CaseCell:
    """One cell of a case.

    Parameters
    ----------
    case_id : str
        Whose it is.
    number : int
        Within the case; never given twice.
    field : int
        Number of the field.
    box : tuple of float
        Left, top, right, bottom, in pixels of the field.
    found_by : {"machine", "person"}
        Who found it.
    detector : str
        Which detector; empty where a person drew it.
    score : float or None
        How sure the detector is.
    touching_edge : bool
        Whether it is cut by the edge of the picture.
    answer : MachineAnswer
        What the machine said.
    state : CellState
        What a person has said of it.
    reviewed_type : str or None
        Class code by a person; None unless the state is in `CALLED`.
    reviewer, reviewer_id : str, str or None
        Who has said so last, by name and as the trail knows them; "" and None where nobody has.
    version : int
        Number of the action that changed it last: who changes it later must have seen this one.
    """

    case_id: str
    number: int
    field: int
    box: Box
    found_by: str
    detector: str
    score: float | None
    touching_edge: bool
    answer: MachineAnswer
    state: CellState
    reviewed_type: str | None
    reviewer: str
    reviewer_id: str | None
    version: int

    @property
    def suggested(self) -> str | None:
        """Class that the machine says, or holds for the likeliest while it is undecided; None without any answer."""
        return self.answer.type or self.answer.likeliest

    @property
    def shown(self) -> str | None:
        """Class under which the gallery shows it: the person's, else the suggested one."""
        return self.reviewed_type or self.suggested


@dataclass(frozen=True)
class Action:
    """One action in a case: who did what, and to which cells, fields (numbers)."""

    number: int
    at: datetime
    person: str
    kind: str
    undoes: int | None
    undone: bool
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What an action did to one cell, field or the case ("case", 0): its facts before and after, None for not there."""

    what: str
    number: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Amendment:
    """What was said about a confirmed case later: a note, and cells with their state and class."""

    number: int
    at: datetime
    person: str
    note: str
    cells: tuple[tuple[int, CellState, str | None], ...]


def most_doubtful_first(cells: list[CaseCell]) -> list[CaseCell]:
    """Return cells in the order of the gallery: open ones first, then with doubts, then by the lower probability."""

    def key(cell: CaseCell) -> tuple[bool, bool, float, int]:
        highest = max(cell.answer.probabilities.values(), default=0.0)
        return cell.state is not CellState.OPEN, not cell.answer.doubts, highest, cell.number

    return sorted(cells, key=key)


def cell_values(cell: NewCell) -> dict[str, Any]:
    """Return what a new cell's row holds besides its place and state.

    Raises
    ------
    InvalidParameter
        If the box is empty.
    """
    x0, y0, x1, y1 = map(float, cell.box)
    if not (x0 < x1 and y0 < y1):
        raise InvalidParameter(f"`box` must be left, top, right, bottom with an area. Received: {cell.box}")
    return {
        "x0": x0, "y0": y0, "x1": x1, "y1": y1, "score": cell.score, "detector": cell.detector,
        "touching_edge": cell.touching_edge, **answer_values(cell.answer),
    }  # fmt: skip


def answer_values(answer: MachineAnswer) -> dict[str, Any]:
    """Return the columns that hold a machine's answer.

    Raises
    ------
    InvalidParameter
        If a class is not a short code.
    """
    for code in (*answer.probabilities, *filter(None, (answer.type,))):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", code):
            raise InvalidParameter(f"A class must be a code of at most 32 letters, digits and -. Received: {code!r}")
    return {
        "machine_type": answer.type, "model": answer.model, "recipe_hash": answer.recipe_hash,
        "probabilities": {code: float(value) for code, value in answer.probabilities.items()},
        "doubts": [list(doubt) for doubt in answer.doubts],
    }  # fmt: skip
