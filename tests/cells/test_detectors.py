"""The detector with weights: what it learns to say, what it finds on drawn fields, and files that were changed."""

import json
from shutil import copytree

import keras
import numpy as np
import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.cells import network
from leuk_core.cells.agreement import agreement
from leuk_core.cells.detect import find_cells
from leuk_core.cells.detectors import SEGMENTATION, Detector, default_detector, list_detectors
from leuk_core.cells.segment import nuclei_in
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.images import SmearImage, decode
from leuk_core.registry.weights import load_network, save_network
from leuk_core.settings import settings
from tests.cells.field_makers import drawn_field

NAME = "centernet"
BOXES = np.array([[12.0, 20.0, 52.0, 64.0], [100.0, 30.0, 150.0, 72.0]], np.float32)


def test_what_is_learnt_is_what_is_read():
    heat, extent, offset = network.targets([BOXES], 128, 192)
    assert heat.shape == (1, 32, 48, 1)
    found = np.array(network.boxes_of([heat[0], extent[0, ..., :2], offset[0, ..., :2]], 0.9))
    assert found[np.argsort(found[:, 0]), :4] == pytest.approx(BOXES, abs=0.01)
    assert found[:, 4] == pytest.approx(1)


def test_overlapping_peaks_are_one_cell_and_an_empty_map_is_none():
    heat, extent, offset = network.targets([np.array([[20, 20, 60, 60], [28, 20, 68, 60]], np.float32)], 128, 128)
    assert len(network.boxes_of([heat[0], extent[0, ..., :2], offset[0, ..., :2]], 0.9)) == 1
    assert network.boxes_of([heat[0] * 0, extent[0, ..., :2], offset[0, ..., :2]], 0.1) == []


@pytest.mark.parametrize("factor", [0.37, 1.0, 1.6])
def test_a_field_is_shown_with_white_ground_and_sides_of_few_sizes(factor):
    shown = network.shown(np.full((90, 130, 3), 180, np.uint8), factor)
    assert shown.dtype == np.float32
    assert not shown.shape[1] % 64
    assert not shown.shape[2] % 64
    assert np.ptp(shown) < 0.05  # ground of any light is white, and so is what was filled


def test_the_shipped_detector_finds_every_cell_of_the_drawn_samples():
    samples = PROJECT_ROOT / "assets" / "samples"
    known = json.loads((samples / "samples.json").read_text("utf-8"))
    found = []
    for entry in (one for one in known if one["form"] == "field"):
        image = decode((samples / entry["file"]).read_bytes(), entry["file"])
        drawn = np.array([cell["box"] for cell in entry["white_cells"]])
        cells = sorted(find_cells(image, detector=NAME).cells, key=lambda cell: -cell.score)
        found.append((drawn, np.array([cell.box for cell in cells])))
    counted = agreement(found)
    assert counted.images == 3
    assert counted.right == counted.cells
    assert counted.found <= counted.cells + 2  # platelets, which the sorting leaves out


def test_half_precision_moves_no_box(tmp_path):
    """By more than a twentieth of a micrometre, and no score by more than a hundredth."""
    kept = Detector(next(entry for entry in list_detectors() if entry.name == NAME))
    model = network.build()
    rng = np.random.default_rng(0)
    for variable in load_network(model, kept.version.folder / "network.safetensors").weights:
        values = np.asarray(keras.ops.convert_to_numpy(variable))
        variable.assign(values * (1 + rng.uniform(-2e-4, 2e-4, values.shape)))  # what 16 bits can't hold
    save_network(model, tmp_path / "network.safetensors")
    shown = network.shown(drawn_field([(200, 180), (650, 450)]).pixels, 0.5)
    whole = [np.asarray(values)[0] for values in model.predict_on_batch(shown)]
    halved = load_network(network.build(), tmp_path / "network.safetensors").predict_on_batch(shown)
    before = np.array(network.boxes_of(whole, kept.least))
    after = np.array(network.boxes_of([np.asarray(values)[0] for values in halved], kept.least))
    assert len(before) >= 2
    assert after[:, :4] == pytest.approx(before[:, :4], abs=0.05 / network.WORKING_SCALE)
    assert after[:, 4] == pytest.approx(before[:, 4], abs=0.01)


def test_an_unknown_detector_is_named_with_those_that_there_are():
    with pytest.raises(InvalidParameter, match=rf"{SEGMENTATION}, {NAME}. Received: detector='yolo'"):
        find_cells(SmearImage(np.full((64, 64, 3), 200, np.uint8), "", ""), detector="yolo")


def test_the_default_is_what_a_card_says_and_its_weights_are_checked(tmp_path, monkeypatch):
    source = settings().models_dir / "detectors" / NAME
    copytree(source, tmp_path / "detectors" / NAME)
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        (version,) = list_detectors()
        assert version.ref == f"{NAME}@{version.version}"
        assert default_detector() == (NAME if version.card["default"] else SEGMENTATION)
        weights = version.folder / "network.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
        with pytest.raises(ModelUnavailable, match="can't be used"):
            Detector(version)
        card = version.folder / "card.json"
        card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | {"default": False}), "utf-8")
        assert default_detector() == SEGMENTATION
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_box_without_a_nucleus_is_no_white_cell():
    """Red cells of a bluer stain than the network has seen."""
    image = drawn_field([(200, 180), (650, 450)])
    boxes = np.array([[135, 115, 265, 245], [585, 385, 715, 515], [400, 300, 480, 380]])
    with_nucleus = nuclei_in(boxes, image.pixels, 0.1)
    assert with_nucleus[:2] == pytest.approx(np.pi * 4.2**2, rel=0.1)  # square micrometres, as drawn
    assert with_nucleus[2] < 7
    kept = Detector(next(entry for entry in list_detectors() if entry.name == NAME))
    assert kept.least_nucleus > 0
    kept.least_nucleus = 1000.0
    assert len(kept.find(image.pixels, 0.1)) == 0
