"""From a moved slider to the new picture on the page Preprocessing, at 227 pixels.

Run from the project's folder: `.venv/bin/python -m benchmarks.slider`. Wanted: a median under 150 ms. Two measurements:

- in one process: what the page works out for one move of a slider;
- in a real browser, with a cell and a strip of eight others open: from the key press on a slider, or the release of
  a dragged one (Streamlit's slider tells its value then), to the frame that shows the new picture; and to the strip,
  which waits until the hand rests. The models are loaded before.

Cells of C-NMC are used where LEUK_TEST_DATA names the test data, drawn ones elsewhere. What else runs on the machine
counts: its load is printed.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.served import Served, browser_page, drawn_cell, served
from components.samples import sample_cells
from components.stages import Panel, filtered_panel, prepare, small_uri
from leuk_core.images import SmearImage
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.recipe import Recipe

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MOVES = 20
OTHERS = 8
REST = 700  # milliseconds between moves, so that the strip is drawn too
WATCH = """
image => {
  window.moves = [];
  window.strips = [];
  const begun = event => { window.pressed = event.timeStamp; window.stripOf = event.timeStamp; };
  document.addEventListener("keydown", event => { if (event.key.startsWith("Arrow")) begun(event); }, true);
  document.addEventListener("pointerup", begun, true);
  const painted = then => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = then;
    after.port2.postMessage(0);
  });
  new MutationObserver(async () => {
    const pressed = window.pressed;
    await image.decode().catch(() => {});
    painted(() => window.moves.push(performance.now() - pressed));
  }).observe(image, { attributes: true, attributeFilter: ["src"] });
  const first = () => document.querySelector("[data-testid=leuk-strip] img")?.src;
  let strip = first();
  new MutationObserver(() => {
    if (!first() || first() === strip || !window.stripOf) return;
    strip = first();
    window.strips.push(performance.now() - window.stripOf);
    window.stripOf = 0;
  }).observe(document.body, { childList: true, subtree: true });
}
"""


def main() -> None:
    print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {MOVES} moves each")
    print(f"{'slider to new picture, 227 px':<44} {'median':>8} {'90 %':>8} {'longest':>8}  ms")
    for words, taken in (*in_process(), *in_browser()):
        print(f"{words:<44} {np.median(taken):>8.1f} {np.percentile(taken, 90):>8.1f} {max(taken):>8.1f}")


def in_process() -> list[tuple[str, list[float]]]:
    pictures = [SmearImage(drawn_cell(seed), "", "", microns_per_pixel=0.059) for seed in range(OTHERS + 1)]
    recipe = Recipe()
    prepared, *others = (prepare(picture, recipe, None) for picture in pictures)
    settings = [LoGMH(sigma=1 + move / 10, beta=2, masked=True, normalisation="percentiles") for move in range(MOVES)]

    def filtered(logmh: LoGMH) -> None:
        logmh.apply(prepared.sized, prepared.mask)

    def main_row(logmh: LoGMH) -> None:
        panel = filtered_panel(prepared, logmh.apply(prepared.sized, prepared.mask))
        json.dumps(sent(panel))

    def strip(logmh: LoGMH) -> None:
        for other in others:
            small_uri(logmh.apply(other.sized, other.mask))

    return [
        ("LoGMH alone", timed(filtered, settings)),
        ("filter, encode, histogram, edge contrast", timed(main_row, settings)),
        (f"strip of {OTHERS} other cells", timed(strip, settings)),
    ]


def sent(panel: Panel) -> tuple:
    return panel.name, panel.uri, panel.box, np.sqrt(panel.counts).round(3).tolist()


def timed(work: Callable[[LoGMH], None], settings: list[LoGMH]) -> list[float]:
    work(settings[0])
    taken = []
    for logmh in settings:
        start = time.perf_counter()
        work(logmh)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def in_browser() -> list[tuple[str, list[float]]]:
    with served() as app, browser_page() as page, tempfile.TemporaryDirectory() as folder:
        app.wait()
        open_cells(app, page, cells(Path(folder)))
        page.locator("figure[data-stage=logmh] img").evaluate(WATCH)
        rows = []
        for name in ("Sigma", "Boost"):
            slider = page.get_by_role("slider", name=name)
            slider.focus()
            rows += measured(page, f"key on {name}", lambda _: page.keyboard.press("ArrowRight"))
        track = page.locator("[data-testid=stSlider]", has=slider)
        return rows + measured(page, "release of Boost", lambda move: drag(page, track, 0.2 + 0.1 * (move % 5)))


def cells(folder: Path) -> list[Path]:
    """Return files of cells: of the test data, or drawn ones in `folder`."""
    real = [sample.path for sample in sample_cells()[: OTHERS + 1]]
    if len(real) > OTHERS:
        return real
    files = [folder / f"cell {seed}.png" for seed in range(OTHERS + 1)]
    for seed, file in enumerate(files):
        cv2.imwrite(str(file), drawn_cell(seed)[..., ::-1])
    return files


def open_cells(app: Served, page: Page, files: list[Path]) -> None:
    """Open the page Preprocessing with `files`, and wait until the models are loaded and nothing is left to do."""
    page.set_default_timeout(120_000)
    page.goto(app.address)
    page.get_by_role("link", name="Preprocessing", exact=True).first.click()
    add, drop = page.get_by_role("button", name="Add pictures"), page.locator("input[type=file]")
    add.or_(drop).first.wait_for(state="attached")
    if add.count():
        add.click()
    drop.set_input_files(files)
    page.get_by_role("group", name="Stages of picture 1").wait_for()
    page.get_by_text("warming up").wait_for(state="detached", timeout=300_000)
    page.keyboard.press("Escape")
    page.wait_for_timeout(2000)


def measured(page: Page, words: str, move: Callable[[int], None]) -> list[tuple[str, list[float]]]:
    """Move a slider `MOVES` times; return milliseconds to the new picture and to the strip."""
    move(-1)
    page.wait_for_timeout(REST)
    page.evaluate("window.moves = []; window.strips = []")
    for number in range(MOVES):
        move(number)
        page.wait_for_function("count => window.moves.length >= count", arg=number + 1)
        page.wait_for_function("count => window.strips.length >= count", arg=number + 1)
        page.wait_for_timeout(REST)
    return [
        (f"browser: {words} to new picture", page.evaluate("window.moves")),
        (f"browser: {words} to new strip", page.evaluate("window.strips")),
    ]


def drag(page: Page, track: Locator, share: float) -> None:
    """Take the slider's thumb to a share of its track, and let it go."""
    box, thumb = track.bounding_box(), track.locator("input").bounding_box()
    page.mouse.move(thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], thumb["y"] + thumb["height"] / 2, steps=4)
    page.mouse.up()


if __name__ == "__main__":
    main()
