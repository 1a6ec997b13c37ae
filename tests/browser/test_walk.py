"""A person's walk in a real browser: drop cells, see labels, tune the filter, leave, come back; nothing breaks."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import expect

from leuk_core import RESEARCH_ONLY
from leuk_core.registry import list_versions

TASK = "all-vs-normal"

pytestmark = pytest.mark.browser

MODEL_WAIT = 180_000  # milliseconds: TensorFlow loads while the test waits


@pytest.fixture
def page(app_server, browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    opened.set_default_timeout(60_000)
    opened.goto(app_server)
    opened.get_by_text(RESEARCH_ONLY).first.wait_for()
    yield opened
    assert opened.get_by_text("Traceback").count() == 0
    opened.close()


def at_rest(page):
    # a click while the last answer is being put in its place can be lost, so wait until the page is at rest
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=MODEL_WAIT)
    page.wait_for_timeout(500)


def go(page, name):
    at_rest(page)
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def awkward(folder: Path) -> list[Path]:
    """Write files that are unusual, damaged or no pictures at all."""
    rows, columns = np.mgrid[:160, :240]
    pixels = np.full((160, 240, 3), (232, 205, 210), np.uint8)
    pixels[(columns - 80) ** 2 + (rows - 80) ** 2 < 53**2] = (96, 48, 140)
    image = Image.fromarray(pixels)

    def saved(form, picture=image, **options):
        out = io.BytesIO()
        picture.save(out, form, **options)
        return out.getvalue()

    deep = io.BytesIO()
    tifffile.imwrite(deep, pixels.astype(np.uint16) * 257, photometric="rgb")
    files = {
        "plain.png": saved("PNG"),
        "one_bit.png": saved("PNG", image.convert("1")),
        "cmyk.jpg": saved("JPEG", image.convert("CMYK")),
        "rgb16.tif": deep.getvalue(),
        "animated.gif": saved("GIF", save_all=True, append_images=[image.rotate(90)]),
        "血液 é.png": saved("PNG"),
        "no_ending": saved("JPEG"),
        "black.png": saved("PNG", Image.new("RGB", (240, 160))),
        "empty.png": b"",
        "page.jpg": b"<html><body>not a picture</body></html>",
        "truncated.png": saved("PNG")[:300],
        "bomb.png": saved("PNG", Image.new("1", (12000, 12000))),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


@pytest.mark.real
def test_a_cell_is_dropped_answered_tuned_and_still_there_afterwards(page, cnmc_cells):
    cells = cnmc_cells(each=2)
    go(page, "Diagnose")
    page.locator("input[type=file]").set_input_files([cell.path for cell in cells])
    page.locator(".leuk-base").nth(len(cells) - 1).wait_for(timeout=MODEL_WAIT)
    page.get_by_text("4 pictures:").wait_for()
    at_rest(page)
    page.get_by_role("button", name="In a set with 63 % ALL cells").click()
    page.get_by_role("radio", name="5 %", exact=True).click()
    told = page.locator(".leuk-base", has_text="in a set with 5 % ALL cells")
    told.nth(len(cells) - 1).wait_for()
    page.keyboard.press("Escape")
    go(page, "Preprocessing")
    handle = page.get_by_role("slider", name="Sigma")
    filtered = page.locator("figure[data-stage=logmh] img")
    filtered.wait_for()
    before, picture = handle.input_value(), filtered.get_attribute("src")
    handle.focus()
    page.keyboard.press("ArrowRight")
    expect(filtered).not_to_have_attribute("src", picture, timeout=30_000)
    moved = handle.input_value()
    assert moved != before
    page.get_by_text("edge contrast").wait_for()
    go(page, "Diagnose")
    page.get_by_text("4 pictures:").wait_for()
    page.get_by_text(cells[0].path.name).first.wait_for()
    told.nth(len(cells) - 1).wait_for()
    go(page, "Preprocessing")
    handle.wait_for()
    assert handle.input_value() == moved


@pytest.mark.real
@pytest.mark.skipif(
    len({version.model for version in list_versions() if version.task == TASK}) < 2,
    reason="fewer than two models of a task are installed",
)
def test_every_model_is_asked_on_request_and_the_answer_stays_above_the_fold(page, cnmc_cells):
    go(page, "Diagnose")
    page.locator("input[type=file]").set_input_files([cell.path for cell in cnmc_cells(each=1)])
    page.locator(".leuk-base").nth(1).wait_for(timeout=MODEL_WAIT)
    at_rest(page)
    assert page.locator(".leuk-row").nth(1).bounding_box()["y"] < 720 - 120
    page.get_by_text("All models", exact=True).click()
    remarks = page.locator(".leuk-aside", has_text=re.compile("models? disagree"))
    remarks.nth(1).wait_for(timeout=MODEL_WAIT)
    at_rest(page)
    page.get_by_text("Details", exact=True).first.click()
    table = page.get_by_role("table").first
    table.wait_for()
    assert table.get_by_role("row").count() == 1 + len({v.model for v in list_versions() if v.task == TASK})


def test_a_heap_of_awkward_files_gets_a_row_each(page, tmp_path):
    files = awkward(tmp_path)
    go(page, "Diagnose")
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_text(f"{len(files)} pictures:").wait_for(timeout=MODEL_WAIT)
    page.get_by_text("4 refused").wait_for(timeout=MODEL_WAIT)
    for file in files:
        page.get_by_text(file.name).first.wait_for()


def test_the_answers_leave_as_a_file_that_names_no_picture(page, tmp_path):
    (tmp_path / "Doe.png").write_bytes(b"not a picture")
    go(page, "Diagnose")
    page.locator("input[type=file]").set_input_files(tmp_path / "Doe.png")
    page.get_by_text("1 picture: 1 refused").wait_for()
    page.get_by_role("button", name="CSV").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the answers").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert RESEARCH_ONLY in text.splitlines()[0]
    assert "picture 1,refused" in text
    assert "Doe" not in text


@pytest.mark.parametrize("name", ["Home", "Diagnose", "Preprocessing"])
def test_every_page_says_that_it_is_no_diagnosis(page, name):
    page.get_by_role("link", name=name, exact=True).first.click()
    foot = page.get_by_text(RESEARCH_ONLY).first
    foot.wait_for()
    assert foot.is_visible()
