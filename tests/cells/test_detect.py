"""White cells of a field: how many, where, at which scale, and what is no field."""

import cv2
import numpy as np
import pytest

from leuk_core.cells.detect import find_cells
from leuk_core.cells.detectors import SEGMENTATION
from leuk_core.cells.scale import red_cells_scale
from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage
from tests.cells.field_makers import drawn_field

WHITE = [(200, 180), (650, 450), (30, 600)]


@pytest.mark.parametrize("micron", [5.0, 10.0])
def test_finds_white_cells_alone_and_the_scale(micron):
    """Neither red cells nor platelets are found; the scale comes from the red cells; the edge cuts the third cell."""
    places = [(round(x * micron / 10), round(y * micron / 10)) for x, y in WHITE]
    field = find_cells(drawn_field(places, round(90 * micron), round(70 * micron), micron), detector=SEGMENTATION)
    assert len(field.cells) == 3
    assert field.scale_source == "red cells"
    assert field.microns_per_pixel == pytest.approx(1 / micron, rel=0.15)
    for x, y in places:
        near = [c for c in field.cells if c.box[0] < x < c.box[2] and c.box[1] < y < c.box[3]]
        assert len(near) == 1
        assert near[0].touching_edge == (x < 6.5 * micron)
        assert near[0].box[3] - near[0].box[1] == pytest.approx(13 * micron, rel=0.3)


def test_a_field_without_white_cells_says_so():
    """Red cells and platelets alone."""
    field = find_cells(drawn_field(), detector=SEGMENTATION)
    assert field.cells == ()
    assert [note.code for note in field.notes] == ["no-cells"]


@pytest.mark.parametrize("value", [0, 128, 255, None])
@pytest.mark.parametrize("shape", [(16, 16), (40, 300)])
def test_what_is_no_field_has_no_cells(value, shape):
    """Black, grey, white and noise are answered, not met with an error."""
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    pixels = noise if value is None else np.full((*shape, 3), value, np.uint8)
    field = find_cells(SmearImage(pixels, "x", "0"))
    assert field.microns_per_pixel is None
    assert value is None or field.cells == ()


def test_scale_of_a_person_and_of_the_file_go_before_red_cells():
    """And a scale that can't be one is refused."""
    drawn = drawn_field(WHITE)
    with_own = SmearImage(drawn.pixels, "x", "0", microns_per_pixel=0.12)
    assert find_cells(with_own).scale_source == "file"
    assert find_cells(with_own, 0.09).scale_source == "person"
    with pytest.raises(InvalidParameter, match=r"microns_per_pixel.*Received: 7"):
        find_cells(drawn, 7)
    with pytest.raises(InvalidParameter, match=r"detector.*Received: detector='magic'"):
        find_cells(drawn, detector="magic")


def test_a_drawn_box_is_a_cell():
    """Cut to the picture; an empty one is refused."""
    field = find_cells(drawn_field(), detector=SEGMENTATION)
    assert field.with_box((-5, 10, 60, 80)).cells[-1].box == (0.0, 10, 60, 80)
    with pytest.raises(InvalidParameter, match=r"box.*Received"):
        field.with_box((50, 10, 50, 80))


@pytest.mark.parametrize("pale", [False, True])
def test_one_large_white_cell_does_not_tell_the_scale(pale):
    """Nor where red cells are so pale beside its nucleus that they look like ground."""
    micron, ground = 16.0, (236, 226, 222)  # a narrow field: the white cell outweighs the few red cells on it
    pixels = np.full((575, 575, 3), ground, np.uint8)
    for x, y in ((80, 75), (240, 70), (500, 90), (75, 300), (90, 480)):
        cv2.circle(pixels, (x, y), round(3.75 * micron), (222, 200, 204) if pale else (205, 150, 160), cv2.FILLED)
    cv2.circle(pixels, (340, 340), round(9 * micron), (95, 45, 140), cv2.FILLED)
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    scale = red_cells_scale(np.clip(cv2.GaussianBlur(pixels, (0, 0), 1.5) + noise, 0, 255).astype(np.uint8))
    assert scale == pytest.approx(1 / micron, rel=0.15)


def test_specks_beside_a_white_cell_are_no_red_cells():
    """Better no scale than one of specks."""
    rng = np.random.default_rng(0)
    pixels = np.full((500, 500, 3), 232, np.uint8)
    for x, y in rng.integers(20, 480, (60, 2)):
        cv2.circle(pixels, (int(x), int(y)), 9, (200, 150, 160), cv2.FILLED)
    cv2.circle(pixels, (250, 250), 90, (80, 30, 120), cv2.FILLED)
    assert red_cells_scale(pixels) is None
