"""Fields that overlap and cells photographed twice."""

import numpy as np
import pytest

from leuk_core.cells import overlap
from leuk_core.cells.detect import find_cells
from leuk_core.cells.detectors import SEGMENTATION
from leuk_core.cells.overlap import Overlaps, words
from leuk_core.images import SmearImage
from tests.cells.field_makers import drawn_field


@pytest.fixture(scope="module")
def slide():
    """A strip of a slide with two white cells, one of them in its middle."""
    return drawn_field([(700, 350), (200, 500)], 1400, 700).pixels


def part(slide, left, top, seed):
    """Return a photograph of a part, with a camera's noise of its own."""
    noise = np.random.default_rng(seed).normal(0, 4, (600, 800, 3))
    pixels = np.clip(slide[top : top + 600, left : left + 800] + noise, 0, 255).astype(np.uint8)
    return SmearImage(pixels, "x", "0")


def test_a_cell_on_two_photographs_is_pointed_out(slide):
    """With the shift between them; a third field elsewhere on the slide is let alone."""
    overlaps = Overlaps()
    for image in (part(slide, 0, 0, 1), part(slide, 450, 60, 2), drawn_field([(400, 300)], 800, 600, seed=9)):
        overlaps.add(image, find_cells(image, detector=SEGMENTATION))
    (found,) = overlaps.found
    assert (found.first, found.second) == (0, 1)
    assert found.shift == pytest.approx((450, 60), abs=5)
    assert len(found.cells) == 1
    assert len(overlaps.cells_seen_before()) == 1
    assert "show the same place" in words(found, ["a", "b", "c"])


def test_the_same_file_twice_repeats_every_cell():
    """Whatever it shows."""
    image = drawn_field([(200, 180), (650, 450)])
    overlaps = Overlaps()
    field = find_cells(image, detector=SEGMENTATION)
    overlaps.add(image, field)
    (found,) = overlaps.add(image, field)
    assert found.cells == ((0, 0), (1, 1))


def test_a_field_far_back_is_compared_too_where_a_glance_calls_it_alike(slide, monkeypatch):
    compared = []
    exact = overlap._compared

    def counting(first, a, second, b):
        compared.append((first, second))
        return exact(first, a, second, b)

    monkeypatch.setattr(overlap, "_compared", counting)
    overlaps = Overlaps(near=1)
    others = [drawn_field([(400, 300)], 800, 600, seed=seed) for seed in range(10, 14)]
    for image in (part(slide, 0, 0, 1), *others, part(slide, 450, 60, 2)):
        overlaps.add(image, find_cells(image, detector=SEGMENTATION))
    (found,) = overlaps.found
    assert (found.first, found.second) == (0, 5)
    assert found.shift == pytest.approx((450, 60), abs=5)
    assert len(compared) < 5 + 4  # neighbours, and few of those further back
