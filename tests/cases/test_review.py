"""What reviewers do is kept at each action, told to each other, taken back, and never lost by a kill."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.cases import (
    AlreadyInCase,
    CaseState,
    CellState,
    ChangedMeanwhile,
    add_cell,
    add_field,
    answer_cells,
    confirm_cells,
    create_case,
    history,
    list_cells,
    list_fields,
    load_case,
    own_class,
    reclassify_cells,
    remove_cells,
    remove_field,
    search_cases,
    set_aside,
    trail,
    undo,
)
from leuk_core.cases.classes import Kind
from leuk_core.cases.pictures import as_png, load_picture, pictures_dir
from leuk_core.errors import InvalidData, InvalidParameter
from tests.cases.made_up import ANSWERS, field_image, new_cells


def said(case, *numbers):
    return [(cell.state.value, cell.reviewed_type) for cell in list_cells(case.id) if cell.number in numbers]


def test_each_action_is_kept_with_who_did_it(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:3], "Ada")
    reclassify_cells(cells[3:4], "Bob", "myeloblast")
    set_aside(cells[4:5], "Bob", CellState.NOT_COUNTED)
    assert said(case, 1, 2, 3, 4, 5) == [
        ("confirmed", "neutrophil"), ("confirmed", "lymphocyte"), ("confirmed", "lymphocyte"),
        ("reclassified", "myeloblast"), ("not counted", None),
    ]  # fmt: skip
    done = history(case.id)
    assert [(act.person, act.kind) for act in done[:3]] == [
        ("Bob", "set-aside"), ("Bob", "reclassify"), ("Ada", "confirm"),
    ]  # fmt: skip
    assert done[1].changes[0].before["state"] == "open"
    assert load_case(case.id).state is CaseState.DRAFT
    confirm_cells(list_cells(case.id)[5:], "Ada")
    assert load_case(case.id).state is CaseState.REVIEWED
    assert trail.check().whole


def test_a_picture_is_kept_as_it_was_and_only_once_in_a_case(case):
    field = list_fields(case.id)[0]
    assert (load_picture(field.pixels_sha256).pixels == field_image(1).pixels).all()
    with pytest.raises(AlreadyInCase, match="field 1 of the case already"):
        add_field(case.id, "Bob", field_image(1), new_cells())
    assert len(list_cells(case.id)) == 12
    path = next(pictures_dir().glob("??/*.png"))
    path.write_bytes(as_png(field_image(9)))
    with pytest.raises(InvalidData, match="was changed after it was kept"):
        load_picture(path.stem)


def test_a_later_writer_on_a_changed_cell_is_told_and_nothing_is_done(case):
    of_ada, of_bob = list_cells(case.id), list_cells(case.id)
    confirm_cells(of_ada[:2], "Ada")
    with pytest.raises(ChangedMeanwhile, match="1 of these 2 cells were changed meanwhile by Ada") as told:
        reclassify_cells(of_bob[1:3], "Bob", "basophil")
    assert [cell.number for cell in told.value.cells] == [2]
    assert said(case, 2, 3) == [("confirmed", "lymphocyte"), ("open", None)]
    reclassify_cells(of_bob[2:3], "Bob", "basophil")  # another cell of the same case is free
    assert said(case, 3) == [("reclassified", "basophil")]


def test_many_writers_at_once_lose_nothing(case):
    cells, failed = list_cells(case.id), []

    def work(name, own):
        try:
            for cell in own:
                confirm_cells([cell], name)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"P{i}", cells[i::4])) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {cell.state for cell in list_cells(case.id)} == {CellState.CONFIRMED}
    assert load_case(case.id).revision == case.revision + 12
    assert trail.check().whole


def test_undo_takes_back_the_own_last_action_but_not_over_others(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:2], "Ada")
    removed = remove_cells(cells[2:3], "Ada")
    reclassify_cells(cells[5:6], "Bob", "monocyte")
    assert [cell.state for cell in undo(case.id, "Ada")] == [CellState.OPEN]  # not Bob's, which came later
    assert removed[0].number in {cell.number for cell in list_cells(case.id)}
    reclassify_cells(list_cells(case.id)[:1], "Bob", "band")
    with pytest.raises(ChangedMeanwhile, match="changed since, by Bob"):
        undo(case.id, "Ada")
    assert said(case, 1, 2) == [("reclassified", "band"), ("confirmed", "lymphocyte")]
    undo(case.id, "Bob")
    undo(case.id, "Ada")
    assert said(case, 1, 2) == [("open", None), ("open", None)]
    with pytest.raises(InvalidParameter, match="nothing of yours"):
        undo(case.id, "Ada")


def test_fields_and_drawn_cells_come_and_go(case):
    drawn = add_cell(case.id, "Ada", 1, (-3.0, 2.0, 12.0, 20.0), ANSWERS[0], "myelocyte")
    assert (drawn.box, drawn.touching_edge, drawn.found_by) == ((0.0, 2.0, 12.0, 20.0), True, "person")
    assert drawn.state is CellState.RECLASSIFIED
    undo(case.id, "Ada")
    assert drawn.number not in {cell.number for cell in list_cells(case.id)}
    remove_field(case.id, "Ada", 2)
    assert {cell.field for cell in list_cells(case.id)} == {1}
    assert search_cases("wright CASE")[0].cells == 6
    undo(case.id, "Ada")
    assert len(list_cells(case.id)) == 12


def test_a_new_answer_of_the_machine_leaves_the_review_alone(case):
    confirm_cells(list_cells(case.id)[:1], "Ada")
    changed = answer_cells(case.id, "Ada", {1: ANSWERS[1]})
    assert (changed[0].reviewed_type, changed[0].answer.type) == ("neutrophil", "lymphocyte")


def test_own_classes_are_shared_by_name(case):
    own = own_class("Pelger  cell", Kind.LEUKOCYTE)
    assert own_class("pelger cell") == own
    assert own_class("Smudge cell").code == "smudge"
    reclassify_cells(list_cells(case.id)[:1], "Ada", own.code)
    with pytest.raises(InvalidParameter, match="must be one of"):
        reclassify_cells(list_cells(case.id)[1:2], "Ada", "nonsense")


def test_cases_are_found_by_what_is_known_of_them(case):
    create_case("Bob", "the 2_other", stain="Giemsa")
    assert [entry.case.name for entry in search_cases("2_")] == ["the 2_other"]
    assert search_cases("case", CaseState.CONFIRMED) == []
    assert search_cases("%") == []
    with pytest.raises(InvalidParameter, match="taken by another case"):
        create_case("Bob", "case A")


_WRITER = """
from leuk_core.cases import confirm_cells, list_cells, reopen_cells, add_field
from made_up import field_image, new_cells
seed = 100
while True:
    field, cells = add_field({case!r}, "Ada", field_image(seed), new_cells(3), microns_per_pixel=0.1)
    print("field", field.pixels_sha256, flush=True)
    for cell in cells:
        confirm_cells([cell], "Ada")
        print("cell", cell.number, flush=True)
    seed += 1
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("lines", [3, 11, 26])
def test_a_kill_in_the_middle_of_writing_loses_nothing_that_was_answered(case, lines, monkeypatch):
    command = [sys.executable, "-c", _WRITER.format(case=case.id)]
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    writer = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    told = [writer.stdout.readline().split() for _ in range(lines)]
    writer.send_signal(signal.SIGKILL)
    told += [line.split() for line in writer.stdout.read().splitlines() if len(line.split()) == 2]
    writer.wait()

    kept = {cell.number for cell in list_cells(case.id) if cell.state is CellState.CONFIRMED}
    assert {int(what) for kind, what in told if kind == "cell"} <= kept
    assert len(kept) - sum(kind == "cell" for kind, _ in told) <= 1  # the one that was being answered
    pictures = {field.pixels_sha256 for field in list_fields(case.id)}
    assert {what for kind, what in told if kind == "field"} <= pictures
    for pixels_sha256 in pictures:
        load_picture(pixels_sha256)
    assert len(list_cells(case.id)) == 12 + 3 * (len(pictures) - 2)
    assert trail.check().whole
    add_field(case.id, "Bob", field_image(50), new_cells(1))  # nothing is locked
