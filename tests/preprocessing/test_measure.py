"""Numbers that the preprocessing page shows under its pictures."""

import cv2
import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.measure import edge_contrast, histogram


@pytest.fixture
def cell():
    """A textured disc on black, and its mask."""
    rows, columns = np.mgrid[:80, :80]
    mask = (rows - 40) ** 2 + (columns - 40) ** 2 < 30**2
    texture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8), (0, 0), 3)
    return np.where(mask[..., None], texture, 0).astype(np.uint8), mask


def test_sharpening_raises_edge_contrast_and_blurring_lowers_it(cell):
    picture, mask = cell
    plain = edge_contrast(picture, mask)
    assert edge_contrast(LoGMH(beta=4.0, masked=True).apply(picture, mask), mask) > 1.5 * plain
    softer = cv2.GaussianBlur(picture, (0, 0), 4)
    inside = cv2.erode(mask.astype(np.uint8), np.ones((31, 31))) > 0  # away from the black that the blur mixed in
    assert edge_contrast(softer, inside) < edge_contrast(picture, inside)


def test_the_edge_of_the_cut_out_does_not_count(cell):
    _, mask = cell
    flat = np.where(mask[..., None], 180, 0).astype(np.uint8).repeat(3, axis=2)
    assert edge_contrast(flat, mask) < 1e-6


def test_eight_bits_and_floats_measure_the_same(cell):
    picture, mask = cell
    as_floats = (picture / 255).astype(np.float32)
    assert edge_contrast(picture, mask) == pytest.approx(edge_contrast(as_floats, mask), rel=1e-5)
    assert np.abs(histogram(picture, mask) - histogram(as_floats, mask)).max() < 0.02


def test_an_empty_mask_measures_nothing(cell):
    picture, mask = cell
    nothing = np.zeros_like(mask)
    assert edge_contrast(picture, nothing) == 0
    assert not histogram(picture, nothing).any()


def test_a_histogram_counts_each_pixel_of_the_cell_once(cell):
    _, mask = cell
    picture = np.zeros((*mask.shape, 3), np.float32)
    picture[mask] = (0.0, 0.5, 1.0)
    counts = histogram(picture, mask, bins=4)
    assert counts.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_a_mask_of_another_shape_is_refused(cell):
    picture, mask = cell
    with pytest.raises(InvalidParameter, match=r"`mask` must be bool of shape \(80, 80\). Received: \(79, 80\), bool"):
        edge_contrast(picture, mask[1:])
