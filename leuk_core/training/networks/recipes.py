"""The recipe of a network: the same window on the cell as every other model's, at the network's size and scaling."""

from __future__ import annotations

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.zoo import catalogue


def recipe_of(name: str, size: int, *, logmh: bool = True, stain: bool = True) -> Recipe:
    """Return the recipe that a network is trained with.

    Parameters
    ----------
    name : str
        In the catalogue.
    size : int
        Side of the picture in pixels. The window in micrometres is that of the default recipe, whatever the size, so
        that a cell fills the same share of every network's picture.
    logmh : bool
        Whether LoGMH sharpens the cell, as in the default recipe.
    stain : bool
        Whether colours are brought to the reference stain, as in the default recipe.

    Examples
    --------
    >>> recipe_of("alexnet", 227) == Recipe()
    True
    >>> recipe_of("efficientnet-lite", 96).microns_per_pixel
    0.19626
    """
    usual = Recipe()
    window = usual.size * (usual.microns_per_pixel or 0.0)
    return Recipe(
        size=size,
        microns_per_pixel=round(window / size, 6),
        stain=usual.stain if stain else "none",
        scaling=catalogue.entry(name).scaling,
        logmh=usual.logmh if logmh else None,
    )
