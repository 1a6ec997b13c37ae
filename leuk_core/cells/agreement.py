"""How well found boxes agree with those that people drew: recall and precision at an overlap, with exact intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuk_core.cells.overlap import intersections
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate

OVERLAP = 0.5
"""Intersection over union from which a found box is right."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts over the fields of a set.

    Parameters
    ----------
    images : int
        Fields.
    whole : int
        Fields on which every drawn box was found and nothing else.
    cells, found, right : int
        Boxes that people drew, boxes found, and pairs of both.
    """

    images: int
    whole: int
    cells: int
    found: int
    right: int

    @property
    def recall(self) -> Estimate:
        """Share of the drawn boxes that were found, with its exact 95 % interval."""
        return exact_interval(self.right, self.cells)

    @property
    def precision(self) -> Estimate:
        """Share of the found boxes that are right, with its exact 95 % interval."""
        return exact_interval(self.right, self.found)

    def to_dict(self, precision: bool = True) -> dict[str, Any]:
        """Return everything as JSON wants it; without precision where the drawn boxes are not complete."""
        facts: dict[str, Any] = {"n_images": self.images, "n_cells": self.cells, "right": self.right}
        facts |= {"recall": self.recall.to_dict(), "found": self.found}
        if precision:
            facts["precision"] = self.precision.to_dict()
            facts |= {"whole_images": self.whole, "whole": exact_interval(self.whole, self.images).to_dict()}
        return facts

    def words(self, precision: bool = True) -> str:
        """Return the figures as people read them, by image, with n."""
        said = f"recall {self.recall.words(1, percent=True)}"
        if precision:
            said += f", precision {self.precision.words(1, percent=True)}"
        else:
            said += f" ({self.found} boxes found)"
        return f"{said} at IoU {OVERLAP}, {self.cells} cells on {self.images} fields, by image"


def agreement(fields: Iterable[tuple[np.ndarray, np.ndarray]], overlap: float = OVERLAP) -> Agreement:
    """Count how boxes found agree with boxes drawn.

    Parameters
    ----------
    fields : iterable of (ndarray of shape (n, 4), ndarray of shape (m, 4))
        Drawn and found boxes of each field; found ones best first.
    overlap : float
        Intersection over union from which a found box is right. A drawn box makes one right at most.

    Examples
    --------
    >>> drawn, found = np.array([[0, 0, 10, 10]]), np.array([[1, 0, 11, 10], [50, 50, 60, 60]])
    >>> agreement([(drawn, found)]).words(precision=False)
    'recall 100.0 % (2.5 to 100.0 %) (2 boxes found) at IoU 0.5, 1 cells on 1 fields, by image'
    """
    images = whole = cells = total = right = 0
    for drawn, found in fields:
        hits = _pairs(np.reshape(drawn, (-1, 4)), np.reshape(found, (-1, 4)), overlap)
        images, cells, total, right = images + 1, cells + len(drawn), total + len(found), right + hits
        whole += hits == len(drawn) == len(found)
    return Agreement(images, whole, cells, total, right)


def _pairs(drawn: np.ndarray, found: np.ndarray, overlap: float) -> int:
    """Return the number of found boxes that are right: the best first, each takes the drawn box it overlaps most."""
    if not len(drawn) or not len(found):
        return 0
    table = intersections(found, drawn)
    hits = 0
    for row in table:
        best = int(row.argmax())
        if row[best] >= overlap:
            table[:, best] = 0
            hits += 1
    return hits
