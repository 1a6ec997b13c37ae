"""From a key press on the page Smear to the counted answer, in a case of 2,000 cells.

Run from the project's folder: `.venv/bin/python -m benchmarks.reclassify`. Wanted: a median under 200 ms. Measured:

- in one process: a reclassification saved, and what the page works out for its new drawing;
- in a real browser: from the key press in the gallery to the frame that shows the new count.

Fields are drawn. What else runs on the machine counts: its load is printed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.served import browser_page, served
from leuk_core.cases import MachineAnswer, NewCell, add_field, create_case, list_cells, list_classes, reclassify_cells
from leuk_core.cases.counting import count_cells
from leuk_core.images import SmearImage
from leuk_core.settings import settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIELDS, CELLS_EACH, TIMES = 100, 20, 20
TYPES = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "ig")
WATCH = """
() => {
  window.taken = [];
  const count = () => document.querySelector(".leuk-diff-progress")?.textContent;
  let seen = count();
  document.addEventListener("keydown", event => { window.pressed = event.timeStamp; }, true);
  new MutationObserver(() => {
    const now = count();
    if (!now || now === seen) return;
    seen = now;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => window.taken.push(performance.now() - window.pressed);
      after.port2.postMessage(0);
    });
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


def main() -> None:
    print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {TIMES} times each")
    print(f"{f'reclassified among {FIELDS * CELLS_EACH:,} cells':<44} {'median':>8} {'90 %':>8} {'longest':>8}  ms")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEUK_DATA_DIR"] = folder
        settings.cache_clear()
        case_id = drawn_case()
        for words, taken in (*in_process(case_id), in_browser(case_id, Path(folder))):
            print(f"{words:<44} {np.median(taken):>8.1f} {np.percentile(taken, 90):>8.1f} {max(taken):>8.1f}")


def drawn_case() -> str:
    case = create_case("benchmark", "2000 cells")
    for seed in range(FIELDS):
        image, boxes = drawn_field(seed)
        cells = [NewCell(box, answer(seed + place), 0.9, "segmentation") for place, box in enumerate(boxes)]
        add_field(case.id, "benchmark", image, cells, microns_per_pixel=0.1)
    return case.id


def answer(number: int) -> MachineAnswer:
    best = 0.35 + 0.6 * ((number * 7919) % 100) / 100
    said = TYPES[number % len(TYPES)]
    beside = (1 - best) / (len(TYPES) - 1)
    probabilities = {name: best if name == said else beside for name in TYPES}
    doubts = (("close", "Two classes are nearly as probable."),) if best < 0.6 else ()
    return MachineAnswer(None if doubts else said, probabilities, doubts, "wbc-types/benchmark@1", "00")


def drawn_field(seed: int) -> tuple[SmearImage, list[tuple[float, float, float, float]]]:
    rng = np.random.default_rng(seed)
    pixels = np.full((960, 1280, 3), (226, 206, 208), np.uint8)
    boxes = []
    for place in range(CELLS_EACH):
        x, y = 128 + 256 * (place % 5), 120 + 240 * (place // 5)
        x, y, radius = x + int(rng.integers(-40, 40)), y + int(rng.integers(-40, 40)), int(rng.integers(40, 70))
        cv2.circle(pixels, (x, y), radius, (190, 160, 200), -1, cv2.LINE_AA)
        cv2.circle(pixels, (x + 8, y - 6), radius - 18, (96, 52, 140), -1, cv2.LINE_AA)
        boxes.append((float(x - radius), float(y - radius), float(x + radius), float(y + radius)))
    return SmearImage(pixels, f"field {seed}.png", sha256(pixels.tobytes()).hexdigest(), "png"), boxes


def in_process(case_id: str) -> list[tuple[str, list[float]]]:
    cells, classes = list_cells(case_id), list_classes()
    places = iter(range(1000))

    def saved() -> None:
        place = next(places)
        cells[place] = reclassify_cells([cells[place]], "benchmark", "myeloblast")[0]

    def counted() -> None:
        count_cells(cells, "blood", classes)

    return [
        ("saved", timed(saved)),
        ("all cells read", timed(lambda: list_cells(case_id))),
        ("counted", timed(counted)),
    ]


def timed(work: Callable[[], object]) -> list[float]:
    work()
    taken = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def in_browser(case_id: str, folder: Path) -> tuple[str, list[float]]:
    with served(folder) as app, browser_page() as page:
        app.wait()
        open_case(page, f"{app.address}/smear?case={case_id}")
        page.evaluate(WATCH)
        for number in range(TIMES + 1):
            page.keyboard.press("8" if number % 2 else "9")
            page.wait_for_function("count => window.taken.length >= count", arg=number + 1)
            page.wait_for_timeout(300)
        return "browser: key to the new count", page.evaluate("window.taken")[1:]


def open_case(page: Page, address: str) -> None:
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_role("textbox", name="Reviewer").fill("benchmark")
    page.keyboard.press("Enter")
    page.locator(".leuk-diff-progress").wait_for()
    page.get_by_text("warming up").wait_for(state="detached", timeout=300_000)
    page.wait_for_timeout(2000)
    page.get_by_role("listbox").first.focus()


if __name__ == "__main__":
    main()
