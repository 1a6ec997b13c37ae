"""What the benchmarks in a browser share: the application served on a free port, a headless Chromium, drawn cells."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Served:
    """A running application: where it answers, its process, and when that was started (`time.perf_counter`)."""

    address: str
    process: subprocess.Popen[bytes]
    started: float

    def healthy(self) -> bool:
        """Tell whether it answers now."""
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self, seconds: float = 120.0) -> None:
        """Wait until it answers."""
        while not self.healthy():
            if self.process.poll() is not None or time.perf_counter() - self.started > seconds:
                sys.exit("The application did not come up; run `python3 start.py` to see why.")
            time.sleep(0.02)


@contextmanager
def served(data_dir: Path | None = None) -> Iterator[Served]:
    """Serve the application as a person's start does; what it writes goes to `data_dir`, else to a temporary folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LEUK_DATA_DIR": str(data_dir or folder), "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-m", "streamlit", "run", "web.py", "--server.port", str(port)]
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield Served(f"http://127.0.0.1:{port}", process, started)
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def browser_page() -> Iterator:
    """Yield a page of 1280 x 720 pixels in Debian's Chromium, or the one that LEUK_CHROMIUM names."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 a development package

    path = os.environ.get("LEUK_CHROMIUM") or shutil.which("chromium")
    if not path:
        sys.exit("No browser: install chromium, or name one in LEUK_CHROMIUM.")
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser.new_page(viewport={"width": 1280, "height": 720})
        browser.close()


def drawn_cell(seed: int, side: int = 450) -> np.ndarray:
    """Return a textured disc on black of the size of a C-NMC picture, uint8 RGB: real cells are not needed to time."""
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), 3)
    shade = np.clip(120 + 400 * texture, 30, 230)[..., None] * np.float32([0.8, 0.45, 0.95])
    rows, columns = np.mgrid[:side, :side]
    disc = (rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (0.2 * side + seed) ** 2
    return np.where(disc[..., None], shade, 0).astype(np.uint8)
