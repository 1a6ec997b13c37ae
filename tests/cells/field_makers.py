"""Drawn fields of a smear: red cells in rows, white cells where asked for."""

import cv2
import numpy as np

from leuk_core.images import SmearImage

GROUND, RED, CYTOPLASM, NUCLEUS = (236, 226, 222), (205, 150, 160), (190, 170, 205), (90, 40, 130)


def drawn_field(
    white: list[tuple[int, int]] = (), width: int = 900, height: int = 700, micron: float = 10.0, seed: int = 0
) -> SmearImage:
    """Return a field with white cells of 13 micrometres at the given middles and platelets between red cells."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), GROUND, np.uint8)
    step = round(10 * micron)
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            place = tuple(int(at + rng.uniform(-2, 2) * micron) for at in (x, y))
            if rng.random() < 0.8 and all(np.hypot(place[0] - a, place[1] - b) > 11 * micron for a, b in white):
                cv2.circle(pixels, place, round(3.75 * micron), RED, cv2.FILLED)
                cv2.circle(pixels, (x + step // 2, y + step // 2), round(micron), NUCLEUS, cv2.FILLED)
    for place in white:
        cv2.circle(pixels, place, round(6.5 * micron), CYTOPLASM, cv2.FILLED)
        cv2.circle(pixels, place, round(4.2 * micron), NUCLEUS, cv2.FILLED)
    noise = rng.normal(0, 3, pixels.shape)
    return SmearImage(
        np.clip(cv2.GaussianBlur(pixels, (0, 0), 1.5) + noise, 0, 255).astype(np.uint8), "field", "0" * 64
    )
