"""What every network of the catalogue promises. A new one is a module and a catalogue line: nothing is written here."""

import importlib.util
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import keras
import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.recipe import SCALES
from leuk_core.registry.versions import MODELS
from leuk_core.registry.weights import load_network, save_network
from leuk_core.zoo import catalogue

ROOT = Path(__file__).resolve().parents[2]
NAMES = list(catalogue.ENTRIES)
DETECTORS = [name for name in NAMES if catalogue.ENTRIES[name].detector]
SECOND_BACKENDS = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]


def label_of(model, pictures):
    """Return the label as an array."""
    return keras.ops.convert_to_numpy(catalogue.outputs_of(model, pictures)[0])


def normalisations(model):
    """Return the layers of batch normalisation."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_catalogue_holds_the_networks_of_the_registry():
    assert set(NAMES) == set(MODELS) - {"mlp", "rf", "svm", "knn", "sgd"}
    assert all(entry.scaling in SCALES for entry in catalogue.ENTRIES.values())


@pytest.mark.parametrize("name", NAMES)
def test_one_flat_graph_whose_label_sums_to_one(name, network, cells):
    model = network(name)
    assert model.output_names[0] == "label"
    assert model.get_layer("logits").units == 2
    assert not [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    assert isinstance(model.output, list) is catalogue.ENTRIES[name].detector
    label = label_of(model, cells.scaled(catalogue.ENTRIES[name].scaling))
    assert label.shape == (4, 2)
    assert label.dtype == np.float32
    np.testing.assert_allclose(label.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("size", "classes"), [(128, 5), (227, 8)])
@pytest.mark.parametrize("name", NAMES)
def test_builds_at_other_sizes_with_the_same_names_of_weights(name, size, classes, network):
    model = catalogue.build(name, classes, size)
    assert model.input_shape == (None, size, size, 3)
    assert model.get_layer("label").output.shape == (None, classes)
    assert [variable.path for variable in model.weights] == [variable.path for variable in network(name).weights]
    _, rows, columns, _ = model.get_layer(catalogue.heat_map_layer(name, model)).output.shape
    assert min(rows, columns) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_backbone_of_a_detector_stays_small(name, network):
    if catalogue.ENTRIES[name].detector:
        backbone = [names for stage, names in catalogue.stages(name, network(name)).items() if stage != "head"]
        layers = map(network(name).get_layer, chain(*backbone))
        assert sum(layer.count_params() for layer in layers) <= 12e6


@pytest.mark.parametrize("name", NAMES)
def test_stages_hold_each_layer_once_and_normalisation_learns_in_the_last_only(name, network):
    model = network(name)
    stages = catalogue.stages(name, model)
    assert sorted(chain(*stages.values())) == sorted(layer.name for layer in model.layers if layer.weights)
    assert all(stages[stage] for stage in ("trunk", "tail", "head"))
    free = {}
    for stage in ("head", "tail", "all"):
        catalogue.set_trainable(name, model, stage)
        free[stage] = {variable.path for variable in model.trainable_weights}
        assert {layer.trainable for layer in normalisations(model)} <= {stage == "all"}
    assert free["head"] < free["tail"] < free["all"]
    assert all(path.split("/")[0] in stages["head"] for path in free["head"])
    catalogue.set_trainable(name, model, "all", statistics=False)
    assert not any(layer.trainable for layer in normalisations(model))
    catalogue.set_trainable(name, model, "all")
    assert len(model.trainable_weights) == len(free["all"])


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_lowers_the_loss(name, network, cells):
    model = network(name)
    catalogue.set_trainable(name, model, "all")
    model.compile(
        keras.optimizers.Adam(1e-4),
        loss=catalogue.losses(name, 2),
        loss_weights=catalogue.loss_weights(name),
        run_eagerly=True,  # so few steps are done before a graph of this size is traced
    )
    pictures = cells.scaled(catalogue.ENTRIES[name].scaling)
    targets = catalogue.targets(name, cells.masks, cells.labels, 2, 96)
    assert [len(target) for target in targets] == [4] * len(model.outputs)
    weights = [np.ones(4, np.float32)] * len(targets)
    steps = [model.train_on_batch(pictures, targets, sample_weight=weights, return_dict=True) for _ in range(2)]
    assert steps[1]["loss"] < steps[0]["loss"]


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_it_answers_the_same(name, network, cells, tmp_path):
    model = network(name)
    pictures = cells.scaled(catalogue.ENTRIES[name].scaling)[:2]
    before = label_of(model, pictures)
    save_network(model, tmp_path / "exact.safetensors", half=False)
    save_network(model, tmp_path / "half.safetensors")
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape, np.float32))
    np.testing.assert_allclose(
        label_of(load_network(model, tmp_path / "half.safetensors"), pictures), before, atol=0.05
    )
    np.testing.assert_array_equal(label_of(load_network(model, tmp_path / "exact.safetensors"), pictures), before)


@pytest.mark.parametrize("name", NAMES)
def test_grad_cam_reaches_the_heat_map_layer(name, network, cells):
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    model = network(name)
    layer = catalogue.heat_map_layer(name, model)
    pictures = cells.scaled(catalogue.ENTRIES[name].scaling)[1:2]
    cam = Gradcam(catalogue.label_model(model), clone=False)
    maps = cam(CategoricalScore([1]), pictures, penultimate_layer=layer, normalize_cam=False)
    assert np.shape(maps) == (1, 96, 96)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("name", NAMES)
def test_outputs_that_are_the_targets_give_the_true_boxes(name, network, cells):
    model = network(name)
    targets = catalogue.targets(name, cells.masks, cells.labels, 2, 96)
    perfect = [target[..., : output.shape[-1]] for target, output in zip(targets[1:], model.outputs[1:], strict=True)]
    found = catalogue.boxes(name, [np.eye(2)[cells.labels], *perfect], 96)
    if not catalogue.ENTRIES[name].detector:
        assert found == [[]] * 4
        return
    for boxes, mask, label in zip(found, cells.masks, cells.labels, strict=True):
        rows, columns = np.nonzero(mask)
        true = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert len(boxes) == 1
        np.testing.assert_allclose(boxes[0][:4], true, atol=1e-2)
        assert boxes[0][4:] == (1.0, label)


@pytest.mark.skipif(not SECOND_BACKENDS, reason="no second backend of Keras: neither torch nor jax is installed")
def test_a_second_backend_gives_the_same_numbers(network, cells, tmp_path):
    for name in NAMES:
        save_network(network(name), tmp_path / f"{name}.safetensors", half=False)
        np.save(tmp_path / f"{name}.npy", cells.scaled(catalogue.ENTRIES[name].scaling)[:2])
    environment = dict(os.environ, KERAS_BACKEND=SECOND_BACKENDS[0], JAX_PLATFORMS="cpu")
    environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # each layer runs once: compiling it well takes longer
    command = [sys.executable, str(Path(__file__).with_name("second_backend.py")), str(tmp_path), *NAMES]
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in NAMES:
        outputs = catalogue.outputs_of(network(name), np.load(tmp_path / f"{name}.npy"))
        with np.load(tmp_path / f"{name}.npz") as answered:
            for ours, theirs in zip(outputs, answered.values(), strict=True):
                np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), theirs, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_parameters_are_named(name):
    with pytest.raises(InvalidParameter, match=r"`classes` must be at least 2. Received: classes=1"):
        catalogue.build(name, 1, 96)
    with pytest.raises(InvalidParameter, match=r"`size` must be at least \d+ pixels. Received: size=32"):
        catalogue.build(name, 2, 32)
    with pytest.raises(InvalidParameter, match=r"has the parameters .*dropout.* Received also: \['wdith'\]"):
        catalogue.build(name, 2, 96, wdith=1)
    with pytest.raises(InvalidParameter, match=r"`dropout` must be from 0 to under 1. Received: dropout=1.5"):
        catalogue.build(name, 2, 96, dropout=1.5)
