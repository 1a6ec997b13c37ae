"""A case in a real browser, from dropped fields to its report: refreshed, the server killed, two persons at work."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from leuk_core import PROJECT_ROOT
from tests.conftest import free_port, wait_until_served

pytestmark = pytest.mark.browser

FIELDS = sorted((PROJECT_ROOT / "assets" / "samples").glob("synthetic-3?-field-*.png"))
PATIENCE = 120_000  # milliseconds: TensorFlow loads while the first field waits


class Server:
    """The application on one port, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {**os.environ, "LEUK_DATA_DIR": str(self.folder / "data")}
        log = self.folder / "server.log"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with log.open("a") as output:
            self.process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=output, stderr=output)
        wait_until_served(self.address, self.process, log)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    served = Server(tmp_path)
    served.start()
    yield served
    served.kill()


def at_rest(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(300)


def opened(browser, address):
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(30_000)
    page.goto(address)
    page.get_by_role("textbox", name="Reviewer").wait_for()
    at_rest(page)
    return page


def introduce(page, name):
    page.get_by_role("textbox", name="Reviewer").fill(name)
    page.keyboard.press("Enter")
    at_rest(page)


def reviewed(page, count, of):
    expect(page.locator(".leuk-diff-progress")).to_have_text(f"{count} of {of} cells reviewed")


def press(page, *keys):
    page.get_by_role("listbox", name="cells:").focus()
    for key in keys:
        page.keyboard.press(key)


def row(page, name):
    return page.locator(".leuk-diff tr", has=page.locator("th", has_text=re.compile(f"^{name}$")))


def draw(page, *corners):
    """Draw a box on the field, by shares of its width and height."""
    page.get_by_role("button", name=re.compile("missed cell")).click()
    box = page.locator(".view").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def show(page, view):
    page.get_by_role("radiogroup", name="Show").get_by_text(view, exact=True).click()


def test_a_case_goes_from_dropped_fields_to_its_report_and_loses_nothing(server, browser):
    page = opened(browser, f"{server.address}/smear")
    cells = begin(page)
    page.reload()
    reviewed(page, 0, cells)
    call_by_keys(page, cells)
    mend_boxes(page, cells)
    page.reload()
    reviewed(page, 5, cells + 1)

    server.kill()
    server.start()
    page.reload()
    reviewed(page, 5, cells + 1)
    expect(row(page, "myeloblast").locator("td").first).to_have_text("1")

    meet_another_person(browser, page, cells + 1)
    press(page, "a", "Space")
    reviewed(page, cells + 1, cells + 1)
    expect(row(page, "myeloblast").locator("td").first).to_have_text("1")  # what a person said stays
    confirm(page)
    assert page.get_by_text(re.compile("Traceback|encountered an error")).count() == 0
    page.close()


def begin(page) -> int:
    """Create a case of two fields; return how many cells were found."""
    page.get_by_text("Blasts are not assessed by the machine").first.wait_for()
    introduce(page, "Dr. Lin")
    page.get_by_role("textbox", name="Pseudonym").fill("ward 3-17")
    page.get_by_role("button", name="Create the case").click()
    page.get_by_text("Drop the fields of this case here").wait_for()
    page.locator("input[type=file]").set_input_files(FIELDS[:2])
    progress = page.locator(".leuk-diff-progress")
    progress.wait_for(timeout=PATIENCE)
    at_rest(page)
    cells = int(re.search(r"of (\d+) cells", progress.inner_text())[1])
    assert cells >= 6
    expect(row(page, "blasts")).to_contain_text("not assessed by the machine")
    return cells


def call_by_keys(page, cells):
    press(page, "1", "8", "9", "i", "n")  # five keys, faster than the server answers
    reviewed(page, 5, cells)
    expect(row(page, "myeloblast")).to_contain_text("33.3")
    page.get_by_text("genetics").wait_for()
    press(page, "/")
    page.keyboard.type("promy")
    page.keyboard.press("Enter")
    reviewed(page, 6, cells)
    expect(row(page, "promyelocyte").locator("td").first).to_have_text("1")
    press(page, "u")
    reviewed(page, 5, cells)


def mend_boxes(page, cells):
    show(page, "fields")
    page.locator(".view svg rect").first.wait_for(state="attached")
    draw(page, (0.02, 0.9), (0.08, 0.98))
    reviewed(page, 5, cells + 1)
    expect(page.locator(".view svg rect.picked")).to_have_count(1)
    page.locator(".view").focus()
    page.keyboard.press("x")  # it was none
    reviewed(page, 5, cells)
    page.keyboard.press("u")
    reviewed(page, 5, cells + 1)


def meet_another_person(browser, page, cells):
    other = opened(browser, page.url)
    introduce(other, "Dr. Ray")
    reviewed(other, 5, cells)
    press(other, "2")
    reviewed(other, 6, cells)
    press(page, "3")  # the same cell, which this window still shows as open
    page.get_by_text("Nothing was done").wait_for()
    page.get_by_text("by Dr. Ray").first.wait_for()
    other.close()


def confirm(page):
    """Confirm the case, see that a refresh keeps it so, and take its report away."""
    page.get_by_role("link", name="Confirm the case").click()
    page.get_by_role("heading", name="Cases", exact=True).wait_for()
    at_rest(page)
    page.get_by_text("may stay unidentified").click()
    at_rest(page)
    page.get_by_role("button", name="Confirm as Dr. Lin").click()
    page.get_by_text("Confirmed by Dr. Lin.", exact=True).wait_for()
    page.reload()
    page.get_by_text("confirmed by Dr. Lin").first.wait_for()
    at_rest(page)
    with page.expect_download() as report:
        page.get_by_role("button", name="Report (PDF)").click()
    assert report.value.suggested_filename == "ward-3-17-report.pdf"
    assert Path(report.value.path()).read_bytes().startswith(b"%PDF")
