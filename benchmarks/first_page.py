"""From the start of the server to the first page in a real browser, and whether TensorFlow was loaded for it.

Run from the project's folder: `.venv/bin/python -m benchmarks.first_page`. Wanted: the page within 3 s after the server
answers, without TensorFlow (told by the libraries that the process has mapped; on Linux only).
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.served import browser_page, served

STARTS = 3


def main() -> None:
    print(f"{'start':>5} {'server answers':>15} {'page after that':>16} {'together':>9}  TensorFlow loaded")
    with browser_page() as page:
        for start in range(1, STARTS + 1):
            with served() as app:
                app.wait()
                answers = time.perf_counter()
                page.goto(app.address)
                page.get_by_role("heading", name="Leukemia smear workbench").wait_for()
                page.get_by_text("Research use only. Not for diagnosis.").first.wait_for()
                there = time.perf_counter()
                loaded = tensorflow_in(app.process.pid)
                print(
                    f"{start:>5} {answers - app.started:>13.2f} s {there - answers:>14.2f} s "
                    f"{there - app.started:>7.2f} s  {loaded}"
                )
                page.goto("about:blank")


def tensorflow_in(process: int) -> str:
    try:
        mapped = Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return "not known on this system"
    return "yes" if "tensorflow" in mapped else "no"


if __name__ == "__main__":
    main()
