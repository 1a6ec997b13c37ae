"""Start weights: what is filled, what is refused, and what a card can say of it."""

import hashlib
import json
import shutil

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from leuk_core import PROJECT_ROOT
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.settings import settings
from leuk_core.zoo import catalogue, start_weights

REFERENCE = {71: 4.5303, 113: 3.7116, 245: 3.9962, 400: 0.6234, 755: 3.6383, 800: 0.0, 897: 4.7377, 1167: 3.8908}
"""Pooled features of the torch original for `test_converted_network_...`'s picture, by channel."""


@pytest.fixture
def lite():
    """Return a fresh EfficientNet-Lite0 for 96 pixels."""
    return catalogue.build("efficientnet-lite", 2, 96)


def test_shipped_imagenet_weights_fill_all_but_the_head(lite):
    head = [variable.numpy() for variable in lite.get_layer("logits").weights]
    start = start_weights.load("efficientnet-lite", lite)
    assert start.loaded == sum(int(np.prod(v.shape)) for v in lite.weights) - sum(part.size for part in head)
    assert (start.licence, start.warning) == ("Apache-2.0", "")
    json.dumps(start.to_dict())
    for before, variable in zip(head, lite.get_layer("logits").weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), before)


def test_converted_network_gives_the_numbers_of_the_torch_original(lite):
    """The reference was computed by the original in torch 2.13; half precision moves it by about 1 %."""
    start_weights.load("efficientnet-lite", lite)
    rows, columns = np.mgrid[:96, :96] / np.float32(96)
    picture = np.stack([rows, columns, (rows + columns) / 2], axis=-1)[None] * 2 - 1
    features = keras.Model(lite.input, lite.get_layer("features").output)(picture.astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(features[list(REFERENCE)], list(REFERENCE.values()), atol=0.05)


@pytest.mark.parametrize("name", [name for name, kind in start_weights.SHIPPED if kind == "imagenet"])
def test_detectors_stand_on_the_same_trunk(name):
    model = catalogue.build(name, 2, 96)
    start_weights.load(name, model)
    trunk = load_file(PROJECT_ROOT / "models/start/efficientnet-lite0/trunk.safetensors")
    for layer in ("stem_conv", "block15_project_conv"):
        np.testing.assert_array_equal(model.get_layer(layer).kernel.numpy(), np.float32(trunk[f"{layer}/kernel"]))


def test_alexnet_starts_from_the_filters_of_the_shipped_extractor():
    model = catalogue.build("alexnet", 2, 96)
    start = start_weights.load("alexnet", model, "in-domain")
    (path,) = (PROJECT_ROOT / "models/extractors/dcnn/1").glob("*.safetensors")
    np.testing.assert_array_equal(model.get_layer("conv5").kernel.numpy(), np.float32(load_file(path)["conv5/kernel"]))
    assert start.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_random_weights_carry_a_warning(lite):
    start = start_weights.load("efficientnet-lite", lite, "random")
    assert "random weights" in start.warning
    assert start.loaded == 0


def test_what_was_learnt_on_one_task_starts_another(lite, tmp_path):
    start_weights.load("efficientnet-lite", lite)
    digest = start_weights.save_trunk("efficientnet-lite", lite, tmp_path / "cells.safetensors")
    other = catalogue.build("efficientnet-lite", 8, 128)
    start = start_weights.load("efficientnet-lite", other, "in-domain", tmp_path / "cells.safetensors", digest)
    assert start.sha256 == digest
    assert str(tmp_path) not in json.dumps(start.to_dict())
    np.testing.assert_array_equal(other.get_layer("top_conv").kernel.numpy(), lite.get_layer("top_conv").kernel.numpy())
    with pytest.raises(ModelUnavailable, match=r"not the file that was asked for. Received: SHA-256 "):
        start_weights.load("efficientnet-lite", other, "in-domain", tmp_path / "cells.safetensors", "0" * 64)


def test_a_file_that_does_not_fit_changes_nothing(lite, tmp_path):
    arrays = load_file(PROJECT_ROOT / "models/start/efficientnet-lite0/trunk.safetensors")
    arrays["top_conv/kernel"] = np.zeros((1, 1, 320, 640), np.float16)
    save_file(arrays, tmp_path / "narrow.safetensors")
    before = lite.get_layer("stem_conv").kernel.numpy()
    with pytest.raises(
        ModelUnavailable, match=r"top_conv/kernel needs \(1, 1, 320, 1280\). Received: \(1, 1, 320, 640\)"
    ):
        start_weights.load("efficientnet-lite", lite, "file", tmp_path / "narrow.safetensors")
    np.testing.assert_array_equal(lite.get_layer("stem_conv").kernel.numpy(), before)


def test_changed_start_weights_are_refused(lite, tmp_path, monkeypatch):
    shutil.copytree(PROJECT_ROOT / "models/start", tmp_path / "start")
    with (tmp_path / "start/efficientnet-lite0/trunk.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    monkeypatch.setattr(settings(), "models_dir", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"trunk.safetensors is not the file that the card names"):
        start_weights.load("efficientnet-lite", lite)


def test_without_a_download_the_way_out_is_said(monkeypatch):
    def unreachable(**_):
        raise OSError("no route")

    monkeypatch.setattr(keras.applications, "Xception", unreachable)
    with pytest.raises(
        ModelUnavailable, match=r"could not be downloaded. Give a file .*random weights. Received: no route"
    ):
        start_weights.load("xception", catalogue.build("xception", 2, 96, width=0.1, middle_blocks=0))


@pytest.mark.parametrize(
    ("start", "said"), [("in-domain", "`path` must name a weights file"), ("best", "must be one of")]
)
def test_wrong_use_is_named(lite, start, said):
    with pytest.raises(InvalidParameter, match=said):
        start_weights.load("efficientnet-lite", lite, start)


@pytest.mark.parametrize(("name", "layer"), [("xception", "exit2_relu"), ("inception-resnet", "top_relu")])
def test_given_its_weights_a_network_is_the_published_one(name, layer):
    published = getattr(keras.applications, start_weights.PUBLISHED[name])
    published = published(include_top=False, weights=None, input_shape=(96, 96, 3))
    rng = np.random.default_rng(0)
    for variable in published.weights:
        if variable.path.endswith(("beta", "moving_mean")):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    model = catalogue.build(name, 2, 96)
    arrays = start_weights.from_published(name, model, published)
    for variable in model.weights:
        if variable.path in arrays:
            variable.assign(arrays[variable.path])
    picture = rng.uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    ours = keras.Model(model.input, model.get_layer(layer).output)(picture)
    np.testing.assert_allclose(ours.numpy(), published(picture).numpy(), atol=1e-5)
