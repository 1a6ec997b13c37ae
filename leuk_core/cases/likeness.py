"""How like ALL cells a model finds the cells of a case: an order for people to look in, no more.

The model has learnt cells of another microscope, stain and specimen, and answers about two classes only. Its figure is
therefore never shown, stored or counted.
"""

from __future__ import annotations

from functools import lru_cache

from leuk_core.cases.labelled import field_picture
from leuk_core.cases.records import Box, CaseCell, CaseField
from leuk_core.cells.detect import Field
from leuk_core.cells.sort import crop
from leuk_core.prediction import load_predictor
from leuk_core.registry import load_task

TASK = "all-vs-normal"
KEPT = 20_000
"""Figures that stay in memory; more than the cells of any case."""


def likeness(cell: CaseCell, field: CaseField, model: str) -> float:
    """Return where a cell stands in the order.

    Parameters
    ----------
    cell : CaseCell
        A cell of a case.
    field : CaseField
        The field that shows it.
    model : str
        Full reference of a version of `TASK`.

    Returns
    -------
    float
        From 0 to 1, the likest highest; -1 where no cell was found in the box.

    Raises
    ------
    ModelUnavailable
        If the version can't be loaded.
    InvalidData
        If the field's picture is gone.
    """
    return _likeness(field.pixels_sha256, cell.box, field.microns_per_pixel, model)


@lru_cache(maxsize=KEPT)
def _likeness(pixels_sha256: str, box: Box, microns_per_pixel: float | None, model: str) -> float:
    image = field_picture(pixels_sha256)
    shown = Field(pixels_sha256, image.width, image.height, (), microns_per_pixel, "", "person").with_box(box)
    answer = load_predictor(model).predict(crop(image, shown.cells[-1], shown), microns_per_pixel)
    return answer.probabilities.get(load_task(TASK).positive or "", -1.0)
