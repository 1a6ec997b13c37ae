"""Several models on one recipe prepare a cell once, and the memory for that stays small."""

from dataclasses import replace

import numpy as np

from leuk_core.images import SmearImage
from leuk_core.preprocessing.kept import KeptStages
from leuk_core.preprocessing.recipe import Recipe


def cell(number, microns_per_pixel=None):
    rows, columns = np.mgrid[:80, :80]
    pixels = np.zeros((80, 80, 3), np.uint8)
    pixels[(columns - 40) ** 2 + (rows - 40) ** 2 < 900] = (96 + number, 48, 140)
    return SmearImage(pixels, "cell", "", microns_per_pixel=microns_per_pixel)


def test_the_same_picture_recipe_and_scale_are_prepared_once_whatever_range_the_model_expects():
    kept, recipe = KeptStages(), Recipe(size=64)
    first = kept.of(recipe, cell(1))
    assert kept.of(replace(recipe, scaling="lite"), cell(1)) is first
    assert np.array_equal(first.pictures["logmh"], recipe.stages(cell(1)).pictures["logmh"])
    assert not first.pictures["logmh"].flags.writeable
    others = [
        kept.of(recipe, cell(2)),
        kept.of(recipe, cell(1), 0.2),
        kept.of(recipe, cell(1, 0.2)),
        kept.of(replace(recipe, stain="none"), cell(1)),
    ]
    assert all(other is not first for other in others)
    kept.clear()
    assert kept.of(recipe, cell(1)) is not first


def test_it_holds_no_more_than_it_may():
    few, small = KeptStages(most=2), KeptStages(most_bytes=1000)
    for number in range(4):
        few.of(Recipe(size=64), cell(number))
        small.of(Recipe(size=64), cell(number))
    assert len(few) == 2
    assert len(small) == 0
