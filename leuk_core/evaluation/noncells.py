"""Pictures that show no cell: no model may label one without a doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

Colours = tuple[tuple[float, float, float], tuple[float, float, float]]

_ANY: Colours = ((0, 0, 0), (255, 255, 255))
_STAINED: Colours = ((50, 15, 70), (120, 60, 140))
"""Range of red, green and blue in which stained nuclei lie: without these colours the pictures would be too easy."""


def non_cells(each: int = 10, side: int = 450, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (kind, picture) of drawn pictures without a cell: half of them cut out on black, half in colours of stain.

    Parameters
    ----------
    each : int
        Pictures of each kind.
    side : int
        Width and height, in pixels.
    seed : int
        Seed of colours, sizes and noise.

    Yields
    ------
    (str, ndarray of shape (side, side, 3), uint8)
        One of `KINDS`, and the picture.
    """
    rng = np.random.default_rng(seed)
    for kind in KINDS:
        for number in range(each):
            colours = _STAINED if number % 4 < 2 else _ANY
            picture = np.clip(np.rint(_drawn(kind, side, colours, rng)), 0, 255).astype(np.uint8)
            if number % 2:
                picture[~_disc(side, rng.uniform(0.15, 0.3))] = 0
            yield kind, picture


def _drawn(kind: str, side: int, colours: Colours, rng: np.random.Generator) -> np.ndarray:
    low, high = colours
    first, second = rng.uniform(low, high, size=(2, 3))
    share = _SHARES[kind](side, rng)[..., None].astype(np.float64)
    if kind == "smooth noise":
        return first + share * rng.uniform(10, 60)
    if kind in {"colour noise", "grey noise"}:
        return share[..., 0] * 255.0
    return first * (1 - share) + second * share


def _colour_noise(side: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(size=(side, side, 3))


def _grey_noise(side: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(rng.uniform(size=(side, side, 1)), 3, axis=2)


def _smooth_noise(side: int, rng: np.random.Generator) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), rng.uniform(2, 12))
    return noise / noise.std()


def _stripes(side: int, rng: np.random.Generator) -> np.ndarray:
    return np.sin(_places(side)[1] * rng.uniform(20, 200)) > 0


def _checks(side: int, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.floor(_places(side) * rng.integers(4, 40))
    return (rows + columns) % 2


def _gradient(side: int, rng: np.random.Generator) -> np.ndarray:
    rows, columns = _places(side)
    return columns * rng.uniform(0.5, 1) + rows * rng.uniform(0, 0.5)


def _letters(side: int, rng: np.random.Generator) -> np.ndarray:
    canvas = np.zeros((side, side), np.uint8)
    for line in range(6):
        word = "".join(map(chr, rng.integers(65, 90, 12)))
        cv2.putText(canvas, word, (10, 60 + 65 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 1, 3)
    return canvas


def _places(side: int) -> np.ndarray:
    return np.mgrid[:side, :side] / side


def _disc(side: int, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    return np.asarray(rows**2 + columns**2 < radius**2)


_SHARES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "blank": lambda side, rng: np.zeros((side, side)),  # noqa: ARG005
    "colour noise": _colour_noise,
    "grey noise": _grey_noise,
    "smooth noise": _smooth_noise,
    "stripes": _stripes,
    "checks": _checks,
    "gradient": _gradient,
    "disc": lambda side, rng: _disc(side, rng.uniform(0.05, 0.3)),
    "ring": lambda side, rng: _disc(side, 0.3) & ~_disc(side, rng.uniform(0.1, 0.25)),
    "letters": _letters,
}
KINDS = tuple(_SHARES)
