"""Names of files and classes from strangers, written down: no script on the page of an audit, no file that breaks."""

import os
import sys
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from leuk_core.data.audit.page import page_html
from leuk_core.data.layouts import open_cells

NAMES = (
    "<script>alert(1)</script>", "]]><script>x</script>", "\"' onmouseover=alert(1) x=\"", "\u202egnp.exe", "a\x07b",
    "one\ntwo", "&#60;script&#62;", "x" * 10_000, "--><!--", "</style><script>",
)  # fmt: skip


class Live(HTMLParser):
    """Gathers what would run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [tag] if tag in ("script", "iframe", "object", "link", "base") else []
        self.found += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_an_audit_runs_nothing(name):
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    pair = {
        "first": name, "second": name, "labels": [name, name], "subjects": [name, None], "splits": [name, None],
        "score": 1.0, "how": name, "across": ["class"],
    }  # fmt: skip
    trait = {"grade": "red", "trait": name, "auroc": share, "balanced_accuracy": share, "text": name, "n": 2}
    facts = {
        "name": name, "n": 2, "layout": name, "protocol": "by-subject", "notes": [name], "seed": 1,
        "verdicts": {name: {"grade": "red", "text": name}}, "exact_duplicates": [pair], "near_duplicates": [],
        "shortcuts": [{**trait, "protocol": "by-subject", "n_groups": 2}],
        "balance": {"images": {name: 2}, "subjects": {name: 2}}, "unreadable": [{"where": name, "received": name}],
    }  # fmt: skip
    live = Live()
    live.feed(page_html(facts, lambda _: None))
    assert live.found == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such names")
def test_a_name_that_is_no_utf_8_can_be_written_down_and_its_picture_read(tmp_path):
    for at, label in enumerate(("all", "hem")):
        (tmp_path / label).mkdir()
        for number in range(2):
            png = cv2.imencode(".png", np.full((24, 24, 3), 40 * at + number, np.uint8))[1].tobytes()
            (tmp_path / label / f"{number}.png").write_bytes(png)
    os.rename(tmp_path / "all" / "0.png", os.fsencode(tmp_path / "all") + b"/\xff.png")  # noqa: PTH104 - bytes
    cells = open_cells(tmp_path)
    assert r"all/\udcff.png" in [cell.name.encode("utf-8").decode() for cell in cells]
    assert all(cell.picture().pixels.shape == (24, 24, 3) for cell in cells)
