"""A second reader calls cells beside the case; agreement is what scikit-learn says it is."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from leuk_core.access import NOBODY, Person, Role, acting_as
from leuk_core.cases import (
    CellState,
    add_field,
    agreements,
    calls_of,
    check_case,
    confirm_case,
    confirm_cells,
    create_case,
    delete_case,
    list_cells,
    load_case,
    read_cells,
    reclassify_cells,
    remove_cells,
    schema,
    set_aside,
    trail,
)
from leuk_core.cli import main
from leuk_core.database import database_url
from leuk_core.errors import InvalidParameter, NotAllowed
from leuk_core.evaluation.kappa import cohens_kappa
from tests.cases.made_up import field_image, new_cells


@pytest.mark.parametrize(("classes", "same"), [(2, 0.5), (3, 0.9), (8, 0.7), (8, 0.0)])
def test_kappa_is_that_of_scikit_learn_and_lies_in_its_interval(classes, same):
    random = np.random.default_rng(classes)
    first = random.integers(0, classes, 60)
    second = np.where(random.random(60) < same, first, random.integers(0, classes, 60))
    found = cohens_kappa(first.astype(str), second.astype(str))
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert -1 <= found.low < found.value < found.high <= 1


def test_kappa_where_chance_explains_all_or_there_is_nothing():
    assert cohens_kappa(["a"] * 9, ["a"] * 9).value is None
    assert cohens_kappa([], []).value is None
    full = cohens_kappa(["a", "b"] * 10, ["a", "b"] * 10)
    assert (full.value, full.high) == (1, 1)
    assert full.low == pytest.approx(0.663, abs=0.001)  # 20 of 20 is 83.2 to 100 %; chance agrees in half
    assert cohens_kappa(["a", "b"] * 5, ["b", "a"] * 5).value == -1
    with pytest.raises(InvalidParameter, match="Received: 1 and 2 cells"):
        cohens_kappa(["a"], ["a", "b"])


def test_a_second_reading_lies_beside_a_confirmed_case_and_changes_nothing(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:9], "Ada")
    reclassify_cells(cells[9:11], "Ada", "myeloblast")
    set_aside(cells[11:], "Ada", CellState.NOT_COUNTED)
    done = confirm_case(load_case(case.id), "Ada")
    assert agreements(case.id) == []
    first = {cell.number: cell.reviewed_type or "not-counted" for cell in list_cells(case.id)}
    said = first | {1: "band", 10: "monoblast", 11: "monoblast"}
    assert read_cells(case.id, "Bob", said) == 12
    assert read_cells(case.id, "Bob", {1: "neutrophil"}) == 12  # the later call counts
    assert calls_of(case.id, " Bob ") == said | {1: "neutrophil"}
    assert load_case(case.id) == done
    assert check_case(case.id) == []
    (found,) = agreements(case.id)
    assert (found.second, found.n, found.differences) == ("Bob", 12, (("myeloblast", "monoblast", 2),))
    said[1] = "neutrophil"
    assert found.kappa.value == pytest.approx(cohen_kappa_score(list(first.values()), list(said.values())))
    assert found.words.startswith("Bob: the same call for 83.3 % (51.6 to 97.9 %) of 12 cells, Cohen's kappa 0.7")

    newest = trail.entries(case.id)[0]
    assert (newest.action, newest.codes) == ("second-reading", {"cells": [[1, "neutrophil"]]})
    assert trail.check().whole
    delete_case(case.id, "Ada")
    assert trail.check().whole


def test_open_removed_and_own_cells_are_in_no_agreement(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:3], "Ada")
    read_cells(case.id, "Bob", dict.fromkeys(range(1, 7), "neutrophil"))
    assert agreements(case.id)[0].n == 3
    confirm_cells(cells[3:4], "Bob")  # the second reader joins the first
    remove_cells(list_cells(case.id)[:1], "Ada")
    (found,) = agreements(case.id)
    assert (found.n, found.same.value, found.kappa.value) == (2, 0.0, 0.0)
    read_cells(case.id, "Eve", {12: "blast"})
    assert agreements(case.id)[1].words == "Eve has called no cell that another person has reviewed."


def test_who_may_not_read_a_second_time_keeps_nothing(case):
    confirm_cells(list_cells(case.id)[:3], "Ada")
    for by, calls, words in (
        ("Ada", {4: "blast", 3: "blast"}, r"another person than the one.*cell 3, reviewed by Ada"),
        ("Bob", {4: "blast", 99: "blast"}, "must name cells of case A. Received: cell 99"),
        ("Bob", {4: "blast", 5: "wizard"}, "Received: 'wizard'"),
    ):
        with pytest.raises(InvalidParameter, match=words):
            read_cells(case.id, by, calls)
    assert agreements(case.id) == []
    for who in (NOBODY, Person("✓ V", Role.VIEWER)):
        with acting_as(who), pytest.raises(NotAllowed, match="read cases"):
            read_cells(case.id, "Bob", {4: "blast"})


def test_the_command_line_keeps_calls_and_tells_the_agreement(case, tmp_path, capsys):
    confirm_cells(list_cells(case.id), "Ada")
    calls = tmp_path / "calls.csv"
    calls.write_text('\ufeffcell,class\n1,neutrophil\n2,Monocyte\n3,not counted\n4,"Blast, line not said"\n', "utf-8")
    assert main(["cases", "agreement", "case A"]) == 0
    assert "Nobody has read" in capsys.readouterr().out
    assert main(["cases", "read", "case A", "--by", "Bob", "--calls", str(calls)]) == 0
    assert "4 calls kept" in capsys.readouterr().out
    assert main(["cases", "agreement", "case A", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["second"], told["n"], told["same"]["value"]) == ("Bob", 4, 0.25)
    assert ["lymphocyte", "monocyte", 1] in told["differences"]
    calls.write_text("number,class\n1,neutrophil\n", "utf-8")
    assert main(["cases", "read", "case A", "--by", "Bob", "--calls", str(calls)]) == 2
    assert "must be a CSV file with the columns cell" in capsys.readouterr().err


def test_a_database_of_before_gets_the_table_and_keeps_its_cases(place, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(schema, "STEPS", schema.STEPS[:1])
        if database_url().get_backend_name() != "sqlite":
            pytest.skip("the test server has all steps already")
        made = create_case("Ada", "old")
        add_field(made.id, "Ada", field_image(1), new_cells())
    assert read_cells(made.id, "Bob", {1: "blast"}) == 1
