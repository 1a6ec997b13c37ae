"""State of the preprocessing page: which cell, which settings, what was already worked out; kept in the session."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from components.models import chosen_version
from components.pictures import arrivals
from components.samples import sample_cells
from components.scale import Scale
from components.stages import Prepared, prepare
from leuk_core.errors import LeukError
from leuk_core.images import SmearImage, decode
from leuk_core.preprocessing.logmh import SMALLEST_SIGMA, LoGMH
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.preprocessing.shelf import Shelf

PREFIX = "leuk.prep."
CELL, SETTING = PREFIX + "cell", PREFIX + "setting"
USED, SIGMA, BOOST, ALPHA, BETA = (PREFIX + name for name in ("used", "sigma", "boost", "alpha", "beta"))
MASKED, CHANNELS, NORMALISATION = (PREFIX + name for name in ("masked", "channels", "normalisation"))
PERCENTILES, STAIN, CUTOUT = (PREFIX + name for name in ("percentiles", "stain", "cutout"))
NAME, VIEW, ASK, SAID, FRESH = (PREFIX + name for name in ("name", "view", "ask", "said", "fresh"))

OWN, PAPER = "own", "paper"
KEPT = "kept:"
SIGMAS = (0.0, *(round(SMALLEST_SIGMA + 0.1 * step, 1) for step in range(48)))
LARGEST_BOOST = 10.0
ALPHAS = (0.05, 10.0)
STRIP = 8
REST = 0.15  # seconds without a move after which the strip is drawn
_HELD = {"prepared": 6, "sized": 40}

T = TypeVar("T")


@dataclass(frozen=True)
class Cell:
    """A cell that the page can show.

    Parameters
    ----------
    label : str
        "picture 3" or "sample 2".
    name : str
        File name, for the screen only.
    picture : SmearImage
        The decoded picture.
    """

    label: str
    name: str
    picture: SmearImage


def cells() -> list[Cell]:
    """Return the session's pictures; where there are none, the sample cells."""
    own = [Cell(f"picture {item.number}", item.name, item.picture) for item in arrivals() if item.picture is not None]
    return own or _samples()


def are_samples(shown: Sequence[Cell]) -> bool:
    """Tell whether the page shows sample cells because the session has no pictures."""
    return bool(shown) and shown[0].label.startswith("sample")


def others(chosen: Cell, shown: list[Cell]) -> list[Cell]:
    """Return up to `STRIP` further cells: those after the chosen one, then those before it."""
    place = shown.index(chosen)
    return [*shown[place + 1 :], *shown[:place]][:STRIP]


def _samples() -> list[Cell]:
    key = PREFIX + "samples"
    if key not in st.session_state:
        found = []
        for number, sample in enumerate(sample_cells()[: STRIP + 1], start=1):
            picture = decode(sample.path.read_bytes(), sample.path.name)
            scale = picture.microns_per_pixel or sample.microns_per_pixel
            found.append(Cell(f"sample {number}", sample.path.name, replace(picture, microns_per_pixel=scale)))
        st.session_state[key] = found
    return list(st.session_state[key])


def own_recipe() -> Recipe:
    """Return the recipe of this session's model; without a model the default one."""
    version = chosen_version()
    return version.recipe if version else Recipe()


def starting_points() -> dict[str, str]:
    """Return what a person can start from: key to words."""
    own = "the model's own recipe" if chosen_version() else "the default recipe"
    return {OWN: own, PAPER: "LoGMH as in the paper", **{KEPT + name: f"“{name}”" for name in Shelf().names()}}


def begin() -> None:
    """Give every control its first value; does nothing to values that are there already."""
    if SIGMA not in st.session_state:
        st.session_state[SETTING] = OWN
        _take(own_recipe())
    elif st.session_state.get(SETTING) not in starting_points():
        st.session_state[SETTING] = OWN


def take_setting() -> None:
    """Bring the controls to the starting point that was just chosen."""
    chosen = st.session_state[SETTING]
    try:
        _take(setting(chosen))
    except LeukError as error:
        st.session_state[SAID] = str(error)


def setting(chosen: str) -> Recipe:
    """Return the recipe behind a starting point.

    Raises
    ------
    LeukError
        If a kept one is gone or can't be read.
    """
    if chosen == PAPER:
        return replace(own_recipe(), logmh=LoGMH())
    return Shelf().load(chosen.removeprefix(KEPT)) if chosen.startswith(KEPT) else own_recipe()


def _take(given: Recipe) -> None:
    logmh = given.logmh or LoGMH()
    alpha = min(max(logmh.alpha, ALPHAS[0]), ALPHAS[1])
    boost = min(logmh.beta / alpha, LARGEST_BOOST)
    values: dict[str, Any] = {
        USED: given.logmh is not None,
        SIGMA: min(SIGMAS, key=lambda sigma: abs(sigma - logmh.sigma)),
        BOOST: round(boost, 3),
        ALPHA: alpha,
        BETA: round(boost * alpha, 4),
        MASKED: logmh.masked,
        CHANNELS: logmh.channels,
        NORMALISATION: logmh.normalisation,
        PERCENTILES: logmh.percentiles,
        STAIN: given.stain != "none",
        CUTOUT: given.cutout != "none",
        NAME: given.name,
    }
    for key, value in values.items():
        st.session_state[key] = value


def boost_moved() -> None:
    """Bring the paper's beta in line with the boost."""
    st.session_state[BETA] = round(st.session_state[BOOST] * st.session_state[ALPHA], 4)


def weights_moved() -> None:
    """Bring the boost in line with the paper's alpha and beta."""
    alpha = st.session_state[ALPHA]
    boost = st.session_state[BETA] / alpha
    if boost > LARGEST_BOOST:
        st.session_state[SAID] = f"Beta can be at most {LARGEST_BOOST:g} times alpha here; it was brought to that."
        st.session_state[BETA] = round(LARGEST_BOOST * alpha, 4)
    st.session_state[BOOST] = round(min(boost, LARGEST_BOOST), 3)


def recipe(own: Recipe) -> Recipe:
    """Return the recipe that the controls say; size, scale and scaling are those of `own`, the model's."""
    state = st.session_state
    logmh = LoGMH(
        sigma=state[SIGMA],
        alpha=state[ALPHA],
        beta=state[BETA],
        channels=state[CHANNELS],
        normalisation=state[NORMALISATION],
        percentiles=tuple(state[PERCENTILES]),
        masked=state[MASKED],
    )
    return replace(
        own,
        cutout="auto" if state[CUTOUT] else "none",
        stain="reinhard" if state[STAIN] else "none",
        logmh=logmh if state[USED] else None,
        name="",
    )


def keep() -> None:
    """Keep the present recipe under the name in the box, and say so."""
    try:
        kept = Shelf().save(recipe(own_recipe()), st.session_state[NAME])
    except LeukError as error:
        st.session_state[SAID] = str(error)
        return
    st.session_state[SETTING] = KEPT + kept.name
    st.session_state[SAID] = f"Saved as “{kept.name}”."


def forget() -> None:
    """Delete the kept setting that is chosen."""
    name = st.session_state[SETTING].removeprefix(KEPT)
    Shelf().delete(name)
    st.session_state[SETTING] = OWN
    st.session_state[SAID] = f"“{name}” was deleted. The controls stay as they are."


def unreadable() -> list[str]:
    """Return a sentence for each kept setting whose file can't be read."""
    return Shelf().unreadable()


def said() -> str:
    """Return, once, what the last action has to say."""
    return str(st.session_state.pop(SAID, ""))


def begin_afresh() -> None:
    """Say that the page is drawn from the start: nothing has to wait for the hand to rest."""
    st.session_state[FRESH] = True


def wait_for_rest() -> None:
    """Wait a moment, so that the new picture is drawn before anything else is worked out.

    Notes
    -----
    Looking into the session's state lets Streamlit end this run at once when a slider has moved on meanwhile.
    """
    if st.session_state.pop(FRESH, False):
        return
    until = time.monotonic() + REST
    while time.monotonic() < until:
        time.sleep(0.005)
        _ = FRESH in st.session_state


def prepared(cell: Cell, wanted: Recipe, scale: Scale) -> Prepared:
    """Return the stages before the filter, worked out once a cell, recipe and scale."""
    microns = scale.of(cell.picture)
    return _held("prepared", _key(cell, wanted, microns), lambda: prepare(cell.picture, wanted, microns))


def sized(cell: Cell, wanted: Recipe, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return what the filter works on, picture and mask, worked out once a cell, recipe and scale."""
    microns = scale.of(cell.picture)

    def work() -> tuple[np.ndarray, np.ndarray]:
        stages = replace(wanted, logmh=None).stages(cell.picture, microns)
        return stages.pictures["size"], stages.mask

    return _held("sized", _key(cell, wanted, microns), work)


def _key(cell: Cell, wanted: Recipe, microns: float | None) -> Hashable:
    picture = cell.picture
    return picture.pixels_sha256, picture.microns_per_pixel, replace(wanted, logmh=None).hash, microns


def _held(what: str, key: Hashable, work: Callable[[], T]) -> T:
    """Return `work()`, kept for `key` in the session; the longest unused is dropped. Ends with the session."""
    held: OrderedDict[Hashable, T] = st.session_state.setdefault(PREFIX + what, OrderedDict())
    if key not in held:
        held[key] = work()
        while len(held) > _HELD[what]:
            held.popitem(last=False)
    held.move_to_end(key)
    return held[key]
