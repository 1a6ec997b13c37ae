"""How long a heat map takes, against one answer of the same model.

Run from the project's folder: `.venv/bin/python -m benchmarks.explain [MODEL ...]`; without models, the default one
and the first network. Wanted: occlusion under 2 s a cell on two cores, Grad-CAM as long as an answer. Each cell is new,
so that nothing comes from a memory.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.served import drawn_cell
from leuk_core.explain import METHODS, heat_map, methods
from leuk_core.images import SmearImage
from leuk_core.prediction import load_predictor
from leuk_core.registry import list_versions

CELLS = 8


def milliseconds(run: Callable[[SmearImage], object], images: list[SmearImage]) -> tuple[float, float]:
    """Return the time of the first call and the median of all further ones."""
    taken = []
    for image in images:
        start = time.perf_counter()
        run(image)
        taken.append(1000 * (time.perf_counter() - start))
    return taken[0], float(np.median(taken[1:]))


def main() -> None:
    networks = [entry.ref for entry in list_versions() if entry.kind == "network"]
    seeds = iter(range(10_000))
    print(f"{'':<46}{'first':>9}{'then':>9}  ms {'answers':>9}")
    for ref in sys.argv[1:] or [None, *networks[:1]]:
        predictor = load_predictor(ref)

        def cells() -> list[SmearImage]:
            return [SmearImage(drawn_cell(next(seeds)), "", "", microns_per_pixel=0.059) for _ in range(CELLS + 1)]

        first, answer = milliseconds(predictor.predict, cells())
        print(f"{predictor.ref:<46}{first:>9.0f}{answer:>9.0f}     {'1.0':>9}")
        for method in methods(predictor):
            first, median = milliseconds(partial(heat_map, predictor, method=method), cells())
            print(f"{'  ' + METHODS[method]:<46}{first:>9.0f}{median:>9.0f}     {median / answer:>9.1f}")


if __name__ == "__main__":
    main()
