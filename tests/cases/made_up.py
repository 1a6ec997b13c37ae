"""Fields and cells that tests of cases make up; also imported by the processes that they kill."""

from hashlib import sha256

import numpy as np

from leuk_core.cases import MachineAnswer, NewCell
from leuk_core.images import SmearImage

ANSWERS = (
    MachineAnswer("neutrophil", {"neutrophil": 0.9, "lymphocyte": 0.1}, (), "wbc-types/x@1", "ab"),
    MachineAnswer("lymphocyte", {"neutrophil": 0.2, "lymphocyte": 0.8}, (), "wbc-types/x@1", "ab"),
    MachineAnswer(None, {"neutrophil": 0.45, "lymphocyte": 0.55}, (("low", "Too close."),), "wbc-types/x@1", "ab"),
)


def field_image(seed: int) -> SmearImage:
    """Return a picture that no other seed has."""
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    return SmearImage(pixels, f"=field {seed}.png", sha256(pixels.tobytes()).hexdigest(), "png")


def new_cells(count: int = 6) -> list[NewCell]:
    """Return cells in a row; each third one is undecided."""
    return [
        NewCell((10.0 * i, 5.0, 10.0 * i + 9.0, 20.0), ANSWERS[i % 3], 0.9, "segmentation") for i in range(count)
    ]  # fmt: skip
