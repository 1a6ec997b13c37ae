"""Fields of a case that show the same place: found, and which of two boxes is the one to leave out."""

from dataclasses import replace
from hashlib import sha256

import cv2
import numpy as np
import pytest

from leuk_core.cases import CellState, NewCell, add_field, create_case, list_cells, list_fields
from leuk_core.cases.same_place import SamePlace, SamePlaces, repeated_cells
from leuk_core.images import SmearImage

SHIFT = 130


def picture(pixels):
    return SmearImage(np.ascontiguousarray(pixels), "field.png", sha256(pixels.tobytes()).hexdigest(), "png")


@pytest.fixture
def slide():
    rng = np.random.default_rng(3)
    pixels = np.full((320, 560, 3), (226, 206, 208), np.uint8)
    for _ in range(90):
        centre = int(rng.integers(0, 560)), int(rng.integers(0, 320))
        cv2.circle(pixels, centre, int(rng.integers(10, 22)), tuple(map(int, rng.integers(90, 200, 3))), -1)
    return pixels


def test_two_fields_of_one_place_are_found_and_the_cell_cut_by_the_edge_is_left_out(place, slide):
    case = create_case("Ada", "case A")
    whole, cut = NewCell((140.0, 100.0, 180.0, 140.0)), NewCell((300.0, 40.0, 340.0, 80.0), touching_edge=True)
    add_field(case.id, "Ada", picture(slide[:, :340]), [whole, cut])
    moved = [NewCell((x0 - SHIFT, y0, x1 - SHIFT, y1)) for x0, y0, x1, y1 in (whole.box, cut.box)]
    add_field(case.id, "Ada", picture(slide[:, SHIFT : SHIFT + 340]), moved)
    add_field(case.id, "Ada", picture(slide[::-1, ::-1][:, :340]), [whole])
    places = SamePlaces()
    for field, pixels in zip(
        list_fields(case.id), (slide[:, :340], slide[:, SHIFT : SHIFT + 340], slide[::-1, ::-1][:, :340]), strict=True
    ):
        places.add(picture(pixels), field)
    (found,) = places.found
    assert (found.first, found.second) == (1, 2)
    assert found.shift == pytest.approx((SHIFT, 0), abs=3)
    assert repeated_cells(places.found, list_cells(case.id)) == {3: 1, 2: 4}


def test_what_is_not_counted_any_more_is_no_repeat(place):
    case = create_case("Ada", "case A")
    box = NewCell((10.0, 5.0, 19.0, 20.0))
    for seed in (1, 2):
        pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
        add_field(case.id, "Ada", picture(pixels), [box])
    first, second = list_cells(case.id)
    same = SamePlace(1, 2, (0.0, 0.0), 1.0)
    assert repeated_cells([same], [first, second]) == {2: 1}
    assert repeated_cells([same], [first, replace(second, state=CellState.NOT_COUNTED)]) == {}
