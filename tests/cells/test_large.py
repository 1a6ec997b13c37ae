"""Pictures that are read a part at a time: every cell once, where it lies on the whole, and one scale for all."""

import json

import numpy as np
import pytest

from leuk_core.cells import large
from leuk_core.cells.detect import find_cells
from leuk_core.cells.sort import load_sorter
from leuk_core.cli import main
from leuk_core.images import open_tiled
from leuk_core.settings import settings
from tests.cells.field_makers import drawn_field
from tests.images.picture_makers import tiff

WHITE = [(200, 180), (520, 250), (860, 400), (520, 800), (1150, 780)]  # the second and fourth lie on a seam


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A drawn slide that is too large to be decoded whole, in parts of 640 that share 240."""
    path = tmp_path / "slide.tif"
    path.write_bytes(tiff(drawn_field(WHITE, 1300, 1000).pixels, photometric="rgb", tile=(128, 128)))
    monkeypatch.setattr(large, "SIDE", 640)
    monkeypatch.setattr(large, "SHARED", 240)
    monkeypatch.setattr(settings(), "max_megapixels", 0.5)
    return path


def test_every_cell_is_given_once(slide):
    """Also those on a seam; none is cut by it."""
    picture = open_tiled(slide, "slide.tif")
    scale, source = large.large_scale(picture)
    assert source == "red cells"
    assert scale == pytest.approx(0.1, rel=0.15)
    found = list(large.cells_in_parts(picture, load_sorter("wbc-types/sgd"), scale, "segmentation"))
    middles = sorted(((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in (entry.cell.box for entry in found))
    assert np.array(middles) == pytest.approx(np.array(sorted(WHITE)), abs=8)
    assert not any(entry.cell.touching_edge for entry in found)


def test_a_person_s_scale_goes_first(slide):
    assert large.large_scale(open_tiled(slide, "x"), 0.2) == (0.2, "person")


def test_command_reads_a_large_picture_in_parts(slide, tmp_path, capsys):
    """Where a picture can't be read in parts either, its first refusal is told."""
    bad = tmp_path / "large.bmp"
    bad.write_bytes(b"BM" + bytes(100))
    command = ["smear", str(slide), str(bad), "--model", "wbc-types/sgd", "--detector", "segmentation", "--json"]
    assert main(command) == 1
    row, refused = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["ok"]
    assert (row["width"], row["height"], row["detector"]) == (1300, 1000, "segmentation")
    assert len(row["cells"]) == len(WHITE)
    assert row["notes"][0]["code"] == "in-parts"
    assert refused["error"].startswith("large.bmp: ")
    assert refused["cells"] == []


def test_parts_agree_with_the_whole(slide, monkeypatch):
    """With the detector that answers unless another is asked for."""
    picture = open_tiled(slide, "x")
    cells = list(large.cells_in_parts(picture, load_sorter("wbc-types/sgd"), 0.1))
    monkeypatch.setattr(settings(), "max_megapixels", 2)
    whole = find_cells(picture.region(0, 0, 1300, 1000), 0.1)
    assert abs(len(cells) - len(whole.cells)) <= 2  # ground at the borders is evened differently
