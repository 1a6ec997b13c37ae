"""Augmentations: seeded, each alone does what its name says, cell size nearly kept, new ground as the old."""

import numpy as np
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.augment import NAMES, Augmentation, Drawn, ground_of


@pytest.fixture
def picture():
    rows, columns = np.mgrid[:101, :101]
    made = np.full((101, 101, 3), 0.25, np.float32)
    made[(columns - 38) ** 2 + (rows - 50) ** 2 < 400] = (0.8, 0.5, 0.7)
    return made


def test_the_same_seed_gives_the_same_picture_and_another_one_does_not(picture):
    once, again, other = (Augmentation().draw(np.random.default_rng(seed)).apply(picture) for seed in (5, 5, 6))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_nothing_drawn_changes_nothing(picture):
    assert Drawn().apply(picture) == pytest.approx(picture, abs=1e-6)


def test_flips_mirror(picture):
    assert Drawn(flip_horizontal=True).apply(picture) == pytest.approx(picture[:, ::-1], abs=1e-5)
    assert Drawn(flip_vertical=True).apply(picture) == pytest.approx(picture[::-1], abs=1e-5)


def test_a_quarter_turn_is_that_of_numpy(picture):
    assert Drawn(angle=90).apply(picture) == pytest.approx(np.rot90(picture), abs=1e-4)


def test_translation_moves_and_fills_with_the_ground(picture):
    moved = Drawn(shift_x=10 / 101).apply(picture)
    assert moved[:, 10:] == pytest.approx(picture[:, :-10], abs=1e-4)
    assert moved[:, :9] == pytest.approx(0.25, abs=1e-6)


def test_brightness_is_a_factor_and_stays_in_range(picture):
    assert Drawn(brightness=0.5).apply(picture) == pytest.approx(picture * 0.5, abs=1e-6)
    assert Drawn(brightness=1.9).apply(picture).max() == 1.0


@pytest.mark.parametrize(
    ("drawn", "factor"), [(Drawn(zoom=1.2), 1.2), (Drawn(padding=0.1), 1 / 1.2), (Drawn(crop=0.1), 1 / 0.9)]
)
def test_zoom_padding_and_crop_change_the_size_by_what_they_say(picture, drawn, factor):
    before = (picture[..., 0] > 0.5).sum()
    after = (drawn.apply(picture)[..., 0] > 0.5).sum()
    assert after / before == pytest.approx(factor**2, rel=0.06)


def test_by_default_cell_area_changes_by_less_than_an_eighth(picture):
    before = (picture[..., 0] > 0.5).sum()
    rng = np.random.default_rng(0)
    quiet = Augmentation(brightness=0.0)
    after = [(quiet.draw(rng).apply(picture)[..., 0] > 0.5).sum() / before for _ in range(60)]
    assert min(after) > 0.875
    assert max(after) < 1.125


@pytest.mark.parametrize("name", NAMES)
def test_each_alone_changes_the_picture_and_leaves_the_rest_off(picture, name):
    alone = Augmentation(padding=0.1, crop=0.1).only(name)
    drawn = alone.draw(np.random.default_rng(2))
    assert not np.array_equal(drawn.apply(picture), picture)
    assert sum(bool(getattr(alone, other)) for other in NAMES) == 1


def test_ground_is_the_median_of_the_border(picture):
    picture[0, :20] = 1.0
    assert ground_of(picture) == (0.25, 0.25, 0.25)


def test_ranges_are_checked():
    with pytest.raises(InvalidParameter, match=r"`rotation` must be from 0 to 180.0. Received: rotation=270"):
        Augmentation(rotation=270)
    with pytest.raises(InvalidParameter, match=r"`name` must be one of brightness"):
        Augmentation().only("blur")
