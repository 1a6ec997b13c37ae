"""From the press of a link to the next page's heading and to its rest, in a real browser, each page met once before.

Run from the project's folder: `.venv/bin/python -m benchmarks.page_changes [TIMES]`. Twelve drawn cells are open and
answered. Wanted: the next page's heading within 500 ms. "At rest" is when the page has nothing left to compute.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.served import browser_page, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = ("Diagnose", "Preprocessing", "Compare", "Evidence", "Smear", "Cases", "Retrain", "Limits", "Home")
HEADINGS = {"Home": "Leukemia smear workbench"}
TIMES, PATIENCE_MS, MILLISECONDS = 10, 180_000, 1000.0


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    with served() as app, browser_page() as page:
        app.wait()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(app.address)
        page.get_by_role("link", name="Guided demonstration").click()
        page.locator(".leuk-base").nth(11).wait_for()
        page.get_by_role("button", name="End", exact=True).click()
        _rest(page)
        for time_ in range(-1, times):
            for name in ("Home", *PAGES[:-1]) if time_ < 0 else PAGES:
                met = change(page, name)
                if time_ >= 0:
                    told[name].append(met)
        print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {times} times each")
    print(f"{'page change, ms, to':<20} {'heading':>8} {'90 %':>6} {'longest':>8} {'at rest':>8} {'90 %':>6}")
    for name, met in told.items():
        heading, rest = np.array(met).T * MILLISECONDS
        print(
            f"{name:<20} {np.median(heading):>8.0f} {np.percentile(heading, 90):>6.0f} {heading.max():>8.0f} "
            f"{np.median(rest):>8.0f} {np.percentile(rest, 90):>6.0f}"
        )


def change(page: Page, name: str) -> tuple[float, float]:
    """Press the link of a page; return seconds to its heading and to its rest."""
    pressed = time.perf_counter()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=HEADINGS.get(name, name), exact=True).wait_for()
    there = time.perf_counter()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    at_rest = time.perf_counter()
    _rest(page)
    return there - pressed, at_rest - pressed


def _rest(page: Page) -> None:
    page.wait_for_timeout(700)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


if __name__ == "__main__":
    main()
