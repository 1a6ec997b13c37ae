"""The differential: denominators, blasts that nobody assessed, and the lines of 10 and 20 %."""

import pytest

from leuk_core.cells.differential import (
    NOT_ASSESSED,
    CalledCell,
    after_review,
    before_review,
    blast_lines,
    changes,
)
from leuk_core.errors import InvalidParameter

MACHINE = [CalledCell("neutrophil")] * 60 + [CalledCell("lymphocyte")] * 40
BESIDE = [CalledCell("erythroblast")] * 5 + [CalledCell("platelet")] * 9 + [CalledCell(None)] * 7


def test_denominator_holds_leukocytes_only():
    """Erythroblasts per 100 of them, platelets in nothing, undecided cells apart."""
    counted = before_review(MACHINE + BESIDE)
    assert (counted.leukocytes, counted.undecided) == (100, 7)
    assert counted.row("neutrophil").words == "60 of 100, 60.0 % (49.7 to 69.7 %)"
    assert counted.row("erythroblast").per_hundred == 5
    assert counted.row("erythroblast").share is None
    assert counted.row("platelet").words == "9, in no denominator"
    assert counted.progress == {100: 1.0, 200: 0.5, 500: 0.2}


def test_blasts_are_not_assessed_until_a_person_calls_one():
    """Never 0: not on an empty field, not on 100 cells, not after a review that found none."""
    seen = [CalledCell(cell.machine, cell.machine) for cell in MACHINE]
    for counted in (before_review([]), before_review(MACHINE), after_review(seen)):
        assert counted.row("blast").n is None
        assert counted.row("blast").words == NOT_ASSESSED
    called = after_review([*MACHINE[20:], *[CalledCell("lymphocyte", "myeloblast")] * 20])
    assert called.row("blast") is None
    assert called.row("myeloblast").words == "20 of 100, 20.0 % (12.7 to 29.2 %)"
    assert before_review([*MACHINE[20:], *[CalledCell("lymphocyte", "myeloblast")] * 20]).row("blast").n is None


def test_lines_are_for_myeloid_blasts_called_by_a_person():
    """Never for lymphoblasts or the machine; with specimen, denominator and that genetics decide."""
    assert blast_lines(MACHINE, "blood") is None
    assert blast_lines([*MACHINE, CalledCell("blast")], "blood") is None
    assert blast_lines([*MACHINE, *[CalledCell(None, "lymphoblast")] * 50], "blood") is None
    cells = [*MACHINE[20:], *[CalledCell("lymphocyte", "myeloblast")] * 20, *BESIDE]
    blood, marrow = blast_lines(cells, "blood"), blast_lines(cells, "marrow")
    assert (blood.n, blood.of, marrow.of) == (20, 100, 105)
    assert blood.positions == {10: "above", 20: "across"}
    assert "leukocytes, without erythroblasts (blood)" in blood.words
    assert "genetics" in blood.words
    with pytest.raises(InvalidParameter, match=r"specimen.*Received: specimen='urine'"):
        blast_lines(cells, "urine")


def test_changes_count_reviewed_cells_alone():
    """A cell that nobody looked at says nothing of the machine."""
    cells = [CalledCell("ig", "myelocyte"), CalledCell("ig", "ig"), CalledCell("ig"), CalledCell(None, "ig")]
    (change,) = changes(cells)
    assert (change.label, change.changed, change.reviewed) == ("ig", 1, 2)
