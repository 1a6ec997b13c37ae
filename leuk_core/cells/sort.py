"""What each found cell resembles: every cell goes through the ordinary `Predictor`, with all its doubts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from leuk_core.cells.detect import Field, FoundCell
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.images import SmearImage
from leuk_core.prediction import Doubt, Prediction, Predictor, load_predictor
from leuk_core.registry import list_versions

TASK = "wbc-types"

WINDOW_MICRONS = 30.0
"""Side of the crop around a cell: as wide as the pictures of single cells that the models learnt from, about."""

ON_EDGE = Doubt("on-edge", "The edge of the field cuts this cell: count it on a field that shows it whole.")


@dataclass(frozen=True, slots=True)
class SortedCell:
    """A found cell with what the machine says of it.

    Parameters
    ----------
    cell : FoundCell
        Where it is.
    prediction : Prediction
        The predictor's answer about the crop around it.
    doubts : tuple of Doubt
        The predictor's own, and that the field's edge cuts the cell.
    """

    cell: FoundCell
    prediction: Prediction
    doubts: tuple[Doubt, ...]

    @property
    def type(self) -> str | None:
        """Class id; None, undecided, with any doubt."""
        return None if self.doubts else self.prediction.label

    @property
    def probabilities(self) -> dict[str, float]:
        """By class id, in the order of the task's card; empty where nothing could be shown to the model."""
        return self.prediction.probabilities

    @property
    def nearest(self) -> str | None:
        """The most probable class whatever the doubts, to order a gallery by; None without probabilities."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default=None)

    @property
    def doubtfulness(self) -> float:
        """From 0 to 2, most doubtful highest: how far the best probability is from 1, and one more with a doubt."""
        return 1.0 - max(self.probabilities.values(), default=0.0) + float(bool(self.doubts))


def load_sorter(ref: str | None = None) -> Predictor:
    """Return the predictor that sorts cells; None is the default model of `TASK`.

    Raises
    ------
    ModelUnavailable
        If no model of the task is installed, or the reference names nothing usable.
    InvalidParameter
        If the reference is of another task.
    """
    if ref is not None and ref.split("/")[0] != TASK:
        raise InvalidParameter(f"`model` must be one of the task {TASK}, which sorts white cells. Received: {ref!r}")
    if ref is not None:
        return load_predictor(ref)
    versions = [entry for entry in list_versions() if entry.task == TASK]
    if not versions:
        raise ModelUnavailable(f"No model sorts white cells here: install one of {TASK}. Received: none")
    return load_predictor(next((entry for entry in versions if entry.card.get("default")), versions[0]).ref)


def window(cell: FoundCell, field: Field) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the square around a cell, cut to the field, in pixels.

    It is `WINDOW_MICRONS` wide, wider for a larger cell; without a scale 2.2 times the cell.
    """
    x0, y0, x1, y1 = cell.box
    longest = max(x1 - x0, y1 - y0)
    wide = WINDOW_MICRONS / field.microns_per_pixel if field.microns_per_pixel else 2.2 * longest
    half = max(wide, 1.3 * longest) / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = max(0, round(x - half)), max(0, round(y - half))
    return left, top, min(field.width, round(x + half)), min(field.height, round(y + half))


def crop(image: SmearImage, cell: FoundCell, field: Field) -> SmearImage:
    """Return the square around a cell as a picture of its own, in the field's pixels."""
    left, top, right, bottom = window(cell, field)
    pixels = np.ascontiguousarray(image.pixels[top:bottom, left:right])
    return SmearImage(pixels, image.name, sha256(pixels.tobytes()).hexdigest(), "array")


def sort_cells(
    image: SmearImage, field: Field, predictor: Predictor, cells: Iterable[FoundCell] | None = None
) -> list[SortedCell]:
    """Let a predictor answer about the cells of a field.

    Parameters
    ----------
    image : SmearImage
        The field's picture.
    field : Field
        From `find_cells`.
    predictor : Predictor
        See `load_sorter`.
    cells : iterable of FoundCell or None
        Only these; None takes all of the field.

    Returns
    -------
    list of SortedCell
        In the order given.
    """
    found = []
    for cell in field.cells if cells is None else cells:
        answer = predictor.predict(crop(image, cell, field), field.microns_per_pixel)
        doubts = (*answer.doubts, ON_EDGE) if cell.touching_edge else answer.doubts
        found.append(SortedCell(cell, answer, doubts))
    return found
