"""The augmentations as they are shown: seven alone that are one draw taken apart, seeded, each with its value."""

import dataclasses

import numpy as np
import pytest

from components.augmented import alone, purpose, whole, words
from leuk_core.preprocessing.augment import Drawn


def test_the_seven_alone_are_the_first_whole_draw_taken_apart():
    first = whole(3)[0]
    neutral = Drawn()
    together = {}
    for drawn in alone(3).values():
        for field in dataclasses.fields(Drawn):
            value = getattr(drawn, field.name)
            if value != getattr(neutral, field.name):
                together[field.name] = value
    assert Drawn(**together) == first


def test_another_seed_is_another_draw_and_the_same_one_the_same():
    assert whole(1) == whole(1)
    assert not set(whole(1)) & set(whole(2))


@pytest.mark.parametrize(
    ("name", "drawn", "said"),
    [
        ("rotation", Drawn(angle=41.2), "rotation 41° anticlockwise"),
        ("rotation", Drawn(angle=-41.2), "rotation 41° clockwise"),
        ("translation", Drawn(shift_x=-0.02, shift_y=0.01), "translation 5 px left, 2 px down"),
        ("flips", Drawn(flip_horizontal=True, flip_vertical=True), "flip left–right and top–bottom"),
        ("flips", Drawn(), "flips: none in this draw"),
        ("crop", Drawn(crop=0.013), "crop 1.3 % of the side"),
    ],
)
def test_each_change_says_what_was_drawn(name, drawn, said):
    assert words(name, drawn, 227).replace("\N{NO-BREAK SPACE}", " ") == said


def test_the_ground_is_named():
    assert "here black" in purpose(np.zeros((9, 9, 3), np.float32))
    assert "here red 128, green 0, blue 255" in purpose(np.full((9, 9, 3), (0.5, 0, 1), np.float32))
