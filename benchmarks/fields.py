"""White cells of a field: found, and found and sorted; and whether memory stays flat over many fields.

Run from the project's folder: `.venv/bin/python -m benchmarks.fields [FIELDS]`. Wanted on two cores with warm models:
the cells of a field of 1920 x 1080 pixels found in under 1.5 s, and memory flat over 200 fields. The fields are drawn
ones, shifted and mirrored into new ones. What else runs on the machine counts: its load is printed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from hashlib import sha256

import numpy as np

from benchmarks.compare import resident
from leuk_core import PROJECT_ROOT
from leuk_core.cells.detect import find_cells
from leuk_core.cells.detectors import SEGMENTATION, list_detectors
from leuk_core.cells.sort import load_sorter, sort_cells
from leuk_core.images import SmearImage, decode

FIELDS, TIMED, WIDTH, HEIGHT, SCALE = 200, 10, 1920, 1080, 0.1
SAMPLES = sorted((PROJECT_ROOT / "assets" / "samples").glob("*-field-*.png"))


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else FIELDS
    sorter, new = load_sorter(None), _fields()
    print(f"{WIDTH} x {HEIGHT} pixels, {TIMED} fields each, medians; load {os.getloadavg()[0]:.1f} on {os.cpu_count()}")
    print(f"{'detector':<16}{'cells':>6}{'found, s':>10}{'sorted, s':>11}{'sorting / finding':>19}")
    for name in [SEGMENTATION, *(entry.name for entry in list_detectors())]:
        find_cells(next(new), SCALE, name)  # the first one compiles
        found, sorted_, cells = [], [], 0
        for _ in range(TIMED):
            image = next(new)
            start = time.perf_counter()
            field = find_cells(image, SCALE, name)
            found.append(time.perf_counter() - start)
            start = time.perf_counter()
            sort_cells(image, field, sorter)
            sorted_.append(time.perf_counter() - start)
            cells += len(field.cells)
        finding, sorting = float(np.median(found)), float(np.median(sorted_))
        print(f"{name:<16}{cells / TIMED:>6.1f}{finding:>10.2f}{sorting:>11.2f}{sorting / finding:>19.1f}")
    _memory(many, new)


def _memory(many: int, new: Iterator[SmearImage]) -> None:
    sorter, seen = load_sorter(None), []
    for number in range(many):
        image = next(new)
        sort_cells(image, find_cells(image, SCALE), sorter)
        if number % max(1, many // 4) == 0 or number == many - 1:
            seen.append((number + 1, resident()))
    print("\nmemory after fields: " + ", ".join(f"{n}: {held:.2f} GB" for n, held in seen))
    print(f"from field {seen[1][0]} to {seen[-1][0]} it grew by a factor of {seen[-1][1] / seen[1][1]:.3f}")


def _fields() -> Iterator[SmearImage]:
    rng = np.random.default_rng(0)
    drawn = [decode(path.read_bytes(), "field").pixels for path in SAMPLES]
    while True:
        one = drawn[rng.integers(len(drawn))][:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        wide = np.tile(np.roll(one, rng.integers(0, 700, 2), (0, 1)), (2, 2, 1))[:HEIGHT, :WIDTH]
        pixels = np.ascontiguousarray(wide)
        yield SmearImage(pixels, "", sha256(pixels.tobytes()).hexdigest(), microns_per_pixel=SCALE)


if __name__ == "__main__":
    main()
