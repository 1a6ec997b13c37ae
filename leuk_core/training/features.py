"""DCNN features of whole sets and of their augmented copies, computed once and kept (joblib.Memory)."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from joblib import Memory

from leuk_core.preprocessing.augment import Augmentation
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.shown import Progress, ShownCells

if TYPE_CHECKING:
    from leuk_core.features.extractor import FeatureExtractor

_BATCH = 32
_FORGOTTEN_S = 86_400.0


def features_of(
    shown: ShownCells,
    recipe: Recipe,
    extractor: FeatureExtractor,
    folder: Path,
    copies: int = 2,
    seed: int = 0,
    augmentation: Augmentation | None = None,
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """Return the features of the cells as they are, then those of each augmented copy.

    Parameters
    ----------
    shown : ShownCells
        The set, brought to form.
    recipe : Recipe
        With LoGMH and scaling.
    extractor : FeatureExtractor
        The loaded network.
    folder : Path
        Where features are kept; may be deleted at any time.
    copies : int
        Augmented copies of each cell.
    seed : int
        Seed of the augmentations.
    augmentation : Augmentation or None
        Ranges; None takes the defaults.
    progress : callable or None
        Called with (done, total, words).

    Returns
    -------
    list of ndarray of shape (n, features), float32
        `copies + 1` arrays.
    """
    memory = Memory(folder / "features", mmap_mode="r", verbose=0)
    compute = memory.cache(_one_copy, ignore=["shown", "extractor", "progress"])
    weights = extractor.card["files"]["dcnn.safetensors"]
    changes = augmentation if augmentation is not None else Augmentation()
    try:
        with warnings.catch_warnings():  # what can't be kept can't be read back either: the reason is told, a full disk
            warnings.filterwarnings("error", "Unable to cache to disk")
            return [
                compute(shown, extractor, progress, shown.key, weights, recipe, changes if copy else None, (seed, copy))
                for copy in range(copies + 1)
            ]
    finally:
        _sweep(folder / "features")


def _sweep(folder: Path) -> None:
    """Delete what this process has left unfinished, and what others left that were killed long ago."""
    for path in folder.rglob("output.pkl.*"):
        with contextlib.suppress(OSError):
            if f"-{os.getpid()}-" in path.name or time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                path.unlink()


def _one_copy(
    shown: ShownCells,
    extractor: FeatureExtractor,
    progress: Progress | None,
    key: str,  # noqa: ARG001 - `key` and `weights` name, for the memory, what `shown` and `extractor` hold
    weights: str,  # noqa: ARG001
    recipe: Recipe,
    augmentation: Augmentation | None,
    seed: tuple[int, int],
) -> np.ndarray:
    parts = []
    for start in range(0, len(shown), _BATCH):
        positions = range(start, min(start + _BATCH, len(shown)))
        pictures = [
            shown.picture(index, recipe) if augmentation is None else shown.augmented(index, recipe, augmentation, seed)
            for index in positions
        ]
        parts.append(extractor.features(recipe.scale(np.array(pictures)), batch=_BATCH))
        if progress is not None:
            progress(positions.stop, len(shown), f"features, copy {seed[1]}" if augmentation else "features")
    return np.concatenate(parts)
