"""A retraining in a real browser on real cells: refreshed, killed with all, compared, promoted, taken back."""

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from leuk_core import PROJECT_ROOT
from tests.conftest import crop_box, free_port, wait_until_served

pytestmark = [pytest.mark.browser, pytest.mark.real]

PATIENCE = 300_000  # milliseconds: TensorFlow loads while the test waits
PERSONS, EACH = 10, 2


class Served:
    """The application with a worker beside it, as start.py has them, each killed and started again on demand."""

    def __init__(self, folder: Path) -> None:
        self.port, self.log = free_port(), folder / "server.log"
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, "LEUK_DATA_DIR": str(folder / "data"), "LEUK_CACHE_DIR": str(folder / "cache"),
        }  # fmt: skip
        self.app: subprocess.Popen | None = None
        self.worker: subprocess.Popen | None = None

    def start(self) -> None:
        """Start what does not run, and wait until pages are served."""
        self.app = self.app or self._run("streamlit", "run", "app.py", "--server.port", str(self.port))
        self.worker = self.worker or self._run("leuk_core.jobs.worker")
        wait_until_served(self.address, self.app, self.log)

    def kill(self) -> None:
        """End both as a system does that needs their memory."""
        for process in (self.app, self.worker):
            process.kill()
            process.wait()
        self.app = self.worker = None

    def stop(self) -> None:
        """End both."""
        for process in filter(None, (self.app, self.worker)):
            process.terminate()
            process.wait(timeout=30)

    def _run(self, *words: str) -> subprocess.Popen:
        with self.log.open("a") as output:
            command = [sys.executable, "-m", *words]
            return subprocess.Popen(command, cwd=PROJECT_ROOT, env=self.environment, stdout=output, stderr=output)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve the application."""
    started = Served(tmp_path)
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def ward(tmp_path: Path, test_data: Path) -> Path:
    """A zip of real cells that the shipped versions did not learn from; who is whose patient is made up, a field each.

    Lymphoblasts stand against neutrophils: a software test, which supports no claim of accuracy.
    """
    path, lines = tmp_path / "Ward 3.zip", ["path,label,subject,split"]
    with (test_data / "fields_leukemia" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        boxes = list(csv.DictReader(file))
    with zipfile.ZipFile(path, "w") as archive:
        for label, cell in (("all", "lymphoblast"), ("hem", "neutrophil")):
            by_field: dict[str, list[dict[str, str]]] = {}
            for row in boxes:
                if row["cell"] == cell:
                    by_field.setdefault(row["path"], []).append(row)
            full = [field for field, rows in by_field.items() if len(rows) >= EACH]
            for person, field in enumerate(full[:PERSONS]):
                for number, row in enumerate(by_field[field][:EACH]):
                    name, content = f"{label}-{person}-{number}.png", io.BytesIO()
                    crop_box(test_data / "fields_leukemia" / field, row).save(content, "PNG")
                    archive.writestr(name, content.getvalue())
                    lines.append(f"{name},{label},{label}-{person},")
        archive.writestr("manifest.csv", "\n".join(lines))
    assert len(lines) == 1 + 2 * PERSONS * EACH
    return path


def at_rest(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)  # a click while the last answer is being put in its place can be lost


def test_cells_become_a_version_that_is_compared_promoted_answers_and_is_taken_back(served, browser, ward):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(60_000)
    page.goto(f"{served.address}/retrain")
    page.get_by_text("No cells are here yet").wait_for()
    page.locator("input[type=file]").set_input_files(ward)
    page.get_by_text("Everything the audit found").wait_for(timeout=PATIENCE)
    page.get_by_text("Patients kept apart to compare versions on: 5 ALL, 5 normal").wait_for()
    at_rest(page)
    for box in page.get_by_test_id("stCheckbox").all():
        box.locator("label").click()
        at_rest(page)
    model = page.get_by_test_id("stMain").get_by_role("combobox", name="Model")
    model.click()
    model.press_sequentially("KNN")
    page.get_by_role("option", name="KNN on DCNN features").click()
    at_rest(page)
    page.get_by_role("textbox", name="Your name").fill("Dr. Lin")
    page.keyboard.press("Enter")
    at_rest(page)
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("in training").wait_for()

    page.reload()
    page.get_by_text("in training").wait_for()
    served.kill()
    served.start()
    page.goto(f"{served.address}/retrain")
    page.get_by_text("attempt 2").wait_for(timeout=PATIENCE)  # the next worker has found that the first was lost
    page.get_by_text("Cross-validation").wait_for(timeout=PATIENCE)
    sentence = re.compile("^(It is better|It is worse|No evidence that it is better): ")
    page.get_by_text(sentence).wait_for(timeout=PATIENCE)
    page.get_by_text("20 cells · 10 subjects").first.wait_for()
    at_rest(page)

    page.get_by_role("button", name="Promote the new version").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Promote", exact=True).click()
    form.get_by_text("A name and a reason are needed").wait_for()
    form.get_by_role("textbox", name="Your name").fill("Dr. Lin")
    form.get_by_role("textbox", name="Reason").fill("to see it answer")
    form.get_by_role("button", name="Promote", exact=True).click()
    page.get_by_text("answers for “").wait_for()
    at_rest(page)
    back = page.get_by_role("button", name="Roll back to")
    shipped = back.inner_text().rpartition(" ")[2]
    back.click()
    back.wait_for(state="detached")
    page.get_by_text(f"KNN on DCNN features, {shipped} answers for “").wait_for()
    assert page.get_by_text("Traceback").count() == 0
    page.close()
