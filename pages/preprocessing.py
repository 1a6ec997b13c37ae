"""Preprocessing: every stage of the recipe on one cell, LoGMH tuned by eye and by number."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components import tuning
from components.augmented import augmented
from components.effect import WAITING, answer_html, contrast_html, effect_html
from components.frame import guard, page
from components.models import chosen_version, loaded, newest_models
from components.pictures import arrivals, drop_zone, show_notice
from components.scale import Scale, choose_scale, chosen_scale
from components.stages import TITLES, Prepared, filtered_panel, row_html, show, show_filtered, small_uri
from components.steady import let_rest, steady
from components.tuning import Cell
from leuk_core.errors import LeukError
from leuk_core.preprocessing.logmh import CHANNELS, NORMALISATIONS
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.preprocessing.shelf import LONGEST_NAME
from leuk_core.registry import ModelVersion, task_of

FIVE, TWO = "five stages", "before and after"
SIDES = {FIVE: 300, TWO: 330}


def main() -> None:
    page("Preprocessing", "What is done to a cell before a model sees it. Tune on one cell, judge on all of them.")
    shown = tuning.cells()
    if not shown:
        drop_zone()
        show_notice()
        st.info(
            "Nothing is open yet. Drop pictures of single cells here, or on the page Diagnose: the first is shown in "
            "every stage, the others in a strip below it.",
            icon=":material/add_photo_alternate:",
        )
        return
    show_notice()
    tuning.begin()
    workbench()


@dataclass(frozen=True)
class Bench:
    """What stays as it is while a slider moves: the cell, the others, the model's recipe, the scale, who answers."""

    cell: Cell
    others: tuple[Cell, ...]
    prepared: Prepared
    own: Recipe
    scale: Scale
    version: ModelVersion | None

    @property
    def revision(self) -> str:
        """Changes with the cell and its scale; as long as it stays, the view stays."""
        return f"{self.cell.picture.pixels_sha256} {self.prepared.window}"


@st.fragment
def workbench() -> None:
    """Draw what is chosen now and then; the sliders and what they change are a fragment of their own."""
    with guard():
        shown = tuning.cells()
        toolbar()
        with st.container(key="leuk-narrow-last-stages"):
            left, right = st.columns([1.15, 4], gap="medium")
        with left:
            cell = choose_cell(shown)
            sliders = controls()
        with right:
            own, scale = tuning.own_recipe(), chosen_scale()
            prepared = tuning.prepared(cell, tuning.recipe(own), scale)
            others = tuple(tuning.others(cell, shown))
            bench = Bench(cell, others, prepared, own, scale, chosen_version())
            stages(bench)
            tuning.begin_afresh()
            tune(bench, sliders)


@st.fragment
def tune(bench: Bench, sliders: DeltaGenerator) -> None:
    """Draw what a moved slider changes, and the sliders; a move runs this and nothing else of the page.

    The new picture comes first. The strip and the model wait until the hand rests: they would take the processor
    from the picture.
    """
    with guard():
        let_rest()
        recipe = tuning.recipe(bench.own)
        filtered = recipe.filtered(bench.prepared.sized, bench.prepared.mask)
        panel = filtered_panel(bench.prepared, filtered)
        contrast = contrast_html(bench.prepared, panel)
        with st.container(gap=None):
            show_filtered(panel, bench.revision, TITLES["logmh"] if recipe.logmh else "LoGMH is off")
            line = st.empty()
        line.html(effect_html(contrast))
        if st.session_state[tuning.USED]:
            with sliders:
                filter_controls()
        if said := tuning.said():
            st.toast(said)
        tuning.wait_for_rest()
        strip(bench, recipe)
        if bench.version is not None and st.session_state.get(tuning.ASK):
            line.html(effect_html(contrast, WAITING))
            line.html(effect_html(contrast, answer(bench.version, bench, recipe)))
        if bench.prepared.found:
            training_copies(bench, filtered)


@st.fragment
def training_copies(bench: Bench, filtered: np.ndarray) -> None:
    """Draw the augmentations and how steady answers are under them; opening them or another seed runs this alone."""

    def answers(seed: int) -> None:
        if bench.version is not None:
            picture = bench.cell.picture
            steady(picture, bench.scale.of(picture), newest_models(bench.version), seed)

    with guard():
        augmented(filtered, answers)


def toolbar() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        many = len(arrivals())  # another key is another popover: it closes once files were taken
        with st.popover("Add pictures", icon=":material/add_photo_alternate:", key=f"leuk.prep.add.{many}"):
            drop_zone()
        choose_scale()
        st.segmented_control(
            "View", SIDES, default=FIVE, required=True, key=tuning.VIEW, label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
        if chosen_version():
            st.toggle(
                "Ask the model",
                key=tuning.ASK,
                persist_state="session",
                help="Its answer with its own recipe and with this one. The first answer waits for the model to load.",
            )
        with st.popover("Save", icon=":material/save:"):
            shelf()


def choose_cell(shown: list[Cell]) -> Cell:
    labels = {cell.label: cell for cell in shown}
    if st.session_state.get(tuning.CELL) not in labels:
        st.session_state[tuning.CELL] = shown[0].label
    st.selectbox(
        "Cell",
        list(labels),
        format_func=lambda label: f"{label} · {labels[label].name}",
        key=tuning.CELL,
        persist_state="session",
    )
    return labels[st.session_state[tuning.CELL]]


def controls() -> DeltaGenerator:
    """Draw the controls but for the sliders; return the place where these go."""
    points = tuning.starting_points()
    st.selectbox(
        "Start from",
        list(points),
        format_func=points.__getitem__,
        key=tuning.SETTING,
        on_change=tuning.take_setting,
        persist_state="session",
        help="Brings all controls to a recipe: the model's, the paper's, or one that you saved.",
    )
    st.toggle("LoGMH", key=tuning.USED, persist_state="session", help="Off: the model would see the resized picture.")
    sliders = st.container()
    with st.popover("Options", icon=":material/tune:", width="stretch"):
        options()
    return sliders


def filter_controls() -> None:
    st.select_slider(
        "Sigma",
        tuning.SIGMAS,
        format_func=lambda sigma: f"{sigma:.1f} px" if sigma else "no blur",
        key=tuning.SIGMA,
        persist_state="session",
        help="Width of the Gaussian blur before the Laplacian: small finds fine chromatin (and noise), large coarse.",
    )
    st.slider(
        "Boost",
        0.0,
        tuning.LARGEST_BOOST,
        step=0.1,
        format="%.1f",
        key=tuning.BOOST,
        on_change=tuning.boost_moved,
        persist_state="session",
        help="Strength of the sharpening: the paper's beta divided by its alpha. Only this ratio changes the picture.",
    )
    alpha, beta = st.columns(2, gap="small")
    alpha.number_input(
        "Alpha",
        *tuning.ALPHAS,
        step=0.1,
        format="%.2f",
        key=tuning.ALPHA,
        on_change=tuning.weights_moved,
        persist_state="session",
        help="The paper's weight of the picture.",
    )
    beta.number_input(
        "Beta",
        0.0,
        tuning.LARGEST_BOOST * tuning.ALPHAS[1],
        step=0.1,
        format="%.2f",
        key=tuning.BETA,
        on_change=tuning.weights_moved,
        persist_state="session",
        help="The paper's weight of the Laplacian.",
    )


def options() -> None:
    st.checkbox(
        "Keep the cut-out's rim out of it",
        key=tuning.MASKED,
        persist_state="session",
        help="In a cell cut out on black the paper's equation finds its darkest and brightest point on the rim of the "
        "cut-out, which dims the chromatin. With this they are looked for inside the cell, and black stays black.",
    )
    st.radio(
        "What becomes black and white",
        NORMALISATIONS,
        format_func={"extremes": "darkest and brightest pixel (paper)", "percentiles": "two percentiles"}.__getitem__,
        key=tuning.NORMALISATION,
        persist_state="session",
    )
    if st.session_state[tuning.NORMALISATION] == "percentiles":
        st.slider("Percentiles", 0.0, 100.0, step=0.5, key=tuning.PERCENTILES, persist_state="session")
    st.radio(
        "Sharpen",
        CHANNELS,
        format_func={"each": "red, green and blue (paper)", "luminance": "luminance only, hues stay"}.__getitem__,
        key=tuning.CHANNELS,
        persist_state="session",
    )
    st.checkbox("Bring colours to the reference stain", key=tuning.STAIN, persist_state="session")
    st.checkbox("Cut the cell out on black", key=tuning.CUTOUT, persist_state="session")


def shelf() -> None:
    st.text_input(
        "Recipe name",
        key=tuning.NAME,
        max_chars=LONGEST_NAME,
        placeholder="such as: fine chromatin",
        persist_state="session",
    )
    st.button(
        "Save", icon=":material/save:", on_click=tuning.keep, help="The same name replaces what was kept under it."
    )
    chosen = st.session_state[tuning.SETTING]
    if chosen.startswith(tuning.KEPT):
        name = chosen.removeprefix(tuning.KEPT)
        st.button(f"Delete “{name}”", icon=":material/delete:", on_click=tuning.forget, type="tertiary")
    for sentence in tuning.unreadable():
        st.caption(f":material/error: {sentence}")


def stages(bench: Bench) -> None:
    view = st.session_state[tuning.VIEW]
    show(
        bench.prepared.panels if view == FIVE else bench.prepared.panels[-1:],
        bench.prepared.window,
        side=SIDES[view],
        revision=bench.revision,
        words=f"Stages of {bench.cell.label}, from the original to LoGMH, each with the histogram of the cell under it",
    )


def strip(bench: Bench, recipe: Recipe) -> None:
    if not bench.others:
        return
    done = []
    for cell in bench.others:
        sized, mask = tuning.sized(cell, recipe, bench.scale)
        done.append((cell.label, small_uri(recipe.filtered(sized, mask))))
    samples = " :small[:gray[samples of C-NMC; pictures that you add take their place]]"
    st.markdown("**The same setting on other cells**" + (samples if tuning.are_samples(bench.others) else ""))
    st.html(row_html(done, "leuk-strip"))


def answer(version: ModelVersion, bench: Bench, recipe: Recipe) -> str:
    """Return what the model says with its own recipe and with this one; its own is worked out once."""
    picture, scale = bench.cell.picture, bench.scale.of(bench.cell.picture)
    try:
        predictor = loaded(version.ref)
        return answer_html(
            task_of(version),
            predictor.predict_with(picture, version.recipe, scale),
            predictor.predict_with(picture, recipe, scale),
        )
    except LeukError as error:
        return f'<div class="leuk-why">{escape(str(error))}</div>'


main()
