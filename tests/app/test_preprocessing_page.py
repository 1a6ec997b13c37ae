"""The page Preprocessing as a person meets it: controls, stages, kept settings, what outlives a page change."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from components import augmented, tuning
from components.pictures import ARRIVALS, PICTURES, Arrival
from leuk_core.images import SmearImage
from leuk_core.preprocessing.augment import NAMES
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.registry import list_versions
from leuk_core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = "pages/preprocessing.py"


def drawn_cell(seed, side=200):
    """Return a textured disc on black, uint8 RGB."""
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), 3)
    shade = np.clip(120 + 400 * texture, 30, 230)[..., None] * np.float32([0.8, 0.45, 0.95])
    rows, columns = np.mgrid[:side, :side]
    disc = (rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (0.3 * side + seed) ** 2
    return np.where(disc[..., None], shade, 0).astype(np.uint8)


def arrival(number, pixels, name=None):
    name = name or f"cell {number}.png"
    picture = SmearImage(pixels, name, f"{number:064x}", microns_per_pixel=0.1)
    return Arrival(number, name, f"{number:064x}", picture)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """No model, no test data, and a data folder of its own."""
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_TEST_DATA", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def opened(files=()):
    """Return the page, with `files` open."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.run()
    at.session_state[ARRIVALS] = list(files)
    at.session_state[PICTURES] = [item.picture for item in files]
    at.switch_page(PAGE).run()
    assert not at.exception
    return at


@pytest.fixture
def page(folders):
    return opened([arrival(number, drawn_cell(number)) for number in range(1, 4)])


def sent(at):
    """Return what the row of stages and the bringer of the filtered picture were given."""
    row, filtered = (json.loads(component.proto.json) for component in at.get("bidi_component"))
    return row, filtered


def stages(at):
    """Return the panels that are drawn, by name."""
    row, filtered = sent(at)
    return {panel["name"]: panel for panel in (*row["panels"][:-1], filtered["filtered"])}


def html(at, marker):
    return next(element.proto.body for element in at.get("html") if marker in element.proto.body)


def contrast(at):
    return float(html(at, "edge contrast").split("<b>×")[1].split("</b>")[0])


def errors(at):
    return [element.value for element in (*at.error, *at.exception)]


class TestStages:
    def test_without_pictures_it_shows_the_drawn_samples(self, folders):
        at = opened()
        assert at.selectbox(key=tuning.CELL).value == "sample 1"
        assert len(stages(at)) == 5
        assert not errors(at)

    def test_without_samples_too_it_says_what_to_do(self, folders, monkeypatch):
        monkeypatch.setattr(tuning, "sample_cells", list)
        at = opened()
        assert "Drop pictures of single cells here" in at.info[0].value
        assert not at.get("bidi_component")
        assert not errors(at)

    def test_five_stages_in_order_share_one_place_on_the_original(self, page):
        panels = stages(page)
        assert list(panels) == ["original", "cut-out", "stain", "size", "logmh"]
        assert panels["size"]["box"] == panels["logmh"]["box"]
        assert all(panel["src"].startswith("data:image/") for panel in panels.values())
        assert all(np.array(panel["counts"]).shape == (3, 64) for panel in panels.values())

    @pytest.mark.parametrize(("key", "value"), [(tuning.SIGMA, 2.0), (tuning.BOOST, 5.0)])
    def test_a_moved_slider_changes_the_last_stage_and_the_strip_alone(self, page, key, value):
        before, strip = stages(page), html(page, "leuk-strip")
        slider = page.select_slider if key == tuning.SIGMA else page.slider
        slider(key=key).set_value(value).run()
        after = stages(page)
        assert [name for name in after if after[name]["src"] != before[name]["src"]] == ["logmh"]
        assert html(page, "leuk-strip") != strip

    def test_the_filtered_picture_belongs_to_the_cell_in_the_row(self, page):
        row, filtered = sent(page)
        assert row["revision"] == filtered["revision"]
        assert row["panels"][-1]["box"] == filtered["filtered"]["box"]
        page.selectbox(key=tuning.CELL).set_value("picture 2").run()
        other, brought = sent(page)
        assert other["revision"] == brought["revision"] != row["revision"]

    def test_more_boost_means_more_edge_contrast_and_none_without_the_filter(self, page):
        page.slider(key=tuning.BOOST).set_value(1.0).run()
        weak = contrast(page)
        page.slider(key=tuning.BOOST).set_value(8.0).run()
        assert contrast(page) > weak > 1
        page.toggle(key=tuning.USED).set_value(False).run()
        assert contrast(page) == 1.0
        assert stages(page)["logmh"]["title"] == "LoGMH is off"

    def test_before_and_after_shows_two(self, page):
        page.segmented_control(key=tuning.VIEW).set_value("before and after").run()
        assert list(stages(page)) == ["size", "logmh"]

    def test_the_strip_shows_the_other_cells(self, page):
        assert "picture 2" in html(page, "leuk-strip")
        page.selectbox(key=tuning.CELL).set_value("picture 2").run()
        strip = html(page, "leuk-strip")
        assert "picture 1" in strip
        assert "picture 2" not in strip
        assert strip.count("<img") == 2

    def test_the_strip_ends_at_eight(self, folders):
        at = opened([arrival(number, drawn_cell(number)) for number in range(1, 12)])
        assert html(at, "leuk-strip").count("<img") == 8

    def test_a_single_cell_has_no_strip(self, folders):
        at = opened([arrival(1, drawn_cell(1))])
        assert not any("leuk-strip" in element.proto.body for element in at.get("html"))

    def test_a_blank_picture_has_no_number_but_a_sentence(self, folders):
        at = opened([arrival(1, np.zeros((120, 120, 3), np.uint8))])
        assert "No cell was found" in html(at, "leuk-effect")
        assert not errors(at)

    def test_every_option_leads_to_a_picture(self, page):
        before = stages(page)["logmh"]["src"]
        for choose in (
            lambda: page.radio(key=tuning.CHANNELS).set_value("luminance"),
            lambda: page.radio(key=tuning.NORMALISATION).set_value("extremes"),
            lambda: page.checkbox(key=tuning.MASKED).set_value(False),
            lambda: page.checkbox(key=tuning.STAIN).set_value(False),
            lambda: page.checkbox(key=tuning.CUTOUT).set_value(False),
        ):
            choose().run()
            assert not errors(page)
            after = stages(page)["logmh"]["src"]
            assert after != before
            before = after

    def test_the_augmentations_are_drawn_once_opened_and_follow_seed_and_setting(self, page):
        assert not any("leuk-augmented" in element.proto.body for element in page.get("html"))
        page.session_state[augmented.OPEN] = True
        page.run()
        row, draws = html(page, "leuk-augmented"), html(page, "leuk-draws")
        assert row.count("<img") == 1 + len(NAMES)
        assert all(name.rstrip("s") in row for name in NAMES)
        assert draws.count("<img") == augmented.WHOLE
        page.number_input(key=augmented.SEED).set_value(5).run()
        other = html(page, "leuk-draws")
        assert other != draws
        page.slider(key=tuning.BOOST).set_value(7.0).run()
        assert html(page, "leuk-draws") != other
        assert not errors(page)

    def test_without_a_model_there_is_nobody_to_ask(self, page):
        assert not [toggle for toggle in page.toggle if toggle.label == "Ask the model"]


class TestSettings:
    def test_boost_is_beta_over_alpha_whichever_is_moved(self, page):
        page.slider(key=tuning.BOOST).set_value(4.0).run()
        assert page.number_input(key=tuning.BETA).value == 4.0
        page.number_input(key=tuning.ALPHA).set_value(2.0).run()
        assert page.slider(key=tuning.BOOST).value == 2.0
        page.number_input(key=tuning.BETA).set_value(6.0).run()
        assert page.slider(key=tuning.BOOST).value == 3.0

    def test_a_beta_beyond_the_slider_is_brought_back_and_said(self, page):
        page.number_input(key=tuning.BETA).set_value(50.0).run()
        assert page.number_input(key=tuning.BETA).value == 10.0
        assert "at most 10 times alpha" in page.toast[0].value

    def test_only_the_ratio_changes_the_picture(self, page):
        page.slider(key=tuning.BOOST).set_value(2.0).run()
        before = stages(page)["logmh"]["src"]
        page.number_input(key=tuning.ALPHA).set_value(0.5).run()
        page.number_input(key=tuning.BETA).set_value(1.0).run()
        assert stages(page)["logmh"]["src"] == before

    def test_the_papers_form_is_one_choice_away(self, page):
        page.selectbox(key=tuning.SETTING).set_value(tuning.PAPER).run()
        state = page.session_state
        assert LoGMH() == LoGMH(
            state[tuning.SIGMA], state[tuning.ALPHA], state[tuning.BETA], state[tuning.CHANNELS],
            state[tuning.NORMALISATION], tuple(state[tuning.PERCENTILES]), masked=state[tuning.MASKED],
        )  # fmt: skip

    def test_a_saved_setting_comes_back_in_another_session(self, page):
        page.slider(key=tuning.BOOST).set_value(6.5).run()
        page.select_slider(key=tuning.SIGMA).set_value(1.8).run()
        page.text_input(key=tuning.NAME).set_value("fine chromatin").run()
        self.press(page, "Save")
        assert page.toast[0].value == "Saved as “fine chromatin”."
        picture = stages(page)["logmh"]["src"]

        other = opened([arrival(number, drawn_cell(number)) for number in range(1, 4)])
        assert stages(other)["logmh"]["src"] != picture
        other.selectbox(key=tuning.SETTING).set_value(tuning.KEPT + "fine chromatin").run()
        assert other.slider(key=tuning.BOOST).value == 6.5
        assert stages(other)["logmh"]["src"] == picture

    def test_a_deleted_setting_is_gone_and_the_controls_stay(self, page, folders):
        page.slider(key=tuning.BOOST).set_value(6.5).run()
        page.text_input(key=tuning.NAME).set_value("passing").run()
        self.press(page, "Save")
        self.press(page, "Delete “passing”")
        assert "“passing”" not in page.selectbox(key=tuning.SETTING).options
        assert page.slider(key=tuning.BOOST).value == 6.5
        assert not list((folders / "data" / "recipes").iterdir())

    def test_a_name_that_cannot_be_used_is_said_and_nothing_is_written(self, page, folders):
        page.text_input(key=tuning.NAME).set_value("../up").run()
        self.press(page, "Save")
        assert "A name must be 1 to 60 letters" in page.toast[0].value
        assert not (folders / "data" / "recipes").exists()

    def test_a_setting_that_was_deleted_elsewhere_does_no_harm(self, page, folders):
        page.text_input(key=tuning.NAME).set_value("passing").run()
        self.press(page, "Save")
        next((folders / "data" / "recipes").iterdir()).unlink()
        page.switch_page("pages/home.py").run()
        page.switch_page(PAGE).run()
        assert not errors(page)
        assert page.selectbox(key=tuning.SETTING).value == tuning.OWN

    def test_everything_is_as_it_was_after_a_visit_to_another_page(self, page):
        page.slider(key=tuning.BOOST).set_value(3.3).run()
        page.select_slider(key=tuning.SIGMA).set_value(0.0).run()
        page.selectbox(key=tuning.CELL).set_value("picture 3").run()
        page.radio(key=tuning.CHANNELS).set_value("luminance").run()
        before = stages(page)
        page.switch_page("pages/home.py").run()
        assert not page.get("bidi_component")
        page.switch_page(PAGE).run()
        assert stages(page) == before
        assert page.slider(key=tuning.BOOST).value == 3.3
        assert page.selectbox(key=tuning.CELL).value == "picture 3"

    @staticmethod
    def press(at, label):
        next(button for button in at.button if button.label == label).click().run()
        assert not errors(at)


def test_the_page_draws_without_tensorflow(folders):
    """In a process of its own, since another test may have loaded it here."""
    program = (
        "import sys\n"
        "sys.path[:0] = ['.', 'tests/app']\n"
        "from test_preprocessing_page import arrival, drawn_cell, opened, stages\n"
        "assert len(stages(opened([arrival(1, drawn_cell(1))]))) == 5\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr


@pytest.mark.real
def test_sample_cells_are_shown_until_there_are_pictures(folders, monkeypatch, test_data):
    monkeypatch.setenv("LEUK_TEST_DATA", str(test_data))
    settings.cache_clear()
    at = opened()
    assert at.selectbox(key=tuning.CELL).value == "sample 1"
    assert html(at, "leuk-strip").count("<img") == 8
    assert contrast(at) > 1


@pytest.mark.skipif(not list_versions(), reason="no model version is installed under models/")
def test_the_model_answers_before_and_after(folders, monkeypatch):
    monkeypatch.delenv("LEUK_MODELS_DIR")
    settings.cache_clear()
    at = opened([arrival(1, drawn_cell(1, side=450))])
    at.toggle(key=tuning.ASK).set_value(True).run(timeout=300)
    assert "the model's own recipe" in html(at, "answer:")
    at.slider(key=tuning.BOOST).set_value(9.0).run()
    assert " → " in html(at, "answer:")
    assert not errors(at)


@pytest.mark.browser
def test_the_zoom_outlives_a_moved_slider(app_server, browser, tmp_path):
    files = []
    for number in (1, 2):
        files.append(tmp_path / f"cell {number}.png")
        assert cv2.imwrite(str(files[-1]), drawn_cell(number)[..., ::-1])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(90_000)
    page.goto(app_server)
    page.get_by_role("link", name="Preprocessing", exact=True).first.click()
    add, drop = page.get_by_role("button", name="Add pictures"), page.locator("input[type=file]")
    add.or_(drop).first.wait_for(state="attached")
    if add.count():  # sample cells are shown
        add.click()
    drop.set_input_files(files)
    row = page.get_by_role("group", name="Stages of picture 1")
    row.wait_for()
    last = page.locator("figure[data-stage=logmh] img")
    last.wait_for()
    before, span = last.get_attribute("src"), float(row.get_attribute("data-span"))

    page.locator(".view").first.hover()
    page.mouse.wheel(0, -300)
    row.locator("button").first.click()
    zoomed, middle = row.get_attribute("data-span"), row.get_attribute("data-middle")
    assert float(zoomed) < 0.8 * span
    widths = page.locator("figure img").evaluate_all("all => all.slice(-2).map(i => i.getBoundingClientRect().width)")
    assert len(set(widths)) == 1

    page.get_by_role("slider", name="Boost").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "old => [...document.querySelectorAll('*')].some(e => e.shadowRoot && [...e.shadowRoot.querySelectorAll("
        "'figure[data-stage=logmh] img')].some(i => i.src !== old))",
        arg=before,
    )
    assert (row.get_attribute("data-span"), row.get_attribute("data-middle")) == (zoomed, middle)
    moved = last.get_attribute("src")

    page.get_by_role("link", name="Home", exact=True).first.click()
    row.wait_for(state="detached")
    page.get_by_role("link", name="Preprocessing", exact=True).first.click()
    expect(last).to_have_attribute("src", moved, timeout=30_000)
    sources = page.locator("figure[data-stage] img").evaluate_all("all => all.map(image => image.src)")
    assert len(sources) == 5
    assert all(sources)
    page.get_by_role("combobox", name="Cell").click()
    page.get_by_role("option", name="picture 2").click()
    page.get_by_role("group", name="Stages of picture 2").wait_for()
    expect(last).to_be_visible(timeout=30_000)
    expect(last).not_to_have_attribute("src", moved)
    page.close()
