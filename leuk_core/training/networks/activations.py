"""What a frozen trunk gives for every cell and its changed copies: computed once, kept on disk in half precision."""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.networks.changes import Changes
from leuk_core.training.networks.inference import compiled
from leuk_core.training.networks.pipeline import Batches, Targets, at_once, changed
from leuk_core.training.run import write_json
from leuk_core.training.shown import Progress, ShownCells

_BATCH = 32
_KEPT_EVERY = 10  # batches after which a killed run goes on


def activations_of(
    trunk: keras.Model,
    shown: ShownCells,
    recipe: Recipe,
    folder: Path,
    copies: int,
    changes: Changes,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[np.ndarray]:
    """Return what the trunk gives for the cells as they are, then for each changed copy.

    Parameters
    ----------
    trunk : keras.Model
        From pictures to one array, its weights final.
    shown : ShownCells
        The set brought to form.
    recipe : Recipe
        With LoGMH and scaling.
    folder : Path
        Where activations are kept; may be deleted at any time.
    copies : int
        Changed copies of each cell.
    changes : Changes
        Augmentations.
    seed : int
        Their seed.
    progress : callable or None
        Called with (done, total, words).

    Returns
    -------
    list of ndarray of shape (n, ...), float16
        `copies + 1` arrays, mapped from disk.
    """
    weights = weights_hash(trunk)
    found = []
    for copy in range(copies + 1):
        drawn = [changes.to_dict(), seed, copy] if copy else None
        identity = json.dumps([shown.key, recipe.hash, weights, drawn], sort_keys=True)
        path = folder / "trunks" / f"{hashlib.sha256(identity.encode()).hexdigest()[:20]}.npy"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _fill(path, trunk, shown, recipe, changes if copy else None, (seed, copy), progress)
        found.append(np.load(path, mmap_mode="r", allow_pickle=False))
    return found


def weights_hash(model: keras.Model) -> str:
    """Return the first 20 digits of the SHA-256 over a network's layers and weights."""
    shapes = [(layer.name, type(layer).__name__, layer.output.shape[1:]) for layer in model.layers]
    digest = hashlib.sha256(repr(shapes).encode())
    for variable in model.weights:
        digest.update(variable.path.encode())
        digest.update(np.ascontiguousarray(variable).tobytes())
    return digest.hexdigest()[:20]


class ActivationBatches(Batches):
    """A trunk's activations; each epoch takes for each cell one of its copies, the cell as it is among them.

    Parameters
    ----------
    arrays : sequence of ndarray of shape (n, ...)
        As `activations_of` gives them; only the first is read where `shuffle` is False.
    masks : ndarray of shape (n, size, size), bool
        Outlines of the cells as they are.
    changes : Changes
        What made the copies.
    drawn_with : int
        The seed that made them.
    targets : callable
        See `leuk_core.training.networks.pipeline.Targets`.
    """

    def __init__(
        self,
        arrays: Sequence[np.ndarray],
        masks: np.ndarray,
        changes: Changes,
        drawn_with: int,
        targets: Targets,
        positions: np.ndarray,
        labels: np.ndarray,
        batch: int,
        weights: np.ndarray | None = None,
        seed: int = 0,
        *,
        shuffle: bool = False,
        outlines: bool = False,
    ) -> None:
        super().__init__(positions, labels, batch, weights, seed, shuffle=shuffle)
        self.arrays, self.masks, self.changes, self.drawn_with = arrays, masks, changes, drawn_with
        self.targets, self.outlines = targets, outlines

    def examples(self, epoch: int, chosen: np.ndarray) -> tuple[np.ndarray, Sequence[np.ndarray]]:
        """Return activations in float32 and targets."""
        positions = self.positions[chosen]
        copies = [0] * len(chosen)
        if self.shuffle:
            rng = np.random.default_rng([self.seed, epoch, int(chosen[0]), 1])
            copies = rng.integers(len(self.arrays), size=len(chosen)).tolist()
        inputs = np.array([self.arrays[copy][at] for copy, at in zip(copies, positions, strict=True)], np.float32)
        masks = None
        if self.outlines:
            masks = np.array([self._outline(copy, int(at)) for copy, at in zip(copies, positions, strict=True)])
        return inputs, self.targets(masks, self.labels[chosen])

    def _outline(self, copy: int, position: int) -> np.ndarray:
        mask: np.ndarray = self.masks[position]
        if copy == 0:
            return mask
        rng = np.random.default_rng([self.drawn_with, copy, position])
        return self.changes.outline(mask, rng)

    def resized(self, batch: int) -> Batches:
        """Return the same source in batches of another size."""
        return ActivationBatches(
            self.arrays, self.masks, self.changes, self.drawn_with, self.targets, self.positions, self.labels, batch,
            self.weights, self.seed, shuffle=self.shuffle, outlines=self.outlines,
        )  # fmt: skip


def _fill(
    path: Path,
    trunk: keras.Model,
    shown: ShownCells,
    recipe: Recipe,
    changes: Changes | None,
    seed: tuple[int, int],
    progress: Progress | None,
) -> None:
    """Write one array; a killed run goes on after the last part that was noted as written."""
    unfinished, note = path.with_suffix(".part"), path.with_suffix(".json")
    shape = (len(shown), *trunk.output.shape[1:])
    done = json.loads(note.read_text("utf-8"))["done"] if note.is_file() and unfinished.is_file() else 0
    kept = np.lib.format.open_memmap(unfinished, "r+" if done else "w+", np.float16, None if done else shape)
    _reserve(unfinished)
    starts, run = range(done, len(shown), _BATCH), compiled(trunk)
    for number, (start, pictures) in enumerate(_pictures(starts, shown, recipe, changes, seed)):
        end = start + len(pictures)
        kept[start:end] = run(pictures).astype(np.float16)
        if number % _KEPT_EVERY == _KEPT_EVERY - 1:
            kept.flush()
            write_json(note, {"done": end})
        if progress is not None:
            progress(end, len(shown), f"trunk, copy {seed[1]}" if changes else "trunk")
    kept.flush()
    del kept
    os.replace(unfinished, path)  # noqa: PTH105 - the atomic one
    note.unlink(missing_ok=True)


def _reserve(path: Path) -> None:
    """Take the space of a whole file now: a full disk is then an error, and not the end of the process (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _pictures(
    starts: range, shown: ShownCells, recipe: Recipe, changes: Changes | None, seed: tuple[int, int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Give batches in order, the next ones made while the caller works on this one."""

    def load(start: int) -> np.ndarray:
        indices = range(start, min(start + _BATCH, len(shown)))
        return recipe.scale(np.array([changed(shown, recipe, changes, index, seed)[0] for index in indices]))

    ahead = at_once()
    with ThreadPoolExecutor(ahead) as pool:
        following = deque(pool.submit(load, start) for start in starts[:ahead])
        for number, start in enumerate(starts):
            ready = following.popleft().result()
            if number + ahead < len(starts):
                following.append(pool.submit(load, starts[number + ahead]))
            yield start, ready
