"""Many browser sessions on one server: answers, errors, waits, and the memory of the server.

Run from the project's folder: `.venv/bin/python -m benchmarks.load [SESSIONS] [MINUTES]` (20 sessions, 10 minutes).
Each session drops a new drawn cell on Diagnose, waits for its row, and drops the next one; after some it leaves, and a
new one comes. Wanted: every cell answered, no error, waits that grow no more than the sessions do, and memory flat
after the first third.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.served import QUIET, drawn_cell, served

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, FilePayload

SESSIONS, MINUTES, PATIENCE_S, VISIT = 20, 10.0, 120.0, 8


@dataclass
class Told:
    """What all sessions met."""

    waits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


def main() -> None:
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else MINUTES
    with served() as app:
        app.wait()
        alone = asyncio.run(_all(app.address, app.process.pid, 1, min(0.5, minutes)))
        many = asyncio.run(_all(app.address, app.process.pid, sessions, minutes))
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, told in (("1 session", alone), (f"{sessions} sessions", many)):
        waits = told.waits or [float("nan")]
        print(
            f"{name:<12} {len(told.waits):>5} cells answered, {len(told.errors)} errors; wait: median "
            f"{np.median(waits):.1f} s, 95 % {np.percentile(waits, 95):.1f} s, longest {max(waits):.1f} s"
        )
    for error in sorted(set(many.errors)):
        print(f"  {many.errors.count(error)} times: {error}")
    ratio = np.median(many.waits or [np.nan]) / np.median(alone.waits or [np.nan])
    print(f"{sessions} sessions wait {ratio:.1f} times as long as one")
    third = [held for _, held in many.memory[len(many.memory) // 3 :]]
    if third:
        grown = f"{third[0]:.2f} GB after a third, {third[-1]:.2f} GB at the end"
        print(f"memory of the server: {grown}, {third[-1] / third[0]:.2f} times as much")


async def _all(address: str, server: int, sessions: int, minutes: float) -> Told:
    from playwright.async_api import async_playwright  # noqa: PLC0415 a development package

    told, end = Told(), time.monotonic() + 60 * minutes
    path = os.environ.get("LEUK_CHROMIUM") or shutil.which("chromium")
    if not path:
        sys.exit("No browser: install chromium, or name one in LEUK_CHROMIUM.")
    async with async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        watch = asyncio.create_task(_watch(server, told))
        await asyncio.gather(*(_session(browser, address, number, end, told) for number in range(sessions)))
        watch.cancel()
        await browser.close()
    return told


async def _session(browser: Browser, address: str, number: int, end: float, told: Told) -> None:
    visits = 0
    while time.monotonic() < end:
        visits += 1
        context = await browser.new_context(viewport={"width": 1280, "height": 720})
        try:
            await _visit(context, f"{address}/diagnose", f"{number}-{visits}", end, told)
        except Exception as error:  # noqa: BLE001 a session that fails is what this program counts
            told.errors.append(str(error).splitlines()[0][:100])
        await context.close()


async def _visit(context: BrowserContext, address: str, who: str, end: float, told: Told) -> None:
    page = await context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    await page.goto(address)
    for number in range(VISIT):
        if time.monotonic() > end:
            return
        await page.locator("input[type=file]").first.wait_for(state="attached")
        start, name = time.monotonic(), f"visit {who} cell {number}.png"
        data: FilePayload = {"name": name, "mimeType": "image/png", "buffer": _png(name)}
        await page.locator("input[type=file]").first.set_input_files(data)
        await page.locator(".leuk-row", has_text=name).first.wait_for()
        told.waits.append(time.monotonic() - start)
        if await page.get_by_text("Something happened here").count():
            told.errors.append("the page told of an error")


async def _watch(server: int, told: Told) -> None:
    while True:
        words = Path(f"/proc/{server}/status")
        if words.is_file():
            held = int(words.read_text("utf-8").partition("VmRSS:")[2].split()[0]) / 1e6
            told.memory.append((time.monotonic(), held))
        await asyncio.sleep(5)


def _png(name: str) -> bytes:
    mark = sha256(name.encode()).digest()
    pixels = drawn_cell(mark[0] % 40)
    pixels[0, :3] = np.frombuffer(mark[:9], np.uint8).reshape(3, 3)  # a picture that nobody dropped before
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main()
