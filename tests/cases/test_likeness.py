"""The order by likeness to ALL cells, from the shipped model: of real lymphoblasts and neutrophils, and kept."""

import csv

import numpy as np
import pytest

from leuk_core.cases import NewCell, add_field, create_case
from leuk_core.cases import likeness as module
from leuk_core.cases.likeness import TASK, likeness
from leuk_core.images import decode
from leuk_core.registry import current_version

pytestmark = pytest.mark.real


def test_a_cell_gets_one_figure_that_is_kept(place, test_data, monkeypatch):
    folder = test_data / "fields_leukemia"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["cell"] == "lymphoblast"]
    path = rows[0]["path"]
    boxes = [tuple(float(row[side]) for side in ("x0", "y0", "x1", "y1")) for row in rows if row["path"] == path]
    case = create_case("Ada", "case A")
    image = decode((folder / path).read_bytes(), path)
    field, cells = add_field(case.id, "Ada", image, [NewCell(box) for box in boxes])
    model = current_version(TASK, "svm").ref
    found = [likeness(cell, field, model) for cell in cells]
    assert all(-1 <= one <= 1 for one in found)
    assert max(found) > 0
    monkeypatch.setattr(module, "load_predictor", lambda ref: pytest.fail("asked twice"))
    assert np.array_equal(found, [likeness(cell, field, model) for cell in cells])
