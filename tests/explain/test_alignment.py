"""A place of a map lies where the model looked, on the final picture and on the original."""

import cv2
import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.explain import overlay
from leuk_core.explain.heat_map import HeatMap
from leuk_core.explain.lattice import Lattice, of_layer, onto_original
from leuk_core.explain.layers import fine_layer
from leuk_core.images import SmearImage
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.zoo import catalogue


def raw_crop(zoom: float = 1.0) -> np.ndarray:
    """A white cell off the middle among red cells, with a bright spot (a vacuole) in its nucleus; uint8 RGB."""
    pixels = np.full((360, 400, 3), (235, 225, 230), np.uint8)
    for middle in ((60, 60), (330, 70), (60, 290), (340, 300), (200, 40)):
        cv2.circle(pixels, middle, 35, (215, 160, 165), -1)
    cv2.circle(pixels, (230, 190), 70, (170, 140, 190), -1)
    cv2.circle(pixels, (235, 185), 52, (90, 40, 130), -1)
    cv2.circle(pixels, (255, 170), 7, (250, 250, 120), -1)
    return cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)


@pytest.mark.parametrize("zoom", [1.0, 0.6, 1.7])
def test_one_hot_pixel_lands_on_the_same_spot_of_the_original(zoom):
    stages = Recipe(size=160, microns_per_pixel=0.1, logmh=None, stain="none").stages(
        SmearImage(raw_crop(zoom), "", ""), 0.1 / zoom
    )
    assert stages.cutout.found
    seen = stages.pictures["logmh"]
    spot = np.unravel_index(np.argmax(seen[..., 1] * stages.mask - seen[..., 2]), seen.shape[:2])
    raw = np.zeros((160, 160), np.float32)
    raw[spot] = 1.0
    found = _map(raw, stages)
    back = found.on_original()
    assert back.shape == (round(360 * zoom), round(400 * zoom))
    y, x = np.unravel_index(back.argmax(), back.shape)
    assert np.hypot(x / zoom - 255, y / zoom - 170) < 9
    small = found.on_original((90, 100))
    y, x = np.unravel_index(small.argmax(), small.shape)
    assert np.hypot(4 * (x + 0.5) - 255, 4 * (y + 0.5) - 170) < 11
    row = next(line for line in found.csv().decode().splitlines() if line.startswith(f"{spot[0]},{spot[1]},"))
    _, _, x, y, value = map(float, row.split(","))
    assert np.hypot(x / zoom - 255, y / zoom - 170) < 9
    assert value == 1


def _map(raw, stages):
    return HeatMap(
        raw=raw,
        lattice=Lattice.stretched(raw.shape, len(stages.mask)),
        mask=np.ones_like(stages.mask),
        window=stages.window,
        original=stages.cutout.mask.shape,
        model="",
        method="saliency",
        title="Saliency",
        where="pixels",
        label="all",
        words="ALL",
        probability=0.5,
        milliseconds=0.0,
    )


def test_a_window_beyond_the_picture_keeps_its_place():
    on_seen = np.zeros((50, 50), np.float32)
    on_seen[28:32, 30:34] = 1
    back = onto_original(on_seen, (-20.0, -40.0, 80.0, 60.0), (60, 70), (60, 70))  # two original pixels for each
    hot = np.argwhere(back > 0.5)
    assert hot.mean(axis=0) == pytest.approx([20 - 0.5, 2 * 32 - 20 - 0.5], abs=0.6)


@pytest.mark.parametrize("name", ["efficientnet-lite", "alexnet"])
def test_places_of_a_layer_lie_where_their_receptive_fields_do(name):
    """A spot changes most the places whose middles are nearest; the mean of the change lies at the spot."""
    import keras

    size = 227
    keras.utils.set_random_seed(3)
    model = catalogue.build(name, 2, size)
    layer = catalogue.heat_map_layer(name, model)
    lattice = of_layer(model, layer)
    inner = keras.Model(model.input, model.get_layer(layer).output)
    spots = [(88, 88), (88, 140), (140, 88), (120, 120)]
    pictures = np.random.default_rng(0).random((1, size, size, 3), np.float32).repeat(len(spots) + 1, axis=0) * 0.2
    for index, (y, x) in enumerate(spots, start=1):
        pictures[index, y - 2 : y + 3, x - 2 : x + 3] += 1.0
    maps = np.asarray(inner.predict_on_batch(pictures))
    change = ((maps[1:] - maps[:1]) ** 2).sum(axis=-1)
    for (y, x), moved in zip(spots, change, strict=True):
        rows, columns = np.indices(moved.shape)
        found_y = lattice.top + lattice.step_y * (moved * rows).sum() / moved.sum()
        found_x = lattice.left + lattice.step_x * (moved * columns).sum() / moved.sum()
        assert abs(found_y - y) < lattice.step_y / 2
        assert abs(found_x - x) < lattice.step_x / 2


def test_overlay_leaves_cold_places_alone_and_paints_hot_ones():
    picture = np.full((4, 6, 3), 100, np.uint8)
    heat = np.zeros((4, 6), np.float32)
    heat[1, 2] = 1
    drawn = overlay(picture, heat, opacity=1.0)
    assert (drawn[0] == 100).all()
    red, green, blue = map(int, drawn[1, 2])
    assert min(red, green) > blue + 100  # yellow, the hot end of viridis
    np.testing.assert_array_equal(overlay(picture, heat, opacity=0.0), picture)
    with pytest.raises(InvalidParameter, match=r"Received: \(5, 6\)"):
        overlay(picture, np.zeros((5, 6)))


@pytest.mark.parametrize(("name", "layer"), [("efficientnet-lite", "block11_expand_relu"), ("alexnet", "conv5")])
def test_maps_by_gradients_are_read_off_a_layer_that_is_fine_enough(name, layer):
    model = catalogue.build(name, 2, 227)
    found = fine_layer(model, catalogue.heat_map_layer(name, model))
    assert found == layer
    assert of_layer(model, found).step_x == 16
