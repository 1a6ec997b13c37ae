"""DCNN features of whole sets and of their augmented copies, computed once and kept as plain arrays."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leuk_core.preprocessing.augment import Augmentation
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.run import write_array
from leuk_core.training.shown import Progress, ShownCells

if TYPE_CHECKING:
    from leuk_core.features.extractor import FeatureExtractor

_FORM = 1
"""Part of what names a kept array; another number where the same inputs come to other features."""

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
    weights = extractor.card["files"]["dcnn.safetensors"]
    changes = augmentation if augmentation is not None else Augmentation()
    place = folder / "features"
    _sweep(place)
    found = []
    for copy in range(copies + 1):
        drawn = changes if copy else None
        told = [asdict(drawn), seed, copy] if drawn else None
        identity = json.dumps([_FORM, shown.key, weights, recipe.hash, told], sort_keys=True)
        path = place / f"{hashlib.sha256(identity.encode()).hexdigest()[:20]}.npy"
        if not path.is_file():
            write_array(path, _one_copy(shown, extractor, progress, recipe, drawn, (seed, copy)))
        found.append(np.load(path, mmap_mode="r", allow_pickle=False))
    return found


def _sweep(place: Path) -> None:
    """Delete what others left unfinished that were killed long ago."""
    for path in place.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                path.unlink()


def _one_copy(
    shown: ShownCells,
    extractor: FeatureExtractor,
    progress: Progress | None,
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
