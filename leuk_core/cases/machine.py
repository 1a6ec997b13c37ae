"""What the machine brings into a case: the cells of a field with its answers, and its answer about a drawn box."""

from __future__ import annotations

from dataclasses import dataclass

from leuk_core.cases.editing import add_field
from leuk_core.cases.records import Box, CaseCell, CaseField, MachineAnswer, NewCell
from leuk_core.cells.detect import Field, FoundCell, find_cells
from leuk_core.cells.sort import SortedCell, sort_cells
from leuk_core.images import Note, SmearImage
from leuk_core.prediction import Predictor


@dataclass(frozen=True)
class ReadField:
    """A field that was added to a case: what it is now, its cells, and what a person should know of it."""

    field: CaseField
    cells: tuple[CaseCell, ...]
    notes: tuple[Note, ...]


def read_field(
    case_id: str, by: str, image: SmearImage, sorter: Predictor, microns_per_pixel: float | None = None
) -> ReadField:
    """Find and sort the cells of a picture, and add it to a case with them.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the person.
    image : SmearImage
        A whole field of a smear.
    sorter : Predictor
        See `leuk_core.cells.sort.load_sorter`.
    microns_per_pixel : float or None
        Scale given by a person.

    Raises
    ------
    AlreadyInCase
        If the same pixels are a field of this case.
    CaseConfirmed
        If the case is confirmed.
    """
    found = find_cells(image, microns_per_pixel)
    cells = [
        NewCell(entry.cell.box, _answer(entry), entry.cell.score, found.detector, entry.cell.touching_edge)
        for entry in sort_cells(image, found, sorter)
    ]
    field, kept = add_field(
        case_id, by, image, cells, microns_per_pixel=found.microns_per_pixel, scale_source=found.scale_source
    )
    return ReadField(field, tuple(kept), (*image.notes, *found.notes))


def answer_box(image: SmearImage, field: CaseField, box: Box, sorter: Predictor) -> MachineAnswer:
    """Return what the machine says of a box that a person drew."""
    found = Field(
        field.pixels_sha256, field.width, field.height, (), field.microns_per_pixel, field.scale_source, "person"
    ).with_box(box)
    cell: FoundCell = found.cells[-1]
    return _answer(sort_cells(image, found, sorter, [cell])[0])


def _answer(entry: SortedCell) -> MachineAnswer:
    prediction = entry.prediction
    return MachineAnswer(
        entry.type,
        dict(entry.probabilities),
        tuple((doubt.code, doubt.text) for doubt in entry.doubts),
        prediction.model,
        prediction.recipe_hash,
    )
