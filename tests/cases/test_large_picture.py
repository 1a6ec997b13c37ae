"""A picture too large to be decoded whole becomes fields of a case: each cell once, also after a stop in the middle."""

import numpy as np
import pytest

from leuk_core.cases import add_cell, create_case, list_cells, list_fields, load_case, machine
from leuk_core.cases.labelled import field_picture
from leuk_core.cases.machine import parts_of, read_large
from leuk_core.cases.same_place import SamePlaces, of_one_picture, repeated_cells
from leuk_core.cells import large
from leuk_core.cells.sort import load_sorter
from leuk_core.errors import InvalidParameter
from leuk_core.images import open_tiled
from leuk_core.settings import settings
from tests.cells.field_makers import drawn_field
from tests.images.picture_makers import tiff

WHITE = [(200, 180), (520, 250), (860, 400), (520, 800), (1150, 780)]  # the second and fourth lie on a seam


@pytest.fixture
def slide(place, monkeypatch):
    """A drawn slide of 2 x 5 parts, whose last column is empty glass."""
    pixels = np.full((1000, 2100, 3), 235, np.uint8)
    pixels[:, :1300] = drawn_field(WHITE, 1300, 1000).pixels
    for module in (large, machine):
        monkeypatch.setattr(module, "SIDE", 640)
        monkeypatch.setattr(module, "SHARED", 240)
    monkeypatch.setattr(settings(), "max_megapixels", 0.5)
    return open_tiled(tiff(pixels, photometric="rgb", tile=(128, 128)), "slide.tif")


@pytest.fixture
def sorter():
    return load_sorter("wbc-types/sgd")


def test_every_cell_is_in_the_case_once_and_empty_glass_is_left_out(slide, sorter):
    case = create_case("Ada", "case A")
    read = list(read_large(case.id, "Ada", slide, sorter))
    assert len(read) == parts_of(slide) == 10
    fields = list_fields(case.id)
    assert len(fields) == sum(one is not None for one in read) == 8
    assert fields[0].name == "slide.tif, part 1 of 10"
    assert len({field.microns_per_pixel for field in fields}) == 1
    assert len(list_cells(case.id)) == len(WHITE)
    assert not any(cell.touching_edge for cell in list_cells(case.id))


def test_after_a_stop_in_the_middle_the_same_file_is_gone_on_with(slide, sorter):
    case = create_case("Ada", "case A")
    parts = read_large(case.id, "Ada", slide, sorter)
    for _ in range(3):
        next(parts)
    parts.close()
    begun = list_fields(case.id)
    assert 0 < len(begun) < 6
    list(read_large(case.id, "Ada", slide, sorter))
    assert list_fields(case.id)[: len(begun)] == begun
    assert len(list_cells(case.id)) == len(WHITE)


def test_a_cell_drawn_on_two_parts_is_pointed_out(slide, sorter):
    case = create_case("Ada", "case A")
    list(read_large(case.id, "Ada", slide, sorter))
    cells, fields = list_cells(case.id), {field.number: field for field in list_fields(case.id)}
    places = SamePlaces()
    for field in fields.values():
        places.add(field_picture(field.pixels_sha256), field)
    assert places.found
    assert all(of_one_picture(fields[place.first], fields[place.second]) for place in places.found)
    assert not repeated_cells(places.found, cells)
    seen = next(
        (cell, place) for place in places.found for cell in cells
        if cell.field == place.first and all(value >= 0 for value in moved(cell.box, place.shift))
    )  # fmt: skip
    drawn = add_cell(case.id, "Ada", seen[1].second, moved(seen[0].box, seen[1].shift))
    assert repeated_cells(places.found, [*cells, drawn]) == {drawn.number: seen[0].number}


def moved(box, shift):
    return box[0] - shift[0], box[1] - shift[1], box[2] - shift[0], box[3] - shift[1]


def test_too_many_parts_are_refused_in_one_sentence(slide, sorter, monkeypatch):
    monkeypatch.setattr(machine, "MOST_PARTS", 3)
    case = create_case("Ada", "case A")
    with pytest.raises(InvalidParameter, match="which make 10 fields, of at most 3"):
        list(read_large(case.id, "Ada", slide, sorter))
    assert not list_fields(case.id)
    assert load_case(case.id) == case
