"""From a moved slider to the new picture on the page Preprocessing, at 227 pixels.

Run from the project's folder: `.venv/bin/python -m benchmarks.slider`. Wanted: a median under 150 ms. Two measurements:

- in one process: what the page works out for one move of a slider;
- in a real browser: from the key press on the slider to the new picture, decoded, in the page; the strip of other cells
  is drawn after it. The models are loaded before, so that nothing else runs.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.served import browser_page, drawn_cell, served
from components.stages import Panel, filtered_panel, prepare, small_uri
from leuk_core.images import SmearImage
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.recipe import Recipe

MOVES = 20
OTHERS = 8
WATCH = """
image => {
  window.moves = [];
  document.addEventListener("keydown", event => {
    if (event.key.startsWith("Arrow")) window.pressed = performance.now();
  }, true);
  new MutationObserver(async () => {
    await image.decode().catch(() => {});
    window.moves.push(performance.now() - window.pressed);
  }).observe(image, { attributes: true, attributeFilter: ["src"] });
}
"""


def main() -> None:
    print(f"{'slider to new picture, 227 px':<44} {'median':>8} {'longest':>8}  ms")
    for words, taken in (*in_process(), *in_browser()):
        print(f"{words:<44} {np.median(taken):>8.1f} {max(taken):>8.1f}")


def in_process() -> list[tuple[str, list[float]]]:
    pictures = [SmearImage(drawn_cell(seed), "", "", microns_per_pixel=0.059) for seed in range(OTHERS + 1)]
    recipe = Recipe()
    prepared, *others = (prepare(picture, recipe, None) for picture in pictures)
    settings = [LoGMH(sigma=1 + move / 10, beta=2, masked=True, normalisation="percentiles") for move in range(MOVES)]

    def filtered(logmh: LoGMH) -> None:
        logmh.apply(prepared.sized, prepared.mask)

    def main_row(logmh: LoGMH) -> None:
        panel = filtered_panel(prepared, logmh.apply(prepared.sized, prepared.mask))
        json.dumps([sent(one) for one in (*prepared.panels, panel)])

    def strip(logmh: LoGMH) -> None:
        for other in others:
            small_uri(logmh.apply(other.sized, other.mask))

    return [
        ("LoGMH alone", timed(filtered, settings)),
        ("filter, encode, histogram, edge contrast", timed(main_row, settings)),
        (f"strip of {OTHERS} other cells", timed(strip, settings)),
    ]


def sent(panel: Panel) -> tuple:
    return panel.name, panel.uri, panel.box, panel.counts.round(3).tolist()


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
        files = []
        for seed in range(OTHERS + 1):
            files.append(Path(folder) / f"cell {seed}.png")
            cv2.imwrite(str(files[-1]), drawn_cell(seed)[..., ::-1])
        app.wait()
        page.goto(app.address)
        page.get_by_role("link", name="Preprocessing", exact=True).first.click()
        add, drop = page.get_by_role("button", name="Add pictures"), page.locator("input[type=file]")
        add.or_(drop).first.wait_for(state="attached")
        if add.count():
            add.click()
        drop.set_input_files(files)
        page.get_by_role("group", name="Stages of picture 1").wait_for()
        page.get_by_text("warming up").wait_for(state="detached", timeout=300_000)
        page.wait_for_timeout(1500)
        page.locator("figure[data-stage=logmh] img").evaluate(WATCH)
        rows = []
        for name in ("Sigma", "Boost"):
            page.get_by_role("slider", name=name).focus()
            page.evaluate("window.moves = []")
            for move in range(MOVES):
                page.keyboard.press("ArrowRight")
                page.wait_for_function("count => window.moves.length >= count", arg=move + 1)
                page.wait_for_timeout(600)  # the strip is drawn too before the next press
            rows.append((f"browser: key on {name} to new picture", page.evaluate("window.moves")))
        return rows


if __name__ == "__main__":
    main()
