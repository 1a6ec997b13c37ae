"""All models on one cell, with and without heat maps; one network against a `model.predict` call a picture; memory.

Run from the project's folder: `.venv/bin/python -m benchmarks.compare [CELLS]`. Wanted on two cores with warm models:
all eleven answers for one cell under 2.5 s, with a heat map each under 8 s; a network under 120 ms a cell and at least
twice as many cells a second as with one `model.predict` call a picture; all models in under 3 GB; memory flat over 500
cells. Each cell is new to the models, so nothing comes from their memory but what they share on the same cell.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.served import drawn_cell
from leuk_core.explain import heat_map
from leuk_core.images import SmearImage
from leuk_core.prediction import Predictor, load_predictor
from leuk_core.preprocessing.kept import kept_stages
from leuk_core.registry import find_version, list_versions

CELLS = 500
ROUNDS = 10
SCALE = 0.059  # micrometres a pixel


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else CELLS
    new = _new_cells()
    models = _all_loaded()
    for predictor in models:  # the first answer of a model compiles it
        predictor.predict(next(new))
        heat_map(predictor, next(new))
    print(f"{len(models)} models of {models[0].task.title}, {resident():.2f} GB with all of them loaded\n")
    _table(models, new)
    _sharing(models, new)
    _network(models, new, cells)
    _memory(models, new, cells)


def _new_cells() -> Iterator[SmearImage]:
    number = 0
    while True:
        # another grey level in a corner makes another picture without drawing another cell
        pixels = drawn_cell(number % 40).copy()
        pixels[0, :3] = np.frombuffer(number.to_bytes(9, "little"), np.uint8).reshape(3, 3)
        yield SmearImage(pixels, "", "", microns_per_pixel=SCALE)
        number += 1


def _all_loaded() -> list[Predictor]:
    task, newest = find_version().task, {}
    for version in list_versions():
        if version.task == task:
            newest.setdefault(version.model, version)
    start = time.perf_counter()
    models = [load_predictor(version.ref) for version in newest.values()]
    print(f"loaded in {time.perf_counter() - start:.1f} s")
    return models


def _table(models: list[Predictor], new: Iterator[SmearImage]) -> None:
    """Time each model's part of a cell, in the order in which the page asks them, and its map."""
    answers = np.zeros((ROUNDS, len(models)))
    maps = np.zeros_like(answers)
    for turn in range(ROUNDS):
        cell = next(new)
        for place, predictor in enumerate(models):
            answers[turn, place] = seconds(partial(predictor.predict, cell))
        for place, predictor in enumerate(models):
            maps[turn, place] = seconds(partial(heat_map, predictor, cell))
    print(f"{'median of ' + str(ROUNDS) + ' cells, ms':<34} {'answer':>8} {'map':>8}")
    for place, predictor in enumerate(models):
        print(f"{predictor.ref:<34} {_ms(answers[:, place]):>8.0f} {_ms(maps[:, place]):>8.0f}")
    whole, mapped = answers.sum(axis=1), maps.sum(axis=1)
    print(f"{'all of them':<34} {_ms(whole):>8.0f} {_ms(mapped):>8.0f}")
    print(f"{'all of them, with maps':<34} {_ms(whole + mapped):>8.0f}\n")


def _sharing(models: list[Predictor], new: Iterator[SmearImage]) -> None:
    """Compare one preparation for all models with one for each."""
    shared, apart = [], []
    for _ in range(ROUNDS):
        cell, other = next(new), next(new)
        shared.append(seconds(lambda one=cell: [kept_stages().of(entry.recipe, one) for entry in models]))
        apart.append(seconds(lambda one=other: [entry.recipe.stages(one) for entry in models]))
    print(
        f"preparing a cell: {_ms(apart):.0f} ms for each model anew, {_ms(shared):.0f} ms shared, "
        f"{np.median(apart) / np.median(shared):.1f} times as fast"
    )


def _network(models: list[Predictor], new: Iterator[SmearImage], cells: int) -> None:
    """Compare a network's answers with `model.predict`, a call a picture, on the same number of cells."""
    chosen = next((entry for entry in models if entry.version.kind == "network"), None)
    if chosen is None or (network := chosen.network) is None:
        print("no network is installed: nothing to compare with model.predict")
        return
    shown = [chosen.recipe.apply(next(new))[None] for _ in range(cells)]
    ours = seconds(lambda: [network.answer(one) for one in shown])
    theirs = seconds(lambda: [network.whole.predict(one, verbose=0) for one in shown])
    whole = [seconds(lambda: chosen.predict(next(new))) for _ in range(ROUNDS)]
    print(
        f"{chosen.ref}, {cells} cells: {1000 * ours / cells:.0f} ms a cell, {1000 * theirs / cells:.0f} ms with "
        f"model.predict: {theirs / ours:.1f} times as many cells a second; {_ms(whole):.0f} ms from picture to answer"
    )


def _memory(models: list[Predictor], new: Iterator[SmearImage], cells: int) -> None:
    default = load_predictor()
    before = resident()
    for number in range(cells):
        (default if number % 10 else models[-1]).predict(next(new))
    print(f"memory over {cells} answers: {before:.3f} GB before, {resident():.3f} GB after")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident() -> float:
    """Return the memory that this process holds, in GB; on Linux only."""
    try:
        words = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return float("nan")
    return int(words.partition("VmRSS:")[2].split()[0]) / 1e6


def _ms(values: np.ndarray | list[float]) -> float:
    return 1000 * float(np.median(values))


if __name__ == "__main__":
    main()
