"""Reviewed cells as training data: what a person called each, cut out of its field, one subject a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from leuk_core.cases.pictures import load_picture
from leuk_core.cases.read import list_cells, list_fields, search_cases
from leuk_core.cases.records import CALLED, Box, CaseCell, CaseField, CaseState
from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.images import SmearImage

CROP_MICRONS = 36.0
"""Side of a cut-out where the scale is known: the width of a CellaVision picture of one cell."""

CROP_BOXES = 2.5
"""Side of a cut-out where it isn't known, in longer sides of the box."""

LAYOUT = "reviewed cases"
_PAGE = 500


def labelled_cells(case_ids: Sequence[str] | None = None, *, drafts: bool = False) -> LabelledCells:
    """Return the cells that persons gave a class, as amended since.

    Parameters
    ----------
    case_ids : sequence of str or None
        Of which cases; None takes every confirmed one.
    drafts : bool
        Whether cases that aren't confirmed count as well.

    Raises
    ------
    InvalidParameter
        If a case of `case_ids` does not exist, or is not confirmed while drafts don't count.
    """
    cases = _cases(case_ids, drafts=drafts)
    found: list[LabelledCell] = []
    for case_id, name in cases.items():
        fields = {field.number: field for field in list_fields(case_id)}
        found += [
            _labelled(cell, name, fields[cell.field])
            for cell in list_cells(case_id, amended=True)
            if cell.state in CALLED
        ]
    notes = [f"{len(found)} cells of {len(cases)} cases, as persons called them; subject is the case."]
    return LabelledCells(found, LAYOUT, LAYOUT, notes)


def crop_cell(pixels: np.ndarray, box: Box, microns_per_pixel: float | None) -> np.ndarray:
    """Return the square around the middle of a box, as wide as a picture of one cell.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        The field, RGB.
    box : tuple of float
        Left, top, right, bottom, in pixels.
    microns_per_pixel : float or None
        Scale of the field.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
        Beyond the field's edge in its median colour.

    Examples
    --------
    >>> crop_cell(np.full((60, 80, 3), 200, np.uint8), (0, 0, 20, 20), 1.0).shape
    (36, 36, 3)
    """
    x0, y0, x1, y1 = box
    longer = max(x1 - x0, y1 - y0)
    side = CROP_BOXES * longer if microns_per_pixel is None else max(CROP_MICRONS / microns_per_pixel, 1.2 * longer)
    half = max(8, round(side / 2))
    x, y = round((x0 + x1) / 2), round((y0 + y1) / 2)
    height, width = pixels.shape[:2]
    left, top, right, bottom = max(0, x - half), max(0, y - half), min(width, x + half), min(height, y + half)
    if left >= right or top >= bottom:
        raise InvalidParameter(f"`box` must lie on the field of {width} x {height} pixels. Received: {box}")
    around = (top - (y - half), (y + half) - bottom, left - (x - half), (x + half) - right)
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    if not any(around):
        return part
    ground = [float(value) for value in np.median(pixels[::8, ::8].reshape(-1, 3), axis=0)]
    return np.asarray(cv2.copyMakeBorder(part, *around, cv2.BORDER_CONSTANT, value=ground), np.uint8)


@lru_cache(maxsize=4)
def field_picture(pixels_sha256: str) -> SmearImage:
    """Return the picture of a field; the last four stay in memory, since its cells are asked for one after another."""
    return load_picture(pixels_sha256)


@dataclass(frozen=True, slots=True)
class _Crop:
    """Cuts a cell out when its bytes are asked for, in whatever process."""

    pixels_sha256: str
    box: Box
    microns_per_pixel: float | None

    def __call__(self) -> bytes:
        cut = crop_cell(field_picture(self.pixels_sha256).pixels, self.box, self.microns_per_pixel)
        written, data = cv2.imencode(".png", cut[..., ::-1])
        if not written:
            raise InvalidData(f"The cell can't be written as PNG. Received: {cut.shape}")
        return bytes(data)


def _labelled(cell: CaseCell, case_name: str, field: CaseField) -> LabelledCell:
    scale = {} if field.microns_per_pixel is None else {"microns_per_pixel": repr(field.microns_per_pixel)}
    return LabelledCell(
        name=f"{case_name}/field {cell.field}/cell {cell.number}.png",
        label=cell.reviewed_type or "",
        subject=cell.case_id,
        source=LAYOUT,
        loader=_Crop(field.pixels_sha256, cell.box, field.microns_per_pixel),
        extra=scale | {"found_by": cell.found_by, "machine_type": cell.answer.type or "", "model": cell.answer.model},
    )


def _cases(case_ids: Sequence[str] | None, *, drafts: bool) -> dict[str, str]:
    """Return names of cases by id, in the order of their names."""
    state = None if drafts else CaseState.CONFIRMED
    found: dict[str, str] = {}
    while page := search_cases(state=state, limit=_PAGE, offset=len(found)):
        found |= {entry.case.id: entry.case.name for entry in page}
    if case_ids is not None:
        if missing := [case_id for case_id in case_ids if case_id not in found]:
            raise InvalidParameter(
                f"`case_ids` must name {'cases' if drafts else 'confirmed cases'}. Received: {missing[0]!r}"
            )
        found = {case_id: found[case_id] for case_id in case_ids}
    return dict(sorted(found.items(), key=lambda entry: entry[1]))
