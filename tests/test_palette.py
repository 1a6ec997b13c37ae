"""The theme can be read, and its colours are told apart with protanopia and deuteranopia."""

import tomllib
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from leuk_core.palette import SERIES

ROOT = Path(__file__).resolve().parents[1]
THEME = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))["theme"]
MODES = {mode: THEME[mode] for mode in ("light", "dark")}
GROUNDS = ("backgroundColor", "secondaryBackgroundColor")
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
SEEN = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def linear(colour):
    """Return "#rrggbb" as linear RGB, 0 to 1."""
    part = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Return the contrast ratio of WCAG 2.2."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour, eye):
    """Return CIELAB of a colour as an eye sees it."""
    seen = np.clip(SEEN[eye] @ linear(colour), 0, 1)
    coded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(np.float32(coded).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]


@pytest.mark.parametrize("mode", MODES)
def test_text_and_links_have_the_contrast_of_wcag_aa(mode):
    colours = MODES[mode]
    for ground in GROUNDS:
        for words in ("textColor", "linkColor", "primaryColor"):
            assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)


@pytest.mark.parametrize("mode", MODES)
def test_charts_use_the_palette_and_stand_out_from_the_ground(mode):
    assert tuple(MODES[mode]["chartCategoricalColors"]) == SERIES
    assert all(contrast(colour, MODES[mode]["backgroundColor"]) >= 3 for colour in SERIES)


@pytest.mark.parametrize("eye", SEEN)
def test_colours_of_classes_are_told_apart(eye):
    apart = {pair: float(np.linalg.norm(lab(pair[0], eye) - lab(pair[1], eye))) for pair in combinations(SERIES, 2)}
    assert min(apart.values()) >= 20, min(apart.items(), key=lambda item: item[1])


def test_quiet_text_of_the_pages_can_be_read():
    """`--leuk-quiet` is text at a share of the text colour over the ground."""
    style = (ROOT / "assets/style.css").read_text("utf-8")
    share = float(style.split("--leuk-quiet: color-mix(in srgb, currentColor ")[1].split("%")[0]) / 100
    for colours in MODES.values():
        text, ground = (
            np.array([int(colours[name][at : at + 2], 16) for at in (1, 3, 5)])
            for name in ("textColor", "backgroundColor")
        )
        mixed = "#" + "".join(f"{round(part):02x}" for part in share * text + (1 - share) * ground)
        assert contrast(mixed, colours["backgroundColor"]) >= 4.5
