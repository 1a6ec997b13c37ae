"""White cells of a field: where they are, and at which scale."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from leuk_core.cells.detectors import SEGMENTATION, default_detector, load_detector
from leuk_core.cells.scale import field_scale
from leuk_core.cells.segment import ASSUMED_SCALE, segment
from leuk_core.errors import InvalidParameter
from leuk_core.images import Note, SmearImage
from leuk_core.preprocessing.cutout import is_on_black

SCALE_UNKNOWN = Note("scale-unknown", "the scale is unknown and was guessed: give micrometres a pixel")


@dataclass(frozen=True, slots=True)
class FoundCell:
    """One white cell of a field.

    Parameters
    ----------
    box : tuple of float
        x0, y0, x1, y1 in pixels of the field, from its left upper corner.
    score : float
        From 0 to 1, best near 1; says how sure the detector is, and is no probability.
    mask : ndarray of bool, or None
        The cell's outline inside its box, coarser than the field; None where the detector gives none.
    touching_edge : bool
        The field's edge cuts the cell.
    """

    box: tuple[float, float, float, float]
    score: float
    mask: np.ndarray | None = None
    touching_edge: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """The white cells of one field.

    Parameters
    ----------
    pixels_sha256 : str
        Identity of the picture.
    width, height : int
        Of the picture, in pixels.
    cells : tuple of FoundCell
        In reading order: from above, then from the left.
    microns_per_pixel : float or None
        Scale; None where it is unknown.
    scale_source : str
        "red cells", "person", "file" or "unknown".
    detector : str
        What found the cells.
    notes : tuple of Note
        What a person should know: "scale-unknown", "no-cells", "on-black".
    """

    pixels_sha256: str
    width: int
    height: int
    cells: tuple[FoundCell, ...]
    microns_per_pixel: float | None
    scale_source: str
    detector: str
    notes: tuple[Note, ...] = field(default=())

    def with_box(self, box: tuple[float, float, float, float]) -> Field:
        """Return the field with a cell that a person drew behind all others; its score is 1.

        Raises
        ------
        InvalidParameter
            If the box is empty or lies outside the picture.
        """
        x0, y0, x1, y1 = box
        if not (x0 < x1 and y0 < y1 and x0 < self.width and y0 < self.height and x1 > 0 and y1 > 0):
            raise InvalidParameter(
                f"`box` must hold part of the picture, {self.width} x {self.height} pixels. Received: {box}"
            )
        drawn = (max(x0, 0.0), max(y0, 0.0), min(x1, float(self.width)), min(y1, float(self.height)))
        cell = FoundCell(drawn, 1.0, None, _touches(drawn, self.width, self.height))
        return replace(self, cells=(*self.cells, cell))


def find_cells(image: SmearImage, microns_per_pixel: float | None = None, detector: str | None = None) -> Field:
    """Find the white cells of a field.

    Parameters
    ----------
    image : SmearImage
        A whole field of a smear.
    microns_per_pixel : float or None
        Scale given by a person; None takes that of the file, else measures it by the red cells.
    detector : str or None
        "segmentation" or one of `detectors.list_detectors`; None takes the better one as measured on held-out fields.

    Raises
    ------
    InvalidParameter
        If the scale is not one at which cells can be recognised, or there is no such detector.
    """
    name = detector or default_detector()
    network = None if name == SEGMENTATION else load_detector(name)
    scale, source = field_scale(image, microns_per_pixel)
    notes = []
    cells: list[FoundCell] = []
    on_black = is_on_black(image.pixels)
    if on_black:
        notes.append(Note("on-black", "a single cell cut out on black is no field: open it on Diagnose"))
    elif network is None:
        cells = [_cell(part.box, part.score, part.mask, image) for part in segment(image.pixels, scale)]
    else:
        found = network.find(image.pixels, scale or ASSUMED_SCALE)
        cells = [_cell((x0, y0, x1, y1), score, None, image) for x0, y0, x1, y1, score in found.tolist()]
    if source == "unknown" and not on_black:
        notes.append(SCALE_UNKNOWN)
    if not cells and not on_black:
        notes.append(Note("no-cells", "no white cell was found on this field"))
    return Field(
        pixels_sha256=image.pixels_sha256,
        width=image.width,
        height=image.height,
        cells=tuple(sorted(cells, key=lambda cell: (cell.box[1], cell.box[0]))),
        microns_per_pixel=scale,
        scale_source=source,
        detector=name if network is None else network.version.ref,
        notes=tuple(notes),
    )


def _cell(
    box: tuple[float, float, float, float], score: float, mask: np.ndarray | None, image: SmearImage
) -> FoundCell:
    """Return a found cell of a picture."""
    return FoundCell(box, score, mask, _touches(box, image.width, image.height))


def _touches(box: tuple[float, float, float, float], width: int, height: int) -> bool:
    """Return whether a box reaches the field's edge."""
    return box[0] <= 1 or box[1] <= 1 or box[2] >= width - 1 or box[3] >= height - 1
