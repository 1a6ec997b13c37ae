"""Detectors: what their losses ask for, and that boxes are learnt from outlines."""

import keras
import numpy as np
import pytest

from leuk_core.preprocessing.recipe import SCALES
from leuk_core.zoo import catalogue, centernet, detection, retinanet, start_weights

DETECTORS = [name for name, entry in catalogue.ENTRIES.items() if entry.detector]
SIZE = 96


def discs(radii=(15, 27, 15, 27)):
    """Return pictures in [0, 1], masks and labels of bright discs on black, off the middle: small is 0, large is 1."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    masks = np.array(
        [(rows - 44 - 3 * i) ** 2 + (columns - 54 + 4 * i) ** 2 < radius**2 for i, radius in enumerate(radii)]
    )
    texture = np.random.default_rng(0).uniform(0.4, 0.9, (len(radii), SIZE, SIZE, 3))
    return np.float32(masks[..., None] * texture), masks, np.int32(np.array(radii) > 20)


@pytest.fixture(scope="module", params=DETECTORS)
def trained(request):
    """Train the head of a detector on four discs for a few steps; return name, targets, outputs."""
    name = request.param
    pictures, masks, labels = discs()
    factor, offset = SCALES[catalogue.ENTRIES[name].scaling]
    keras.utils.set_random_seed(3)
    model = catalogue.build(name, 2, SIZE, dropout=0.0)
    start_weights.load(name, model)
    catalogue.set_trainable(name, model, "head")
    losses, weights = catalogue.losses(name, 2), catalogue.loss_weights(name)
    model.compile(keras.optimizers.Adam(3e-3), loss=losses, loss_weights=weights)
    targets = catalogue.targets(name, masks, labels, 2, SIZE)
    for _ in range(25):
        model.train_on_batch(pictures * factor + offset, targets)
    outputs = catalogue.outputs_of(model, pictures * factor + offset)
    return name, targets, [keras.ops.convert_to_numpy(output) for output in outputs]


def test_boxes_of_drawn_cells_are_learnt(trained):
    name, _, outputs = trained
    masks, labels = discs()[1:]
    assert (outputs[0].argmax(axis=1) == labels).all()
    for boxes, true, label in zip(
        catalogue.boxes(name, outputs, SIZE), detection.outline_boxes(masks), labels, strict=True
    ):
        assert detection.overlaps(np.array([boxes[0][:4]]), true)[0] > 0.7
        assert boxes[0][5] == label


def test_the_rest_of_the_picture_is_learnt_as_background(trained):
    name, targets, outputs = trained
    if name != "centernet":
        background = outputs[1][(targets[1][..., :-1].sum(axis=-1) == 0) & (targets[1][..., -1] == 1)]
        assert background.mean() < 0.1
        return
    heat, wanted = outputs[1], targets[1]
    assert heat[wanted < 0.5].mean() < 0.1
    assert heat[wanted == 1].min() > 0.4


def test_heat_map_loss_pulls_down_what_equation_18_leaves_alone():
    wanted = np.zeros((1, 4, 4, 1), np.float32)
    wanted[0, 1, 1, 0] = 1
    good = wanted * 0.8 + 0.1
    loss = centernet.losses(2)[1]
    assert float(loss(wanted, np.full_like(wanted, 0.999))) > 10 * float(loss(wanted, good))
    at_centre = -((1 - 0.9) ** 2) * np.log(0.9)
    elsewhere = -15 * 0.1**2 * np.log(0.9)
    assert float(loss(wanted, good)) == pytest.approx(at_centre + elsewhere, rel=1e-3)


def test_anchor_loss_is_equation_8_weighed_and_leaves_out_anchors_that_do_not_count():
    wanted = np.array([[[1, 0, 1], [0, 0, 1], [0, 1, 0]]], np.float32)  # cell of class 0, background, ignored
    said = np.array([[[0.7, 0.2], [0.1, 0.3], [0.01, 0.01]]], np.float32)
    cell = -0.25 * 0.3**2 * np.log(0.7) - 0.75 * 0.2**2 * np.log(0.8)
    background = -0.75 * (0.1**2 * np.log(0.9) + 0.3**2 * np.log(0.7))
    assert float(retinanet.losses(2)[1](wanted, said)) == pytest.approx(cell + background, rel=1e-4)


def test_smooth_l1_is_a_mean_over_the_places_that_count():
    wanted = np.array([[[0.0, 0, 1], [9, 9, 0], [1, 1, 1]]], np.float32)
    said = np.array([[[0.5, 2.0], [0, 0], [1, 1]]], np.float32)
    loss = detection.SmoothL1(beta=1.0, name="boxes")
    assert float(loss(wanted, said)) == pytest.approx((0.5 * 0.25 + 1.5) / 2)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_picture_without_a_cell_asks_for_no_boxes(name):
    _, *targets = catalogue.targets(name, np.zeros((1, SIZE, SIZE), bool), [0], 2, SIZE)
    _, *losses = catalogue.losses(name, 2)
    nothing = [
        np.zeros_like(target[..., :2] if loss.name != "boxes" else target[..., :4])
        for target, loss in zip(targets, losses, strict=True)
    ]
    assert catalogue.boxes(name, [np.eye(2)[:1], *nothing], SIZE) == [[]]
    assert [float(loss(*pair)) for loss, *pair in zip(losses, targets, nothing, strict=True)] == pytest.approx(
        [0] * len(losses), abs=1e-6
    )


def test_every_cell_has_an_anchor_of_its_own():
    masks = np.zeros((2, SIZE, SIZE), bool)
    masks[0, 90:96, 90:96] = True  # too small for any anchor to overlap it by half
    masks[1, 2:94, 2:94] = True
    _, wanted, shift = retinanet.targets(masks, np.int32([1, 0]), 2, SIZE)
    assert wanted[0, :, 1].sum() >= 1
    assert wanted[1, :, 0].sum() >= 1
    assert (shift[..., 4].sum(axis=1) == wanted[..., :2].sum(axis=(1, 2))).all()


def test_of_boxes_on_one_cell_the_best_is_kept_whatever_its_class():
    boxes = np.array([[10, 10, 50, 50], [12, 11, 52, 50], [60, 60, 110, 90.0]])
    scores = np.array([[0.6, 0.1], [0.2, 0.9], [0.5, 0.3]])
    kept = detection.best_boxes(boxes, scores, size=96, least=0.4)
    assert [(box[:4], box[5]) for box in kept] == [((12, 11, 52, 50), 1), ((60, 60, 96, 90), 0)]
