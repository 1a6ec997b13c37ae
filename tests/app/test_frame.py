"""What every page stands on: errors with a number, logs without names, pictures taken once and within limits."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from components import incidents, pictures
from components.answers import Row, summary
from components.cards import shown_name, two_digits
from components.pictures import Arrival
from components.scale import FROM_CNMC, FROM_MICROSCOPE, Scale, remember, remembered
from components.share import Share, set_share
from components.table import records, to_csv
from leuk_core import RESEARCH_ONLY
from leuk_core.images import SmearImage
from leuk_core.registry import ClassCard, Task
from leuk_core.settings import settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    incidents.incident_log.clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()
    incidents.incident_log.clear()


def png(shade=120, side=32):
    out = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade, np.uint8)).save(out, "PNG")
    return out.getvalue()


def picture(name="a.png", side=450):
    return SmearImage(np.zeros((side, side, 3), np.uint8), name, "0" * 64)


def failing_page():
    import streamlit as st

    from components.frame import guard
    from components.pictures import take

    take([("Doe, Jane.png", b"")])
    with guard():
        raise RuntimeError("cannot go on with Doe, Jane.png")
    st.write("the page goes on")


def test_an_unforeseen_error_is_a_sentence_with_a_number_and_the_log_has_no_name(folder, capfd):
    app = AppTest.from_function(failing_page, default_timeout=30).run()
    assert not app.exception
    said = app.error[0].value
    assert "Doe" not in said
    assert "Traceback" not in said
    assert "RuntimeError" not in said
    number = said.split("report error ")[1].split(":")[0]
    log = (folder / "logs" / "app.log").read_text(encoding="utf-8")
    assert f"error {number}" in log
    assert "RuntimeError: cannot go on with <picture>" in log
    assert "Doe" not in log
    assert "Doe" not in capfd.readouterr().err
    assert app.markdown[0].value == "the page goes on"


def test_errors_are_still_told_where_no_log_file_can_be_written(folder, capfd):
    (folder / "logs").write_text("a file where the folder should be")
    number = incidents.record(ValueError("told"))
    assert f"error {number}" in capfd.readouterr().err


class TestTaking:
    def taken(self, files):
        def page(files):
            from components.pictures import take

            take(files)

        app = AppTest.from_function(page, kwargs={"files": files}, default_timeout=30).run()
        assert not app.exception
        return app.session_state[pictures.ARRIVALS], app.session_state

    def test_the_same_file_is_taken_once_and_its_copy_under_another_name_has_a_row_of_its_own(self):
        arrivals, _ = self.taken([("a.png", png()), ("a.png", png()), ("b.png", png())])
        assert [(item.number, item.name) for item in arrivals] == [(1, "a.png"), (2, "b.png")]

    def test_other_pages_find_pictures_and_refusals_in_the_order_given(self):
        _, state = self.taken([("a.png", png(1)), ("empty.png", b""), ("b.png", png(2))])
        assert [item.name for item in state[pictures.PICTURES]] == ["a.png", "b.png"]
        ((name, sentence),) = state[pictures.REFUSED]
        assert name == "empty.png"
        assert "0 bytes" in sentence

    def test_what_is_beyond_the_number_of_files_is_refused_with_the_way_out(self, monkeypatch):
        monkeypatch.setattr(pictures, "MAX_PICTURES", 2)
        arrivals, _ = self.taken([(f"{shade}.png", png(shade)) for shade in range(3)])
        assert [item.picture is None for item in arrivals] == [False, False, True]
        assert "2 files are open already. Clear them" in arrivals[2].sentence

    def test_what_is_beyond_the_megapixels_is_refused_and_a_smaller_one_still_fits(self, monkeypatch):
        monkeypatch.setattr(pictures, "MAX_TOTAL_MEGAPIXELS", 0.003)
        arrivals, _ = self.taken([("a.png", png(1)), ("large.png", png(2, 64)), ("c.png", png(3))])
        assert [item.picture is None for item in arrivals] == [False, True, False]
        assert "megapixels" in arrivals[1].sentence


class TestTable:
    task = Task(
        id="all-vs-normal",
        title="ALL against normal",
        classes=(ClassCard("all", "ALL", "resembles ALL"), ClassCard("hem", "normal", "resembles normal")),
        positive="all",
        training_share={"all": 0.63, "hem": 0.37},
    )

    def row(self, name):
        return Row(Arrival(3, name, "0" * 64, None, "This file is empty."), None)

    def test_a_file_says_research_only_and_opens_as_utf8_in_a_spreadsheet(self):
        data = to_csv(records([self.row("a.png")], Share(self.task)))
        assert data.startswith(b"\xef\xbb\xbf")
        assert RESEARCH_ONLY in data.decode("utf-8-sig").splitlines()[0]

    def test_names_are_given_only_on_request(self):
        assert "Doe" not in to_csv(records([self.row("Doe.png")], Share(self.task))).decode()
        assert "picture 3" in to_csv(records([self.row("Doe.png")], Share(self.task))).decode()
        assert "Doe.png" in to_csv(records([self.row("Doe.png")], Share(self.task), with_names=True)).decode()

    @pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
    def test_a_name_is_never_a_formula(self, name):
        (record,) = records([self.row(name)], Share(self.task), with_names=True)
        line = to_csv([{"name": record["name"]}]).decode("utf-8-sig").splitlines()[2]
        assert line.strip('"').startswith("'")

    def test_a_probability_says_in_which_set_it_holds(self):
        assert set_share(self.task) == "63 % ALL cells"


def test_the_line_over_the_rows_counts_every_file():
    refused = Row(Arrival(1, "a", "0" * 64, None, "No."), None)
    waiting = Row(Arrival(2, "b", "0" * 64, picture()), None)
    assert summary([refused, waiting, waiting]) == "3 pictures: 1 refused, 2 waiting"
    assert summary([refused]) == "1 picture: 1 refused"


def test_a_name_can_neither_write_html_nor_turn_the_text_around():
    assert shown_name("<img src=x onerror=alert(1)>\u202egnp.exe") == "&lt;img src=x onerror=alert(1)&gt;gnp.exe"


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "< 0.01"), (0.004, "< 0.01"), (0.5, "0.50"), (0.994, "0.99"), (0.9999, "> 0.99")]
)
def test_two_digits_never_claim_certainty(probability, shown):
    assert two_digits(probability) == shown


class TestScale:
    def test_a_cut_out_of_half_the_side_has_twice_the_micrometres(self):
        scale = Scale(FROM_CNMC)
        assert scale.of(picture(side=225)) == pytest.approx(2 * scale.of(picture(side=450)))

    def test_the_microscope_is_remembered_by_the_installation(self, folder):
        assert remembered() is None
        remember(0.087)
        assert remembered() == 0.087
        assert Scale(FROM_MICROSCOPE, remembered()).of(picture()) == 0.087

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"microns_per_pixel": "a"}', '{"microns_per_pixel": -1}'])
    def test_a_damaged_note_is_as_good_as_none(self, folder, text):
        (folder / "microscope.json").write_text(text)
        assert remembered() is None
