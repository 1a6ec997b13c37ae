"""The scale of the pictures: from the picture, from the person's microscope, or that of C-NMC cut-outs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from leuk_core.images import SmearImage
from leuk_core.preprocessing.recipe import CNMC_MICRONS_PER_PIXEL
from leuk_core.settings import settings

SCALE = "leuk.scale"
MICROSCOPE = "leuk.microscope"

FROM_PICTURE = "from the picture itself"
FROM_MICROSCOPE = "my microscope"
FROM_CNMC = "C-NMC cut-outs (450 px)"
CNMC_SIDE = 450


def _file() -> Path:
    return settings().data_dir / "microscope.json"


def remembered() -> float | None:
    """Return this installation's micrometres per pixel, or None where none was given yet or it cannot be read."""
    try:
        value = json.loads(_file().read_text(encoding="utf-8"))["microns_per_pixel"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) and 0 < value < 100 else None


def remember(microns_per_pixel: float) -> None:
    """Keep the microscope's scale on disk for every later session.

    Parameters
    ----------
    microns_per_pixel : float
        Micrometres that one pixel of this microscope's pictures spans.
    """
    target = _file()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".json.part")
    draft.write_text(json.dumps({"microns_per_pixel": microns_per_pixel}) + "\n", encoding="utf-8")
    draft.replace(target)


@dataclass(frozen=True)
class Scale:
    """How wide a pixel of the open pictures is taken to be.

    Parameters
    ----------
    mode : str
        `FROM_PICTURE`, `FROM_MICROSCOPE` or `FROM_CNMC`.
    microns_per_pixel : float or None
        The microscope's figure; None where none was given.
    """

    mode: str = FROM_PICTURE
    microns_per_pixel: float | None = None

    def of(self, picture: SmearImage) -> float | None:
        """Return micrometres per pixel for one picture, or None where its own scale is to be used.

        Parameters
        ----------
        picture : SmearImage
            For C-NMC cut-outs its longest side counts: a cut-out of 225 pixels has been halved.
        """
        if self.mode == FROM_MICROSCOPE:
            return self.microns_per_pixel
        if self.mode == FROM_CNMC:
            return CNMC_MICRONS_PER_PIXEL * CNMC_SIDE / max(picture.width, picture.height)
        return None

    @property
    def words(self) -> str:
        """What stands on the control."""
        if self.mode == FROM_MICROSCOPE and self.microns_per_pixel:
            return f"{self.mode}, {self.microns_per_pixel:.3g} µm per pixel"
        return self.mode


def chosen_scale() -> Scale:
    """Return the scale that this session has chosen."""
    return Scale(st.session_state.get(SCALE, FROM_PICTURE), st.session_state.get(MICROSCOPE) or remembered())


def choose_scale() -> None:
    """Draw the control for the scale; a microscope's figure given once is offered again in later sessions."""
    with st.popover(f"Scale: {chosen_scale().words}", icon=":material/straighten:"):
        st.radio(
            "Scale of these pictures",
            (FROM_PICTURE, FROM_MICROSCOPE, FROM_CNMC),
            key=SCALE,
            persist_state="session",
            help="Leukemic cells are larger: with a wrong scale, normal cells are taken for leukemic ones.",
        )
        if st.session_state[SCALE] == FROM_MICROSCOPE:
            _ask_for_figure()
        elif st.session_state[SCALE] == FROM_CNMC:
            st.caption(
                f"Taken as {CNMC_MICRONS_PER_PIXEL:g} µm per pixel at 450 pixels: an estimate, the data set gives none."
            )
        else:
            st.caption("From the file where it says so, otherwise from the red cells in view; else it is a doubt.")


def _ask_for_figure() -> None:
    st.number_input(
        "µm per pixel",
        min_value=0.01,
        max_value=5.0,
        value=remembered(),
        step=0.001,
        format="%.3f",
        placeholder="such as 0.085",
        key=MICROSCOPE,
        persist_state="session",
        on_change=_keep_figure,
        help="Camera pixel size divided by the magnification: 5.5 µm and 63x give 0.087. Kept on this computer.",
    )
    if not st.session_state.get(MICROSCOPE):
        st.caption("Give the figure once; until then the picture's own scale is used.")


def _keep_figure() -> None:
    figure = st.session_state.get(MICROSCOPE)
    if figure:
        remember(float(figure))


def offer_scale(unknown: int) -> None:
    """Say that some pictures' scale is unknown, with the quickest ways to give it; nothing where none is.

    Parameters
    ----------
    unknown : int
        How many open pictures are in doubt for their scale.
    """
    if not unknown or chosen_scale().mode != FROM_PICTURE:
        return
    count = f"{unknown} picture" if unknown == 1 else f"{unknown} pictures"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="leuk-offer"):
        st.markdown(f"**The scale of {count} is unknown.** They come from:")
        figure = remembered()
        if figure:
            label = f"my microscope ({figure:.3g} µm per pixel)"
            st.button(label, on_click=_choose, args=(FROM_MICROSCOPE,), key="leuk.offer.microscope")
        st.button(FROM_CNMC, on_click=_choose, args=(FROM_CNMC,), key="leuk.offer.cnmc")
        st.caption("or give another figure under Scale")


def _choose(mode: str) -> None:
    st.session_state[SCALE] = mode
