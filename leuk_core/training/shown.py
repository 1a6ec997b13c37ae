"""What models are shown in training: every cell of a set brought to form once, kept on disk, augmented on the way out.

Kept is the picture before LoGMH, as bytes; LoGMH and scaling run when a cell is asked for. So what comes out is the
same, bit for bit, as `Recipe.apply` gives in the app.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import Parallel, delayed

from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.errors import InvalidData, LeukError
from leuk_core.preprocessing.augment import Augmentation
from leuk_core.preprocessing.measure import size_and_colour
from leuk_core.preprocessing.recipe import CNMC_MICRONS_PER_PIXEL, Recipe
from leuk_core.private import make_private
from leuk_core.training.run import whole

Progress = Callable[[int, int, str], None]

SCALE_COLUMN = "microns_per_pixel"
"""Column of a manifest that gives each picture's scale."""

_SHARD = 500  # cells a file; a killed preparation goes on at the last whole shard


@dataclass(frozen=True)
class ShownCells:
    """A set of cells brought to form.

    Parameters
    ----------
    key : str
        Names the cells and the recipe (LoGMH, scaling and name left out) by content.
    sized : ndarray of shape (n, size, size, 3), uint8
        Each cell before LoGMH.
    masks : ndarray of shape (n, size, size), bool
        The cell's outline.
    problems : list of str
        Why no single cell was found; empty where one was.
    areas : ndarray of shape (n,), float64
        Cell area in square micrometres; NaN where the scale is unknown.
    colours : ndarray of shape (n, 3), float64
        Mean red, green, blue inside the outline on the original picture; NaN where no cell was found.
    pixels_sha256 : list of str
        Identity of each picture.
    """

    key: str
    sized: np.ndarray
    masks: np.ndarray
    problems: list[str]
    areas: np.ndarray
    colours: np.ndarray
    pixels_sha256: list[str]

    def __len__(self) -> int:
        return len(self.sized)

    def picture(self, index: int, recipe: Recipe) -> np.ndarray:
        """Return float32 in [0, 1] of shape (size, size, 3): the cell after LoGMH, before scaling."""
        return recipe.filtered(self.sized[index], self.masks[index])

    def augmented(self, index: int, recipe: Recipe, augmentation: Augmentation, seed: tuple[int, ...]) -> np.ndarray:
        """Return a changed copy of `picture`; the same `seed` and `index` give the same one."""
        rng = np.random.default_rng([*seed, index])
        return augmentation.draw(rng).apply(self.picture(index, recipe))

    @property
    def usable(self) -> np.ndarray:
        """Positions of the pictures on which a cell was found at all, of known scale or not."""
        return np.flatnonzero(np.isfinite(self.colours).all(axis=1))


def scale_of_set(cells: LabelledCells) -> float | None:
    """Return the scale of a set whose layout tells it (C-NMC), in micrometres a pixel; None otherwise."""
    looks_like_cnmc = cells.layout == "C-NMC" or all(cell.name.rsplit("/", 1)[-1].startswith("UID_") for cell in cells)
    return CNMC_MICRONS_PER_PIXEL if looks_like_cnmc else None


def prepare(
    cells: LabelledCells,
    recipe: Recipe,
    folder: Path,
    microns_per_pixel: float | None = None,
    progress: Progress | None = None,
    jobs: int = 2,
) -> ShownCells:
    """Bring every cell to form, or read what an earlier call left.

    Parameters
    ----------
    cells : LabelledCells
        The set.
    recipe : Recipe
        Everything up to the size counts; LoGMH and scaling are applied later.
    folder : Path
        Where prepared cells are kept; may be deleted at any time.
    microns_per_pixel : float or None
        Scale of all pictures; None takes each cell's `extra["microns_per_pixel"]`, or lets its picture tell.
    progress : callable or None
        Called with (done, total, words).
    jobs : int
        Processes.

    Raises
    ------
    InvalidData
        If a scale is no number above 0.
    LeukError
        If a picture can't be read.
    """
    geometry = replace(recipe, logmh=None, scaling="unit", name="")
    bytes_of = [hashlib.sha256(cell.read()).hexdigest() for cell in cells]
    scales = [microns_per_pixel if microns_per_pixel is not None else _own_scale(cell) for cell in cells]
    told = scales[0] if len(set(scales)) == 1 else scales
    identity = json.dumps([geometry.to_dict(), told, bytes_of], sort_keys=True)
    key = hashlib.sha256(identity.encode()).hexdigest()[:20]
    home = folder / "shown" / key
    make_private(folder)
    home.mkdir(parents=True, exist_ok=True)
    shards = range(0, len(cells), _SHARD)
    parts = []
    for number, start in enumerate(shards):
        path = home / f"{number:04d}.npz"
        batch = zip(cells[start : start + _SHARD], scales[start : start + _SHARD], strict=True)
        if not path.is_file():
            made = Parallel(jobs, batch_size=25)(delayed(_one)(cell, geometry, scale) for cell, scale in batch)
            _write(path, made)
        with np.load(path) as stored:
            parts.append({name: stored[name] for name in stored.files})
        if progress is not None:
            progress(min(start + _SHARD, len(cells)), len(cells), "cells brought to form")
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    masks = np.unpackbits(together["masks"], axis=-1)[..., : recipe.size].astype(bool)
    return ShownCells(
        key=key,
        sized=together["sized"],
        masks=masks,
        problems=together["problems"].tolist(),
        areas=together["areas"],
        colours=together["colours"],
        pixels_sha256=together["pixels_sha256"].tolist(),
    )


def _own_scale(cell: LabelledCell) -> float | None:
    written = cell.extra.get(SCALE_COLUMN)
    if not written:
        return None
    try:
        scale = float(written)
    except ValueError:
        scale = 0.0
    if not 0 < scale < math.inf:
        raise InvalidData(f"`{SCALE_COLUMN}` must be a number above 0. Received: {written!r} for {cell.name}")
    return scale


def _one(cell: LabelledCell, recipe: Recipe, microns_per_pixel: float | None) -> dict[str, Any]:
    cv2.setNumThreads(1)  # the processes share the cores
    try:
        image = cell.picture()
    except LeukError as error:
        raise type(error)(f"{cell.name}: {error}") from error
    stages = recipe.stages(image, microns_per_pixel)
    area, colour = size_and_colour(image.pixels, stages.cutout.mask, stages.microns_per_pixel)
    return {
        "sized": stages.pictures["size"],
        "masks": np.packbits(stages.mask, axis=-1),
        "problems": stages.cutout.problem or "",
        "areas": area,
        "colours": colour,
        "pixels_sha256": image.pixels_sha256,
    }


def _write(path: Path, made: list[dict[str, Any]]) -> None:
    arrays = {name: np.array([entry[name] for entry in made]) for name in made[0]}
    with whole(path) as unfinished, unfinished.open("wb") as file:  # a shard is whole or absent
        np.savez(file, allow_pickle=False, **arrays)
