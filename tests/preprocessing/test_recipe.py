"""The recipe: same arrays for all, a record that rebuilds it, cell size kept, no cell found without a cell."""

import cv2
import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage, decode
from leuk_core.preprocessing.cutout import find_cell, is_on_black, red_cell_scale
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.recipe import CNMC_MICRONS_PER_PIXEL, STAGE_NAMES, Recipe
from leuk_core.preprocessing.stain import REFERENCE_MEAN, reinhard


def drawn(size=300, radius=60, centre=None, ground=(236, 214, 206), cell=(96, 48, 140)):
    """A purple disc on pink ground."""
    rows, columns = np.mgrid[:size, :size]
    x, y = centre or (size / 2, size / 2)
    picture = np.full((size, size, 3), ground, np.uint8)
    picture[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = cell
    return picture


def as_image(pixels, microns_per_pixel=None):
    return SmearImage(pixels, "cell", "", microns_per_pixel=microns_per_pixel)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(cutout="none", microns_per_pixel=None, stain="none", logmh=None)])
def test_a_recorded_recipe_rebuilds_itself_and_its_hash(recipe):
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict(recipe.to_dict()).hash == recipe.hash


def test_the_hash_follows_what_changes_the_picture_and_not_the_name():
    assert Recipe(name="mine").hash == Recipe().hash
    assert Recipe(size=96).hash != Recipe().hash
    assert Recipe(logmh=LoGMH(beta=2.0)).hash != Recipe(logmh=LoGMH(beta=1.0)).hash


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cutout": "maybe"}, r"`cutout` must be one of auto, none. Received: cutout='maybe'"),
        ({"size": 8}, r"`size` must be from 32 to 1024 pixels. Received: size=8"),
        ({"microns_per_pixel": 0.0}, r"`microns_per_pixel` must be from 0.01 to 5"),
        ({"scaling": "bytes"}, r"`scaling` must be one of unit, signed, lite"),
        ({"unheard": 1}, r"Received also: \['unheard'\]"),
        ({"format": 9}, r"A recipe of format 1 is needed. Received: format=9"),
        ({"logmh": {"gamma": 2}}, r"`logmh` has an unknown key"),
    ],
)
def test_a_wrong_recipe_is_refused_in_words(wrong, message):
    with pytest.raises(InvalidParameter, match=message):
        Recipe.from_dict({**Recipe().to_dict(), **wrong})


def test_stages_come_in_order_and_apply_gives_the_last_one_scaled():
    image = as_image(drawn(), 0.08)
    recipe = Recipe(scaling="signed")
    stages = recipe.stages(image)
    assert tuple(stages.names) == STAGE_NAMES
    assert stages.pictures["logmh"].dtype == np.float32
    assert np.array_equal(recipe.apply(image), stages.pictures["logmh"] * 2 - 1)
    assert np.array_equal(recipe.apply(image), recipe.apply(image))


@pytest.mark.parametrize("radius", [40, 60, 80])
def test_a_cell_keeps_its_size_in_micrometres(radius):
    recipe = Recipe(logmh=None)
    for scale in (0.05, 0.1):
        stages = recipe.stages(as_image(drawn(500, radius), scale))
        expected = np.pi * (radius * scale / recipe.microns_per_pixel) ** 2
        assert stages.mask.sum() == pytest.approx(expected, rel=0.05)


def test_the_scale_that_a_person_gives_wins_over_metadata():
    stages = Recipe().stages(as_image(drawn(), 0.2), 0.1)
    assert (stages.microns_per_pixel, stages.scale_source) == (0.1, "given")
    assert Recipe().stages(as_image(drawn(), 0.2)).scale_source == "metadata"
    assert Recipe().stages(as_image(drawn())).scale_source == "unknown"


def test_the_cell_nearest_the_middle_is_cut_out_and_its_ground_is_black():
    picture = np.maximum(drawn(radius=40), 0)
    corner = drawn(radius=40, centre=(40, 40))
    both = np.where((corner == (96, 48, 140)).all(axis=2)[..., None], corner, picture)
    mask = find_cell(both).mask
    assert mask[150, 150]
    assert not mask[40, 40]
    assert (Recipe().stages(as_image(both), 0.1).pictures["cut-out"][~mask] == 0).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_no_cell_is_found_on_a_blank_picture(value):
    found = find_cell(np.full((200, 200, 3), value, np.uint8))
    assert not found.found
    assert found.problem.startswith("No ")


def test_no_cell_is_found_in_noise_of_grey():
    noise = np.random.default_rng(0).normal(200, 3, (200, 200, 1)).clip(0, 255).astype(np.uint8)
    assert not find_cell(np.repeat(noise, 3, axis=2)).found


def test_two_cells_on_black_are_pointed_out():
    picture = np.zeros((300, 300, 3), np.uint8)
    for x in (90, 210):
        cv2.circle(picture, (x, 150), 40, (90, 40, 120), -1)
    assert "More than one cell" in find_cell(picture).problem


def test_stain_brings_the_mean_colour_to_the_reference():
    rng = np.random.default_rng(3)
    picture = rng.integers(60, 160, (80, 80, 3), dtype=np.uint8)
    mask = np.zeros((80, 80), bool)
    mask[20:60, 20:60] = True
    out = reinhard(picture, mask)
    lab = cv2.cvtColor(out.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[mask]
    assert lab.mean(axis=0) == pytest.approx(REFERENCE_MEAN, abs=1.0)
    assert (out[~mask] == 0).all()
    assert (out[mask].max(axis=1) > 0).all()


@pytest.mark.real
def test_a_cell_of_cnmc_passes_the_cut_out_as_it_is(cnmc_cells):
    for cell in cnmc_cells(each=2):
        image = decode(cell.path.read_bytes(), cell.path.name)
        stages = Recipe().stages(image, CNMC_MICRONS_PER_PIXEL)
        assert is_on_black(image.pixels)
        assert np.array_equal(stages.pictures["cut-out"], image.pixels)
        assert stages.cutout.problem is None
        # lymphoid cells of marrow: 6 to 17 micrometres across
        across = 2 * np.sqrt(stages.cutout.mask.sum() / np.pi) * CNMC_MICRONS_PER_PIXEL
        assert 6 < across < 17


@pytest.mark.real
def test_red_cells_give_the_scale_of_raw_crops(test_data):
    found = []
    for path in sorted((test_data / "pbc" / "lymphocyte").glob("*.jpg"))[:8]:
        image = decode(path.read_bytes(), path.name)
        scale = red_cell_scale(image.pixels)
        if scale is None:
            continue
        found.append(scale)
        # the same crop at another zoom measures accordingly
        larger = cv2.resize(image.pixels, None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC)
        zoomed = red_cell_scale(larger)
        if zoomed is not None:
            assert zoomed * 1.3 == pytest.approx(scale, rel=0.12)
    assert len(found) >= 3
    assert np.median(found) == pytest.approx(0.102, rel=0.12)


def test_the_form_of_cnmc_gives_its_scale_and_another_size_does_not():
    for side, source in ((450, "form of C-NMC"), (315, "unknown")):
        picture = np.zeros((side, side, 3), np.uint8)
        cv2.circle(picture, (side // 2, side // 2), side // 5, (90, 40, 120), -1)
        assert Recipe().stages(as_image(picture)).scale_source == source
    raw = drawn(450)
    assert Recipe().stages(as_image(raw)).scale_source == "unknown"
