"""How fast pictures come from the input pipeline, against how fast the smallest network takes them.

Run from the project's folder: `.venv/bin/python -m benchmarks.pipeline [NETWORK]`. Wanted: at least 1.5 times as fast,
so that no network waits for its pictures. Each way a network learns is timed with what feeds it: all of it (changed
pictures, as on a GPU), its frozen trunk looking once at each copy, and its tail (kept activations). Feeding and taking
are timed in turns, so that both meet the same load; medians.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np

from benchmarks.served import drawn_cell
from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.training.networks.inference import compiled
from leuk_core.training.networks.pipeline import Batches, stream
from leuk_core.training.networks.recipes import recipe_of
from leuk_core.training.networks.schedule import preset
from leuk_core.training.networks.split import split, tail_start
from leuk_core.training.networks.workshop import CellSet, StartFrom, Workshop
from leuk_core.training.shown import prepare
from leuk_core.zoo import catalogue

SMALLEST = "efficientnet-lite"
CELLS, BATCH, TURNS = 128, 32, 5
WANTED = 1.5
CLASSES = ("all", "hem")


def png(seed: int) -> bytes:
    """Return a drawn cell as a file."""
    return cv2.imencode(".png", drawn_cell(seed))[1].tobytes()


def rate(run: Callable[[], object], pictures: int) -> float:
    """Return how many pictures a second a call works through."""
    start = time.perf_counter()
    run()
    return pictures / (time.perf_counter() - start)


def fed(batches: Batches, epoch: int) -> None:
    """Take an epoch from the pipeline and do nothing with it."""
    for _ in stream(batches, epoch):
        pass


def in_turns(words: str, batches: Batches, take: Callable[[np.ndarray, tuple[np.ndarray, ...]], object]) -> None:
    """Time an epoch of feeding, then of taking one and the same batch as often, a few times; print the medians."""
    inputs, targets, _ = batches.at(0, 0)
    take(inputs, targets)  # compiles
    feeding, taking = [], []
    for turn in range(TURNS):
        feeding.append(rate(lambda turn=turn: fed(batches, turn), CELLS))
        taking.append(rate(lambda: [take(inputs, targets) for _ in range(len(batches))], CELLS))
    ratios = [one / other for one, other in zip(feeding, taking, strict=True)]
    print(
        f"{words:<44}{np.median(feeding):>9.0f}{np.median(taking):>9.0f}{np.median(ratios):>8.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f})"
    )


def learner(model: keras.Model, stage: str, name: str) -> Callable[[np.ndarray, tuple[np.ndarray, ...]], object]:
    """Return one step of learning, compiled as a training compiles it."""
    if stage == "all":
        catalogue.set_trainable(name, model, stage, statistics=False)
    losses = catalogue.losses(name, len(CLASSES))
    model.compile(keras.optimizers.AdamW(1e-4, clipnorm=1.0), loss=losses if len(model.outputs) > 1 else losses[0])
    return lambda inputs, targets: model.train_on_batch(inputs, targets if len(targets) > 1 else targets[0])


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else SMALLEST
    recipe = recipe_of(name, catalogue.entry(name).size)
    labels = np.array([CLASSES[at % 2] for at in range(CELLS)])
    with tempfile.TemporaryDirectory() as place:
        drawn = LabelledCells(
            LabelledCell(f"{at}.png", label, f"person {at % 16}", "drawn", loader=lambda at=at: png(at))
            for at, label in enumerate(labels)
        )
        shown = prepare(drawn, recipe, Path(place), 0.059, jobs=1)
        everything = np.arange(CELLS)
        cells = CellSet(shown, everything, labels, everything.astype(str), CLASSES, recipe)
        whole = Workshop(name, cells, replace(preset("gpu"), batch=BATCH), StartFrom("random"), {}, Path(place))
        tail = replace(whole, schedule=replace(preset("cpu"), batch=BATCH, copies=1))
        print(f"{catalogue.entry(name).title}, {recipe.size} pixels, batches of {BATCH}; wanted: {WANTED} times")
        print(f"{'pictures a second':<44}{'come':>9}{'taken':>9}{'times':>8}")
        network = whole.trainee().whole
        in_turns("all of it learns, changed pictures", whole.learnt(everything), learner(network, "all", name))
        trunk = compiled(split(network, tail_start(name, network))[0])
        pictures = whole.learnt(everything)
        in_turns("the trunk looks once, changed pictures", pictures, lambda inputs, _: trunk(inputs))
        trainee = tail.trainee()
        in_turns("the tail learns, kept activations", tail.learnt(everything), learner(trainee.part, "tail", name))


if __name__ == "__main__":
    main()
