"""What the machine brings into a case: the cells of a field with its answers, and its answer about a drawn box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leuk_core.cases.editing import add_field
from leuk_core.cases.records import AlreadyInCase, Box, CaseCell, CaseField, MachineAnswer, NewCell
from leuk_core.cases.same_place import part_name
from leuk_core.cells.detect import Field, FoundCell, find_cells
from leuk_core.cells.large import SHARED, SIDE, large_scale, read_parts
from leuk_core.cells.sort import SortedCell, sort_cells
from leuk_core.errors import InvalidParameter
from leuk_core.images import Note, SmearImage, TiledImage
from leuk_core.prediction import Predictor

MOST_PARTS = 100
"""Fields that one picture may make: about 15,000 x 15,000 pixels."""

NOTHING = 4.0
"""Standard deviation of each colour, of 255, under which a part without a white cell shows empty glass."""


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
    return _added(case_id, by, image, found, sort_cells(image, found, sorter))


def read_large(
    case_id: str, by: str, picture: TiledImage, sorter: Predictor, microns_per_pixel: float | None = None
) -> Iterator[ReadField | None]:
    """Add a picture that is too large to be decoded whole, as a field for each of its parts.

    Parameters
    ----------
    case_id, by, sorter, microns_per_pixel
        As in `read_field`; where nobody gives a scale, red cells all over the picture tell one for all parts.
    picture : TiledImage
        From `leuk_core.images.open_tiled`.

    Yields
    ------
    ReadField or None
        For each of `parts_of(picture)`; None for one that is a field of the case already, since an earlier try was cut
        off, and for one on which nothing is to be seen.

    Raises
    ------
    InvalidParameter
        If it has more than `MOST_PARTS`.
    RejectedPicture
        If the file is damaged. What was added before stays.
    CaseConfirmed
        If the case is confirmed.
    """
    count = parts_of(picture)
    if count > MOST_PARTS:
        raise InvalidParameter(
            "This picture is too large for a case: crop it, or count its cells by `python -m leuk_core smear`. "
            f"Received: {picture.width} x {picture.height} pixels, which make {count} fields, of at most {MOST_PARTS}"
        )
    scale, source = large_scale(picture, microns_per_pixel)
    for number, part in enumerate(read_parts(picture, sorter, scale), 1):
        if not part.cells and part.image.pixels.std(axis=(0, 1)).max() < NOTHING:
            yield None
            continue
        image = replace(part.image, name=part_name(picture.name, number, count))
        try:
            yield _added(case_id, by, image, replace(part.field, scale_source=source), part.cells)
        except AlreadyInCase:
            yield None


def parts_of(picture: TiledImage) -> int:
    """Return how many fields a large picture makes."""
    return picture.parts(SIDE, SHARED)


def _added(case_id: str, by: str, image: SmearImage, found: Field, answers: Sequence[SortedCell]) -> ReadField:
    cells = [
        NewCell(entry.cell.box, _answer(entry), entry.cell.score, found.detector, entry.cell.touching_edge)
        for entry in answers
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
