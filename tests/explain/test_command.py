"""`python -m leuk_core explain`: a picture, the bare map, one line of JSON, and the exit status."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from leuk_core.cli import MAP_METHODS, main
from leuk_core.explain import METHODS
from leuk_core.images import decode


@pytest.fixture
def cell(tmp_path, drawn_cell):
    path = tmp_path / "cell.png"
    Image.fromarray(drawn_cell.pixels).save(path)
    return path


def explain(cell, *words):
    out = cell.with_name("map.png")
    return main(["explain", str(cell), "--model", "all-vs-normal/svm", "--out", str(out), "--json", *map(str, words)])


def test_the_picture_the_map_and_the_line_agree(cell, capsys):
    raw = cell.with_name("map.npy")
    assert explain(cell, "--class", "hem", "--raw", raw, "--microns-per-pixel", 0.06) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["ok"], row["label"], row["method"], row["error"]) == (True, "hem", "occlusion", None)
    assert row["pixels_sha256"] == decode(cell.read_bytes(), "").pixels_sha256
    assert row["empty"] is not bool(np.load(raw).any())
    drawn = Image.open(io.BytesIO(cell.with_name("map.png").read_bytes()))
    assert drawn.size == (450, 450)
    assert drawn.info["Description"] == row["caption"]


@pytest.mark.parametrize(
    ("words", "received"),
    [(["--method", "grad-cam"], "method='grad-cam'"), (["--class", "aml"], "label='aml'")],
    ids=["method", "class"],
)
def test_what_does_not_fit_the_model_is_2(words, received, cell, capsys):
    assert explain(cell, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert received in printed.err
    assert "Traceback" not in printed.err


def test_no_picture_and_no_place_to_write_are_1(cell, capsys):
    assert explain(cell.with_name("missing.png")) == 1
    assert "no such file" in json.loads(capsys.readouterr().out)["error"]
    assert explain(cell, "--raw", cell / "no folder" / "x.npy") == 1
    assert "could not be written" in json.loads(capsys.readouterr().out)["error"]


def test_opacity_beyond_1_is_2(cell):
    with pytest.raises(SystemExit) as left:
        explain(cell, "--opacity", 1.5)
    assert left.value.code == 2


def test_the_command_knows_every_method():
    assert tuple(METHODS) == MAP_METHODS
