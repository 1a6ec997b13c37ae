"""A backup made while people work holds each case wholly or not at all, and comes back as it was."""

import hashlib
import json
import threading

import pytest

from leuk_core import database
from leuk_core.backup import CONTENTS, back_up, restore
from leuk_core.cases import add_field, create_case, list_fields, search_cases, trail
from leuk_core.cases.pictures import load_picture
from leuk_core.cli import main
from leuk_core.errors import InvalidData
from leuk_core.settings import settings
from tests.cases.made_up import field_image, new_cells


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with a case, a version of one's own and a log."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_DATABASE_URL", raising=False)
    settings.cache_clear()
    made = create_case("Ada", "case A", microns_per_pixel=0.1)
    add_field(made.id, "Ada", field_image(1), new_cells(), microns_per_pixel=0.1, scale_source="person")
    for name in ("models/t/m/1/card.json", "logs/app.log", "sets/s/.half.part"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    yield tmp_path / "data"
    settings.cache_clear()
    database._engine.cache_clear()


def look_at(folder, monkeypatch):
    """Let the program use another data folder; return its cases, each checked."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(folder))
    settings.cache_clear()
    found = search_cases(limit=1000)
    for entry in found:
        for shown in list_fields(entry.case.id):
            load_picture(shown.pixels_sha256)  # raises where it is gone, or its pixels are others
    assert trail.check().whole
    return {entry.case.name: entry.cells for entry in found}


def test_what_is_kept_comes_back_and_what_is_not_needed_stays_behind(data, tmp_path, monkeypatch):
    found = back_up(tmp_path / "copy")
    assert found.database
    names = json.loads((tmp_path / "copy" / CONTENTS).read_text("utf-8"))["files"]
    assert len(names) == found.files
    assert "models/t/m/1/card.json" in names
    assert not [name for name in names if "logs" in name or name.endswith(".part")]
    restore(tmp_path / "copy", tmp_path / "again")
    assert look_at(tmp_path / "again", monkeypatch) == {"case A": 6}


def test_a_backup_made_while_cases_are_added_is_whole(data, tmp_path, monkeypatch):
    stop, made = threading.Event(), []

    def work():
        number = 0
        while not stop.is_set():
            number += 1
            case = create_case("Ada", f"case {number}", microns_per_pixel=0.1)
            image = field_image(number)
            add_field(case.id, "Ada", image, new_cells(), microns_per_pixel=0.1, scale_source="person")
            made.append(case.name)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        copies = [back_up(tmp_path / f"copy {number}") for number in range(12)]
    finally:
        stop.set()
        thread.join()
    assert len(made) > 3
    counts = []
    for number, found in enumerate(copies):
        restored = restore(tmp_path / f"copy {number}", tmp_path / f"again {number}")
        assert restored == found
        counts.append(len(look_at(tmp_path / f"again {number}", monkeypatch)))
    assert counts == sorted(counts)
    assert counts[-1] > 1


def test_a_changed_backup_and_a_used_folder_are_refused_and_nothing_is_half_there(data, tmp_path):
    back_up(tmp_path / "copy")
    for folder in (tmp_path / "copy", data / "inside"):
        with pytest.raises(InvalidData, match="needs a new folder"):
            back_up(folder)
    with pytest.raises(InvalidData, match="new or empty"):
        restore(tmp_path / "copy", data)
    (tmp_path / "copy" / "models/t/m/1/card.json").write_text("{ }")
    with pytest.raises(InvalidData, match=r"was changed.*card\.json"):
        restore(tmp_path / "copy", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    contents = tmp_path / "copy" / CONTENTS
    facts = json.loads(contents.read_text("utf-8"))
    contents.write_text(json.dumps(facts | {"files": {"../data/models/t/m/1/card.json": "0"}}))
    with pytest.raises(InvalidData, match="was changed"):
        restore(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(InvalidData, match="no backup"):
        restore(data, tmp_path / "again")


def test_a_picture_that_is_gone_is_told(data, tmp_path):
    next((data / "pictures").rglob("*.png")).unlink()
    with pytest.raises(InvalidData, match="gone from the data folder"):
        back_up(tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_the_command_line_says_what_it_did(data, tmp_path, capsys):
    assert main(["backup", str(tmp_path / "copy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["database"] is True
    assert main(["restore", str(tmp_path / "copy"), "--into", str(data)]) == 1
    assert "new or empty folder" in capsys.readouterr().out


@pytest.mark.parametrize("way", ["step back", "link to a file", "linked folder", "absolute", "no text", "backslash"])
def test_a_backup_from_elsewhere_writes_nowhere_but_into_the_new_folder(tmp_path, way):
    copy = tmp_path / "made" / "copy"
    (copy / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (copy / "file").write_text("x")
    names = {
        "step back": "../copy/file", "link to a file": "link", "linked folder": "sub/there/secret",
        "absolute": str(copy / "file"), "no text": "a\0b", "backslash": "sub\\..\\..\\file",
    }  # fmt: skip
    if way == "link to a file":
        (copy / "link").symlink_to("file")
    if way == "linked folder":
        (copy / "sub" / "there").symlink_to(tmp_path)
    digest = hashlib.sha256(b"x").hexdigest()
    facts = {"made": "2026-01-01", "database": False, "files": {names[way]: digest}}
    (copy / CONTENTS).write_text(json.dumps(facts))
    with pytest.raises(InvalidData, match="gone or was changed"):
        restore(copy, tmp_path / "new" / "data")
    assert not (tmp_path / "new").exists()
    (copy / CONTENTS).write_text(json.dumps({**facts, "files": 5}))
    with pytest.raises(InvalidData, match="no backup"):
        restore(copy, tmp_path / "new" / "data")
