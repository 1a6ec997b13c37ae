"""The paper's seven augmentations of the open cell: each alone, then whole draws, as training sees them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from components.stages import row_html, small_uri
from leuk_core.preprocessing.augment import NAMES, Augmentation, Drawn, drawn_copies, ground_of

OPEN, SEED = "leuk.prep.augmented", "leuk.prep.seed"
LARGEST_SEED = 9999
WHOLE = 8

_GLUE = "\N{NO-BREAK SPACE}"


def alone(seed: int) -> dict[str, Drawn]:
    """Return one draw taken apart: each of the seven changes by itself.

    Parameters
    ----------
    seed : int
        The first whole draw of the same seed is all of them together; see `whole`.

    Examples
    --------
    >>> list(alone(0)) == list(NAMES)
    True
    """
    return {name: Augmentation().only(name).draw(np.random.default_rng([seed, 0])) for name in NAMES}


def whole(seed: int) -> list[Drawn]:
    """Return `WHOLE` draws of all seven changes, drawn as for training."""
    return drawn_copies(WHOLE, seed)


def words(name: str, drawn: Drawn, side: int) -> str:
    """Return what a change did, with what was drawn for it.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    drawn : Drawn
        The draw.
    side : int
        Side of the picture, in pixels.

    Examples
    --------
    >>> words("brightness", Drawn(brightness=1.084), 227)
    'brightness ×1.08'
    """
    if name == "flips":
        return _flip(drawn) or "flips: none in this draw"
    if name == "rotation":
        return f"rotation {abs(drawn.angle):.0f}° {'anticlockwise' if drawn.angle > 0 else 'clockwise'}"
    if name == "translation":
        across, down = side * drawn.shift_x, side * drawn.shift_y
        sideways = f"{abs(across):.0f} px {'right' if across > 0 else 'left'}".replace(" ", _GLUE)
        return f"translation {sideways}, " + f"{abs(down):.0f} px {'down' if down > 0 else 'up'}".replace(" ", _GLUE)
    return {
        "brightness": f"brightness ×{drawn.brightness:.2f}",
        "padding": f"padding {drawn.padding:.1%} a side",
        "zoom": f"zoom ×{drawn.zoom:.3f}",
        "crop": f"crop {drawn.crop:.1%} of the side",
    }[name].replace("%", f"{_GLUE}%")


def _flip(drawn: Drawn) -> str:
    ways = [
        way
        for way, mirrored in (("left–right", drawn.flip_horizontal), ("top–bottom", drawn.flip_vertical))
        if mirrored
    ]
    return f"flip {' and '.join(ways)}" if ways else ""


def purpose(picture: np.ndarray) -> str:
    """Return what the changes are for and what fills new ground, as one caption.

    Parameters
    ----------
    picture : ndarray of shape (size, size, 3), float32 in [0, 1]
        After the filter, before scaling.
    """
    levels = [round(255 * value) for value in ground_of(picture)]
    ground = "black" if not any(levels) else f"red {levels[0]}, green {levels[1]}, blue {levels[2]}"
    ranges = Augmentation()
    largest = max(ranges.zoom, 2 * ranges.padding, ranges.crop)
    return (
        "Classifiers also learn from such copies of each training cell, so that how it lies and how bright it is count "
        f"for little. New ground is filled with the picture's ground value (here {ground}). "
        f"Padding, zoom and crop each change the size by at most {100 * largest:.0f} %, because the size of a cell is "
        "evidence."
    )


def augmented(picture: np.ndarray, further: Callable[[int], None]) -> None:
    """Draw the closed section; nothing is worked out before it is opened.

    Parameters
    ----------
    picture : ndarray of shape (size, size, 3), float32 in [0, 1]
        The open cell after the filter.
    further : callable
        Draws what else stands in the open section; called with the seed.
    """
    with st.expander(
        "What training adds: the paper's seven augmentations", icon=":material/shuffle:", key=OPEN, on_change="rerun"
    ) as section:
        if not section.open:
            return
        said, seed = st.columns([4, 1], gap="medium", vertical_alignment="center")
        said.caption(purpose(picture))
        drawn = seed.number_input(
            "Seed",
            0,
            LARGEST_SEED,
            key=SEED,
            persist_state="session",
            help="Another seed, other draws; the same seed, the same.",
        )
        st.html(_alone_html(picture, int(drawn)))
        st.markdown("**All seven at once**, as training sees them; draw 1 has the values above")
        st.html(_whole_html(picture, int(drawn)))
        further(int(drawn))


def _alone_html(picture: np.ndarray, seed: int) -> str:
    changed = [
        (words(name, drawn, len(picture)), small_uri(drawn.apply(picture))) for name, drawn in alone(seed).items()
    ]
    return row_html([("unchanged", small_uri(picture)), *changed], "leuk-augmented")


def _whole_html(picture: np.ndarray, seed: int) -> str:
    draws = whole(seed)
    cells = [(f"draw {number}", small_uri(drawn.apply(picture))) for number, drawn in enumerate(draws, start=1)]
    hover = [", ".join(words(name, drawn, len(picture)) for name in NAMES) for drawn in draws]
    return row_html(cells, "leuk-draws", hover)
