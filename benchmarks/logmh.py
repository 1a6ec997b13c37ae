"""LoGMH against scipy.ndimage.gaussian_laplace plus the same arithmetic, on the same pictures in the same run.

Run from the project's folder: `.venv/bin/python -m benchmarks.logmh`. Wanted: at least 5 times as fast everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
from scipy import ndimage

from leuk_core.preprocessing.logmh import LoGMH

SIZES = ((227, 227, 21), (1080, 1920, 7), (4096, 4096, 3))  # height, width, repetitions
SIGMAS = (0.5, 1.0, 2.0, 3.0)


def by_scipy(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Equations 3 and 4 on scipy's Laplacian of Gaussian, channel by channel; alpha and beta are 1."""
    boosted = np.empty_like(picture)
    for channel in range(3):
        plane = picture[..., channel]
        boosted[..., channel] = plane - ndimage.gaussian_laplace(plane, sigma, mode="mirror")
    low, high = boosted.min(), boosted.max()
    return (boosted - low) / (high - low)


def median_ms(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * float(np.median(taken))


def main() -> None:
    print(f"float32 RGB, median ms; OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads")
    print(f"{'picture':>12} {'sigma':>6} {'scipy':>9} {'LoGMH':>8} {'ratio':>7}")
    lowest = np.inf
    for height, width, times in SIZES:
        picture = np.random.default_rng(1).random((height, width, 3), dtype=np.float32)
        for sigma in SIGMAS:
            logmh = LoGMH(sigma)
            logmh.apply(picture)
            reference = median_ms(lambda: by_scipy(picture, sigma), times)  # noqa: B023 called at once
            own = median_ms(lambda: logmh.apply(picture), 3 * times)  # noqa: B023 called at once
            lowest = min(lowest, reference / own)
            print(f"{f'{width} x {height}':>12} {sigma:>6} {reference:>9.1f} {own:>8.2f} {reference / own:>6.1f}x")
    print(f"lowest ratio {lowest:.1f} (wanted: at least 5)")


if __name__ == "__main__":
    main()
