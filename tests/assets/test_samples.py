"""The drawn samples that ship: readable, marked in their pixels, and what the program draws."""

import json
from pathlib import Path

import numpy as np
import pytest

from assets.draw import collection, mark, single, smear
from components import samples
from leuk_core.images import decode
from leuk_core.settings import settings

TOLD = json.loads((samples.DRAWN / "samples.json").read_text("utf-8"))


def shipped(file):
    return decode((samples.DRAWN / file).read_bytes(), file).pixels


def test_every_file_decodes_is_told_of_and_together_they_are_small():
    files = sorted(samples.DRAWN.glob("*.png"))
    assert [file.name for file in files] == [entry["file"] for entry in TOLD]
    assert {entry["form"] for entry in TOLD} == {"cell", "crop", "field"}
    assert sum(file.stat().st_size for file in files) < 4e6
    for entry in TOLD:
        height, width, _ = shipped(entry["file"]).shape
        for cell in entry["white_cells"]:
            left, top, right, bottom = cell["box"]
            assert left < right <= width
            assert top < bottom <= height


@pytest.mark.parametrize("entry", TOLD, ids=lambda entry: entry["file"])
def test_every_picture_says_synthetic_in_its_pixels(entry):
    pixels = shipped(entry["file"]).astype(int)
    word = pixels[mark.letters(*pixels.shape[:2]) == 255]
    assert len(word) > 200
    ink = mark.ON_BLACK if entry["form"] == "cell" else mark.ON_SMEAR
    assert np.abs(word - ink).max() <= 1


def test_the_program_draws_what_ships():
    kind, seed = collection.CELLS[1]
    cell = mark.marked(single.single(kind, seed)[0])
    kind, seed, light = collection.CROPS[0]
    crop = mark.marked(smear.field(collection.CROP, collection.CROP_SCALE, [(kind, (0.5, 0.5))], light, seed)[0])
    for drawn, file in ((cell, "synthetic-02-blast.png"), (crop, "synthetic-21-crop-lymphocyte.png")):
        # another processor may round another way, by a grey level
        assert np.abs(drawn.astype(int) - shipped(file)).mean() < 0.2


def test_own_pictures_come_before_the_drawn_ones(tmp_path, monkeypatch):
    monkeypatch.delenv("LEUK_TEST_DATA", raising=False)
    settings.cache_clear()
    source, found = samples.samples()
    assert (source, len(found)) == ("drawn", samples.MOST)
    (tmp_path / "a.PNG").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.setenv("LEUK_SAMPLE_CELLS", str(tmp_path))
    settings.cache_clear()
    assert samples.samples() == ("own", [samples.Sample(Path(tmp_path / "a.PNG"))])
    monkeypatch.undo()
    settings.cache_clear()
