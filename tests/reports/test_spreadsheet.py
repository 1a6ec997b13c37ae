"""No text becomes a formula, whichever sign a spreadsheet parts cells at; no name keeps a table from being written."""

import re

import pytest

from leuk_core.reports.spreadsheet import to_csv

HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x00=1",
    "＝1+1", "＠SUM(1)", "a;=HYPERLINK(1)", "a; +1", "a\n=1", "a\t@b", 'a";=1', ";=1", "\u202e=1",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_stays_text_in_a_cell_a_head_and_the_first_line(text):
    table = to_csv([{f"{text}": text, "a;=b": -2.5}], f"Taken by {text}.").decode("utf-8-sig")
    parts = [part.strip(' \u00a0\ufeff\u200b\u202e\0"') for part in re.split(r"[,;\t\r\n]", table)]
    assert [part for part in parts if part[:1] in ("=", "+", "-", "@", "＝", "＠") and part != "-2.5"] == []


def test_what_has_no_form_in_utf_8_is_escaped_and_plain_text_stays_as_it_is():
    table = to_csv([{"name": "\udcff.png", "note": "between -2 and 3; 4 = many", "long": "x" * 10_000}])
    assert r"\udcff.png,between -2 and 3; 4 = many,xxx" in table.decode("utf-8-sig")
