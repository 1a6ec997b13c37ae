"""Sorting and the command line: real models, drawn and real fields, bad files."""

import json

import pytest
from PIL import Image

from leuk_core.cells.detect import find_cells
from leuk_core.cells.sort import crop, load_sorter, sort_cells, window
from leuk_core.cli import main
from leuk_core.errors import InvalidParameter
from tests.cells.field_makers import drawn_field


def test_a_cell_keeps_its_doubts_and_one_cut_by_the_edge_has_one_more():
    """With any doubt there is no type."""
    image = drawn_field([(200, 180), (30, 600)])
    field = find_cells(image)
    cells = sort_cells(image, field, load_sorter("wbc-types/sgd"))
    assert [cell.cell for cell in cells] == list(field.cells)
    for cell in cells:
        assert (cell.type is None) == bool(cell.doubts)
        assert sum(cell.probabilities.values()) == pytest.approx(1)
        assert {doubt.code for doubt in cell.prediction.doubts} <= {doubt.code for doubt in cell.doubts}
        assert ("on-edge" in {doubt.code for doubt in cell.doubts}) == cell.cell.touching_edge
        assert cell.prediction.scale_source == "given"


def test_crop_is_30_micrometres_of_the_field_itself():
    """Not resized; cut at the field's edge."""
    image = drawn_field([(400, 300), (30, 600)])
    field = find_cells(image)
    for cell in field.cells:
        left, top, right, bottom = window(cell, field)
        assert (crop(image, cell, field).pixels == image.pixels[top:bottom, left:right]).all()
        if not cell.touching_edge:
            assert (right - left) * field.microns_per_pixel == pytest.approx(30, abs=0.3)


def test_models_of_other_tasks_do_not_sort():
    """`all-vs-normal` knows no types."""
    with pytest.raises(InvalidParameter, match=r"wbc-types.*Received"):
        load_sorter("all-vs-normal/svm")


def test_command_answers_each_field_and_goes_on_over_bad_files(tmp_path, capsys):
    """One line a field, in the order given; what can't be read says why in one sentence."""
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(drawn_field([(200, 180)]).pixels).save(good)
    bad.write_bytes(b"not a picture")
    files = [str(bad), str(tmp_path / "none.png"), str(good)]
    assert main(["smear", *files, "--model", "wbc-types/sgd", "--detector", "segmentation", "--json"]) == 1
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert not first["ok"]
    assert first["error"].startswith("bad.png: this file is not a picture")
    assert second["cells"] == []
    assert third["ok"]
    assert third["blasts"] == "not assessed by the machine"
    (cell,) = third["cells"]
    assert set(cell) == {"box", "score", "touching_edge", "type", "probabilities", "doubts"}
    x0, y0, x1, y1 = cell["box"]
    assert x0 < 200 < x1
    assert y0 < 180 < y1
    assert main(["smear", files[2], "--model", "wbc-types/sgd", "--microns-per-pixel", "9"]) == 2
