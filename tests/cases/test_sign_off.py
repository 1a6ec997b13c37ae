"""A confirmed case is frozen, amendments are added; the trail shows what was changed behind the program's back."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from leuk_core.cases import (
    CaseConfirmed,
    CaseState,
    CellState,
    ChangedMeanwhile,
    add_cell,
    add_field,
    amend_case,
    check_case,
    confirm_case,
    confirm_cells,
    delete_case,
    describe_case,
    labelled_cells,
    list_amendments,
    list_cells,
    load_case,
    reclassify_cells,
    remove_field,
    set_aside,
    trail,
    undo,
)
from leuk_core.cases.pictures import pictures_dir
from leuk_core.cases.schema import CELLS, TRAIL, TRAIL_HEAD, transaction
from leuk_core.data.imports import import_cells, open_set
from leuk_core.errors import InvalidParameter
from leuk_core.images import decode
from tests.cases.made_up import field_image, new_cells


@pytest.fixture
def confirmed(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:9], "Ada")
    reclassify_cells(cells[9:11], "Ada", "promyelocyte")
    set_aside(cells[11:], "Ada", CellState.NOT_COUNTED)
    return confirm_case(load_case(case.id), "Dr. Ada Lovelace")


def test_a_case_is_confirmed_only_when_every_cell_is_reviewed(case):
    with pytest.raises(InvalidParameter, match="12 open of 12"):
        confirm_case(case, "Ada")
    set_aside(list_cells(case.id)[:1], "Ada", CellState.UNIDENTIFIED)
    confirm_cells(list_cells(case.id)[1:], "Ada")
    with pytest.raises(ChangedMeanwhile, match="Nothing was confirmed"):
        confirm_case(case, "Ada")  # seen before the review
    with pytest.raises(InvalidParameter, match="1 unidentified of 12"):
        confirm_case(load_case(case.id), "Ada")
    done = confirm_case(load_case(case.id), "Ada", accept_unidentified=True)
    assert (done.state, done.confirmed_by) == (CaseState.CONFIRMED, "Ada")


def test_a_confirmed_case_refuses_every_edit(confirmed):
    case, cells = confirmed, list_cells(confirmed.id)
    for edit in (
        lambda: confirm_cells(cells, "Bob"),
        lambda: set_aside(cells, "Bob", CellState.UNIDENTIFIED),
        lambda: undo(case.id, "Ada"),
        lambda: remove_field(case.id, "Bob", 1),
        lambda: add_field(case.id, "Bob", field_image(7), new_cells()),
        lambda: add_cell(case.id, "Bob", 1, (1, 1, 9, 9)),
        lambda: describe_case(case, "Bob", name="other", specimen=case.specimen),
        lambda: confirm_case(case, "Bob"),
    ):
        with pytest.raises(CaseConfirmed, match="add an amendment"):
            edit()
    assert load_case(case.id) == case
    assert list_cells(case.id) == cells
    assert check_case(case.id) == []


def test_an_amendment_stands_beside_what_was_confirmed(confirmed):
    amended = amend_case(confirmed, "Bob", "Cell 3 is a blast.", {3: (CellState.RECLASSIFIED, "myeloblast")})
    assert amended.amendments == 1
    assert list_amendments(confirmed.id)[0].note == "Cell 3 is a blast."
    assert list_cells(confirmed.id)[2].reviewed_type == "lymphocyte"
    assert list_cells(confirmed.id, amended=True)[2].reviewed_type == "myeloblast"
    assert check_case(confirmed.id) == []
    with pytest.raises(ChangedMeanwhile, match="amended meanwhile"):
        amend_case(confirmed, "Cy", "me too")
    assert "blast" not in json.dumps([entry.codes for entry in trail.entries(confirmed.id)]).replace("myeloblast", "")


def test_a_confirmed_case_that_was_changed_in_the_database_or_on_disk_is_found(confirmed):
    with transaction() as connection:
        row = CELLS.c.case_id == confirmed.id, CELLS.c.number == 4
        connection.execute(update(CELLS).where(*row).values(reviewed_type="basophil"))
    next(pictures_dir().glob("??/*.png")).unlink()
    found = check_case(confirmed.id)
    assert len(found) == 2
    assert "not those that were confirmed" in found[0]
    assert "can't be read" in found[1]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (update(TRAIL).where(TRAIL.c.number == 2).values(person="p-other"), "Row 2 was changed."),
        (delete(TRAIL).where(TRAIL.c.number == 2), "Between rows 1 and 3 something was removed"),
        (delete(TRAIL).where(TRAIL.c.number >= 6), "ends at row 5, but its head tells of row 7"),
    ],
)
def test_the_trail_shows_rows_that_were_changed_or_removed(confirmed, fault, told):
    assert trail.check() == replace(trail.check(), n=7, faults=())
    with transaction() as connection:
        connection.execute(fault)
    assert told in " ".join(trail.check().faults)
    assert confirmed.id


def test_a_trail_that_was_written_anew_is_found_by_the_mark_of_an_export(confirmed):
    mark = trail.note("export", "Ada", case=confirmed.id).mark
    assert trail.check(known=[mark]).whole
    with transaction() as connection:
        connection.execute(delete(TRAIL).where(TRAIL.c.number == 8))
        last = connection.execute(select(TRAIL.c.hash).where(TRAIL.c.number == 7)).scalar_one()
        connection.execute(update(TRAIL_HEAD).values(number=7, hash=last))
    assert trail.check().whole
    assert trail.check(known=[mark]).faults == ("Row 8, which an export was made with, is gone.",)


def test_a_deleted_case_leaves_a_tombstone_and_no_words(confirmed):
    delete_case(confirmed.id, "Ada")
    with pytest.raises(InvalidParameter, match="was deleted on 20"):
        load_case(confirmed.id)
    assert list(pictures_dir().glob("??/*")) == []
    left = trail.entries(confirmed.id)
    assert [entry.action for entry in left[:2]] == ["delete", "confirm-case"]
    words = json.dumps([[entry.person, entry.codes] for entry in left])
    assert all(word not in words for word in ("Ada", "case A", "Wright", "field 1.png"))
    assert trail.check().whole


def test_the_trail_takes_no_words_of_persons(place):
    with pytest.raises(InvalidParameter, match="ids and codes, no text"):
        trail.note("export", "Ada", to="Mrs Smith's folder")
    assert trail.check().n == 0


def test_reviewed_cells_become_a_set_for_training(confirmed):
    amend_case(confirmed, "Bob", "A blast.", dict.fromkeys((3, 4), (CellState.RECLASSIFIED, "myeloblast")))
    cells = labelled_cells([confirmed.id])
    assert len(cells) == 11
    assert {cell.subject for cell in cells} == {confirmed.id}
    assert sorted(set(cells.labels)) == ["lymphocyte", "myeloblast", "neutrophil", "promyelocyte"]
    kept = import_cells(cells, "our cases")
    again = open_set(kept.id, unchanged=True)
    assert again.labels == cells.labels
    assert {decode(cell.read(), cell.name).width for cell in again} == {360}
