"""An answer from a loaded predictor, cell by cell, and how much of it each part takes.

Run from the project's folder: `.venv/bin/python -m benchmarks.predict [MODEL]`. Wanted: a median under 150 ms a cell.
Each cell is new to the predictor, so nothing comes from its memory.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.served import drawn_cell
from leuk_core.images import SmearImage
from leuk_core.prediction import load_predictor

CELLS = 40


def main() -> None:
    start = time.perf_counter()
    predictor = load_predictor(sys.argv[1] if len(sys.argv) > 1 else None)
    loaded = time.perf_counter() - start
    images = [SmearImage(drawn_cell(seed), "", "", microns_per_pixel=0.059) for seed in range(CELLS + 1)]
    first = predictor.predict(images[0]).milliseconds
    answers = [predictor.predict(image).milliseconds for image in images[1:]]
    recipe = []
    for image in images[1:]:
        start = time.perf_counter()
        predictor.recipe.apply(image)
        recipe.append(1000 * (time.perf_counter() - start))
    whole, prepared = float(np.median(answers)), float(np.median(recipe))
    print(f"{predictor.ref}: loaded in {loaded:.1f} s, first answer {first:.0f} ms, then {CELLS} cells of 450 x 450:")
    print(f"{'an answer':<34} {'median':>8} {'95 %':>8}  ms")
    print(f"{'from decoded picture to answer':<34} {whole:>8.1f} {np.percentile(answers, 95):>8.1f}")
    print(f"{'of that, the recipe':<34} {prepared:>8.1f} {np.percentile(recipe, 95):>8.1f}")
    print(f"the network and the classifier take {whole / prepared - 1:.1f} times as long as the recipe")


if __name__ == "__main__":
    main()
