"""Both counts of a case: the machine's and the reviewer's, and how often the second changed the first."""

from leuk_core.cases import (
    CellState,
    Kind,
    add_cell,
    confirm_cells,
    list_cells,
    list_classes,
    own_class,
    reclassify_cells,
    set_aside,
)
from leuk_core.cases.counting import count_cells
from leuk_core.cells.differential import NOT_ASSESSED


def counted(case):
    return count_cells(list_cells(case.id), case.specimen, list_classes())


def test_how_often_the_reviewer_changed_the_machine_by_class(case):
    cells = list_cells(case.id)  # by threes: neutrophil, lymphocyte, undecided
    confirm_cells([cells[0], cells[2], cells[3]], "Ada")
    reclassify_cells([cells[1]], "Ada", "monocyte")
    set_aside([cells[4]], "Ada", CellState.NOT_COUNTED)
    found = {change.label: (change.changed, change.reviewed) for change in counted(case).changes}
    assert found == {"neutrophil": (0, 2), "lymphocyte": (2, 2)}  # undecided is no call that could be changed


def test_the_count_grows_with_the_review_and_blasts_only_by_persons(case):
    cells = list_cells(case.id)
    start = counted(case)
    assert (start.machine.leukocytes, start.machine.undecided, start.reviewed.leukocytes) == (8, 4, 0)
    confirm_cells(cells[:4], "Ada")
    before = counted(case)
    assert (before.n_reviewed, before.reviewed.leukocytes, before.blast_words) == (4, 4, NOT_ASSESSED)
    assert before.reviewed.row("blast").n is None

    reclassify_cells(cells[4:6], "Ada", "lymphoblast")
    reclassify_cells(cells[6:7], "Ada", "blast")
    add_cell(case.id, "Ada", 1, (60, 40, 75, 55), type="lymphoblast")
    some = counted(case)
    assert (some.blasts, some.reviewed.leukocytes, some.drawn) == (4, 8, 1)
    assert some.lines is None  # no line for lymphoblasts, nor for a blast of which nobody said the line
    assert some.machine == start.machine

    own = own_class("Auer blast", Kind.MYELOID_BLAST)
    beside = own_class("torn cell", Kind.OTHER)
    reclassify_cells(cells[7:8], "Ada", own.code)
    reclassify_cells(cells[8:9], "Ada", beside.code)
    last = counted(case)
    assert (last.lines.n, last.lines.of, last.blasts) == (1, 9, 5)
    assert last.reviewed.row(beside.code).words == "1, in no denominator"
