"""The word that says on the picture itself that nobody's blood is shown."""

from __future__ import annotations

import cv2
import numpy as np

WORD = "SYNTHETIC"
ON_BLACK, ON_SMEAR, RIM = (190, 190, 190), (40, 40, 48), (245, 240, 235)


def letters(height: int, width: int) -> np.ndarray:
    """Return where the word stands, at the lower left of a picture: 0 to 255, uint8 (height, width)."""
    out = np.zeros((height, width), np.uint8)
    place, size = (round(0.025 * height) + 4, height - round(0.025 * height) - 4), 0.42 + height / 1600
    return cv2.putText(out, WORD, place, cv2.FONT_HERSHEY_DUPLEX, size, 255, 1, cv2.LINE_AA)


def marked(picture: np.ndarray) -> np.ndarray:
    """Return a copy of uint8 RGB (height, width, 3) with `WORD` at the lower left: light on black, dark on a smear."""
    word = letters(*picture.shape[:2])
    rim = cv2.GaussianBlur(cv2.dilate(word, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    on_black = picture[-picture.shape[0] // 12 :].mean() < 90
    out = picture.astype(np.float32)
    for layer, ink in ((word, ON_BLACK),) if on_black else ((rim, RIM), (word, ON_SMEAR)):
        share = layer[..., None].astype(np.float32) / 255
        out = out * (1 - share) + np.float32(ink) * share
    return np.rint(out).astype(np.uint8)
