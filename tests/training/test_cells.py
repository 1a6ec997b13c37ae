"""The detector's training: crops whose boxes stay on their cells, versions that are never overwritten."""

import json

import numpy as np
import pytest
from PIL import Image

from leuk_core.cells import network
from leuk_core.registry.weights import save_network
from leuk_core.settings import settings
from tests.cells.field_makers import drawn_field
from train import cells_judge
from train.__main__ import main
from train.cells_crops import SIDE, Material, batch
from train.fields import BoxedField

MIDDLES = [(200, 180), (650, 450)]
BOXES = np.array([[x - 65, y - 65, x + 65, y + 65] for x, y in MIDDLES], np.float32)


@pytest.fixture
def field(tmp_path):
    path = tmp_path / "field.png"
    Image.fromarray(drawn_field(MIDDLES).pixels).save(path)
    return BoxedField(path, BOXES, ("WBC", "WBC"))


def test_boxes_of_a_crop_lie_on_its_cells_and_inside_it(field):
    """Turned, mirrored, scaled: the middle of a box is darker than the crop's ground in every stain."""
    pixels = network.evened(field.picture().pixels)
    pictures, boxes = batch([Material(pixels, BOXES)], 24, np.random.default_rng(0))
    assert pictures.shape == (24, SIDE, SIDE, 3)
    darker = []
    for picture, of_crop in zip(pictures, boxes, strict=True):
        assert ((of_crop >= 0) & (of_crop <= SIDE)).all()
        for x0, y0, x1, y1 in of_crop:
            if min(x0, y0) > 0 and max(x1, y1) < SIDE:
                middle = picture[int((y0 + y1) / 2), int((x0 + x1) / 2)].mean()
                darker.append(middle < np.percentile(picture.mean(axis=2), 70))
    assert len(darker) > 8
    assert np.mean(darker) > 0.9


def test_a_version_is_never_overwritten_and_its_least_score_is_chosen_on_other_fields(field, tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    save_network(network.build(), run / "network.safetensors")
    (run / "epochs.jsonl").write_text(json.dumps({"epochs": 1, "seconds": 2.0, "loss": [1, 2, 3, 4]}) + "\n")
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path / "models"))
    settings.cache_clear()
    try:
        first, second = (cells_judge.store(run, [field], 0.1, {"default": False}) for _ in range(2))
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert second["detector"] == first["detector"] + ".2"
    cards = sorted((tmp_path / "models" / "detectors" / "centernet").glob("*/card.json"))
    assert len(cards) == 2
    card = json.loads(cards[0].read_text("utf-8"))
    assert card["chosen_on"]["fields"] == 1
    assert str(card["least_score"]) in card["chosen_on"]["f1_by_least_score"]


def test_a_wrong_folder_is_told_in_one_sentence(tmp_path, capsys):
    assert main(["cells", "fit", "--data", str(tmp_path), "--run", str(tmp_path / "run")]) == 2
    assert "must be the folder of BCCD" in capsys.readouterr().err
