"""The shipped set: which cells, crops and fields there are, each with its seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np

from assets.draw import single, smear
from assets.draw.mark import marked
from assets.draw.smear import Light, Placed

WARM = Light()
COOL = Light(ground=(226.0, 221.0, 222.0), strength=0.92, falloff=0.1, blur=0.11)
SOFT = Light(ground=(238.0, 226.0, 228.0), strength=0.85, falloff=0.13, blur=0.16)
CROP, CROP_SCALE = (360, 360), 0.1
FIELD, FIELD_SCALE = (1024, 768), 0.12

CELLS = (
    ("lymphocyte", 1), ("blast", 2), ("lymphocyte", 3), ("blast", 4), ("lymphocyte", 5), ("blast", 6),
    ("lymphocyte", 7), ("blast", 8), ("lymphocyte", 9), ("neutrophil", 10), ("monocyte", 11), ("eosinophil", 12),
)  # fmt: skip
CROPS = (
    ("lymphocyte", 21, WARM), ("blast", 22, WARM), ("neutrophil", 23, WARM),
    ("monocyte", 24, COOL), ("eosinophil", 25, WARM), ("blast", 26, COOL),
)  # fmt: skip
FIELDS = (
    ("normal", 31, WARM, 1.0, (
        ("lymphocyte", (0.17, 0.27)), ("neutrophil", (0.45, 0.23)), ("monocyte", (0.78, 0.3)),
        ("neutrophil", (0.33, 0.6)), ("eosinophil", (0.62, 0.7)), ("lymphocyte", (0.88, 0.76)),
    )),
    ("blasts", 32, COOL, 0.75, (
        ("blast", (0.2, 0.25)), ("blast", (0.42, 0.5)), ("neutrophil", (0.67, 0.22)), ("blast", (0.86, 0.42)),
        ("lymphocyte", (0.3, 0.78)), ("blast", (0.68, 0.72)),
    )),
    ("crowded", 33, SOFT, 1.35, (
        ("neutrophil", (0.24, 0.34)), ("lymphocyte", (0.52, 0.62)), ("monocyte", (0.8, 0.68)),
        ("neutrophil", (0.74, 0.2)),
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A picture of the set.

    Parameters
    ----------
    file : str
        Name of its file.
    form : {"cell", "crop", "field"}
        Cut out on black; one white cell in the middle of red cells; a whole field.
    seed : int
        What it is drawn from.
    microns_per_pixel : float
        Its scale.
    white_cells : list of Placed
        What was drawn, in pixels.
    pixels : ndarray of shape (height, width, 3), uint8
        RGB, with the word on it.
    """

    file: str
    form: str
    seed: int
    microns_per_pixel: float
    white_cells: list[Placed]
    pixels: np.ndarray = field(repr=False)

    def told(self) -> dict[str, object]:
        """Return everything but the pixels, for `samples.json`."""
        cells = [asdict(cell) for cell in self.white_cells]
        return {
            "file": self.file,
            "form": self.form,
            "seed": self.seed,
            "microns_per_pixel": self.microns_per_pixel,
            "white_cells": cells,
        }


def samples() -> Iterator[Sample]:
    """Draw every picture of the set, one after the other."""
    for kind, seed in CELLS:
        pixels, placed = single.single(kind, seed)
        yield Sample(_name(kind, seed), "cell", seed, single.MICRONS_PER_PIXEL, [placed], marked(pixels))
    for kind, seed, light in CROPS:
        pixels, found = smear.field(CROP, CROP_SCALE, [(kind, (0.5, 0.5))], light, seed)
        yield Sample(_name(f"crop-{kind}", seed), "crop", seed, CROP_SCALE, found, marked(pixels))
    for name, seed, light, crowding, white in FIELDS:
        pixels, found = smear.field(FIELD, FIELD_SCALE, white, light, seed, crowding)
        yield Sample(_name(f"field-{name}", seed), "field", seed, FIELD_SCALE, found, marked(pixels))


def _name(what: str, seed: int) -> str:
    return f"synthetic-{seed:02d}-{what}.png"
