"""What tests share: the folder of real cells, a few cells of it, a browser, the running application."""

import csv
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
REAL_PICTURES_ALLOWED = 300
AROUND = 2.5  # side of a crop, in longer sides of the cell's box
PICTURE_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"}


class RealPictures:
    """Counts the different real pictures that a test run opens, and stops it at the limit.

    Real cells belong to others: a test run looks at few of them. Whatever opens one in this process is seen, by way of
    Python's audit events.
    """

    def __init__(self, folder: Path, allowed: int) -> None:
        self.prefix = str(folder) + os.sep
        self.allowed = allowed
        self.opened: set[str] = set()

    def watch(self, event: str, arguments: tuple) -> None:
        """Note an opened file; an audit hook."""
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  # called at each open: no Path is made
        if not path.startswith(self.prefix) or Path(path).suffix.lower() not in PICTURE_SUFFIXES:
            return
        self.opened.add(path)
        if len(self.opened) > self.allowed:
            pytest.fail(f"This test run opens more than {self.allowed} different real pictures; use fewer.")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the folder of real cells from the beginning."""
    config.real_pictures = None
    if folder := os.environ.get("LEUK_TEST_DATA"):
        config.real_pictures = RealPictures(Path(folder).resolve(), REAL_PICTURES_ALLOWED)
        sys.addaudithook(config.real_pictures.watch)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many real pictures were opened."""
    if config.real_pictures and config.real_pictures.opened:
        opened = len(config.real_pictures.opened)
        terminalreporter.write_line(f"real pictures opened: {opened} (at most {REAL_PICTURES_ALLOWED})")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real cells; skip where LEUK_TEST_DATA does not name it."""
    folder = os.environ.get("LEUK_TEST_DATA")
    if not folder:
        pytest.skip("LEUK_TEST_DATA is not set: no folder of real cells")
    if not Path(folder).is_dir():
        pytest.fail(f"LEUK_TEST_DATA must name a folder. Received: {folder}")
    return Path(folder).resolve()


class RealCell(NamedTuple):
    """One labelled cell of a real set."""

    path: Path
    label: str
    subject: str


@pytest.fixture(scope="session")
def cnmc_cells(test_data: Path) -> Callable[..., list[RealCell]]:
    """Return a function that picks cells of C-NMC, always the same: `cnmc_cells(each=2)` gives two of each class.

    They come from different subjects as long as there are some, and from all over the manifest. The choices for a
    larger `each` hold those for a smaller one, so that tests share pictures.
    """
    root = test_data / "cnmc"
    by_label: dict[str, list[RealCell]] = {}
    with (root / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cell = RealCell(root / row["path"], row["label"], row["subject"])
            by_label.setdefault(row["label"], []).append(cell)

    def pick(each: int = 2) -> list[RealCell]:
        chosen = []
        for label in sorted(by_label):
            rounds: dict[str, int] = {}
            order = []
            for cell in by_label[label]:
                rounds[cell.subject] = rounds.get(cell.subject, 0) + 1
                order.append((rounds[cell.subject], cell))
            order.sort(key=lambda entry: entry[0])
            chosen += [cell for _, cell in order[:each]]
        return chosen

    return pick


def crop_box(field: Path, row: dict[str, str]) -> Image.Image:
    """Return the cell of a manifest's row with its surroundings, as large as a person crops it."""
    picture = Image.open(field)
    left, top, right, bottom = (int(row[name]) for name in ("x0", "y0", "x1", "y1"))
    side = round(AROUND * max(right - left, bottom - top))
    x = min(max(0, (left + right - side) // 2), picture.width - side)
    y = min(max(0, (top + bottom - side) // 2), picture.height - side)
    return picture.crop((x, y, x + side, y + side))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium; skip where there is none."""
    path = os.environ.get("LEUK_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no browser: install chromium or name one in LEUK_CHROMIUM")
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator:
    """Yield a headless Chromium that playwright drives and that calls nobody by itself."""
    from playwright.sync_api import sync_playwright

    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, headless=True, args=quiet + as_root)
        yield started
        started.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_served(address: str, process: subprocess.Popen, log: Path, within_s: float = 120) -> None:
    """Wait for the health check at `address`; fail with what the server printed."""
    end = time.monotonic() + within_s
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The application did not come up (exit code {process.poll()}):\n{log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the real application, with what it writes in a temporary folder; yield its address."""
    folder = tmp_path_factory.mktemp("app")
    port = free_port()
    environment = dict(os.environ, LEUK_DATA_DIR=str(folder / "data"), LEUK_CACHE_DIR=str(folder / "cache"))
    command = [sys.executable, "-m", "streamlit", "run", "web.py", "--server.port", str(port)]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_served(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)
