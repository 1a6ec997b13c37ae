"""`python -m leuk_core cases`: what stands there, files to take away, and whether all is as it was."""

import json

import pytest

from leuk_core.cases import confirm_case, confirm_cells, list_cells, load_case, reclassify_cells
from leuk_core.cases.export import FORMS
from leuk_core.cases.pictures import pictures_dir
from leuk_core.cli import main


def told(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_can_be_asked_for(form, case, tmp_path):
    assert main(["cases", "export", case.id, "--as", form, "--by", "Ada", "--out", str(tmp_path)]) == 0
    assert next(tmp_path.glob("case-A-*")).stat().st_size > 100


def test_cases_are_listed_shown_exported_and_checked(case, tmp_path, capsys):
    confirm_cells(list_cells(case.id)[:10], "Ada")
    reclassify_cells(list_cells(case.id)[10:], "Ada", "myeloblast")
    confirm_case(load_case(case.id), "Ada")

    assert main(["cases", "list", "--json"]) == 0
    (listed,) = told(capsys)
    assert (listed["name"], listed["state"], listed["cells"], listed["blasts_called"]) == ("case A", "confirmed", 12, 2)
    assert main(["cases", "show", "case A", "--json"]) == 0
    head, first, *_ = told(capsys)
    assert "genetics" in head["lines"]
    assert (first["class"], first["reviewed"]) == ("myeloblast", 2)
    assert main(["cases", "export", "case A", "--by", "Ada", "--form", "csv", "--out", str(tmp_path)]) == 0
    mark = (tmp_path / "case-A-cells.csv").read_text("utf-8-sig").split("trail ")[1].split()[0].strip('"')
    capsys.readouterr()
    assert main(["cases", "check", "--known", mark, "--json"]) == 0
    assert [row["ok"] for row in told(capsys)] == [True, True]

    next(pictures_dir().glob("??/*.png")).unlink()
    assert main(["cases", "check"]) == 1
    assert "restore data/pictures from a backup" in capsys.readouterr().out
    assert main(["cases", "show", "nobody"]) == 2
    assert "Received: 'nobody'" in capsys.readouterr().err
