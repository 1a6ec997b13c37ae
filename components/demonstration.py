"""The guided demonstration: seven steps, each a link that opens its page with the sample cells in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from components import compare, sheet, tuning
from components.pictures import arrivals
from components.samples import samples, take_samples
from leuk_core import PROJECT_ROOT

PARAMETER, STEP = "demo", "leuk.demonstration"
DIAGNOSE_SORT = "leuk.sort"
MAPPED = ("svm", "efficientnet-lite")


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    name : str
        Its word in the address.
    title, text : str
        What it shows; one or two sentences that say what to look at.
    page, on : str
        File of the page, and its title.
    prepare : callable
        Sets the page's controls.
    """

    name: str
    title: str
    text: str
    page: str
    on: str
    prepare: Callable[[], object] = lambda: None

    @property
    def here(self) -> bool:
        """Whether its page is installed."""
        return (PROJECT_ROOT / self.page).is_file()


def _set(**values: object) -> Callable[[], None]:
    keys = {"sort": DIAGNOSE_SORT, "stages": tuning.VIEW, "view": compare.VIEW, "maps": compare.MAPS}

    def put() -> None:
        for name, value in values.items():
            st.session_state[keys[name]] = value

    return put


def _with_maps() -> None:
    """Show heat maps of two models only: eleven take minutes."""
    _set(view=compare.ONE, maps=True)()
    compare.choose_only(MAPPED)


def _bring_in_cells() -> None:
    from components.demonstration_cells import bring_in  # noqa: PLC0415 brings scikit-learn

    bring_in()


STEPS = (
    Step(
        "drop",
        "Drop cells",
        "Twelve cells are open. Each row gets an answer as soon as it is there: what it resembles, and how likely.",
        "pages/diagnose.py",
        "Diagnose",
        _set(sort=sheet.AS_GIVEN),
    ),
    Step(
        "doubt",
        "Read the doubt",
        "Most doubtful first. Each “!” is a reason found not to believe the number; with one, no label is given.",
        "pages/diagnose.py",
        "Diagnose",
        _set(sort=sheet.BY_DOUBT),
    ),
    Step(
        "logmh",
        "See LoGMH",
        "The five stages of a cell. Move Sigma and Boost: the last picture and the strip follow.",
        "pages/preprocessing.py",
        "Preprocessing",
    ),
    Step(
        "compare",
        "Compare models",
        "All models on one cell: where they agree, and what their mean says. N and P step through the cells.",
        "pages/compare.py",
        "Compare",
        _set(view=compare.ONE, maps=False),
    ),
    Step(
        "heat-map",
        "Ask where they looked",
        "Heat maps of two models. A map shows influence on the answer, not proof; press one to see it large.",
        "pages/compare.py",
        "Compare",
        _with_maps,
    ),
    Step(
        "evidence",
        "Weigh the evidence",
        "How often the model is right on persons it never saw, how much persons differ, and who it was trained on.",
        "pages/evidence.py",
        "Evidence",
    ),
    Step(
        "retrain",
        "Train one yourself",
        "24 drawn cells of 12 made-up patients are brought in and audited. The verdict in step 2 is red, and rightly: "
        "drawn classes differ in colour. Tick that you read it, give a name in step 5 and start: about a minute, and "
        "nothing answers differently until you promote it.",
        "pages/retrain.py",
        "Retrain",
        _bring_in_cells,
    ),
)


def steps() -> list[Step]:
    """Return the steps whose pages are installed."""
    return [step for step in STEPS if step.here]


def follow_link() -> None:
    """Prepare the session for the step that the address names, once; called before the page is drawn."""
    name = st.query_params.get(PARAMETER)
    if name is None:
        return
    del st.query_params[PARAMETER]
    step = next((step for step in steps() if step.name == name), None)
    if step is None:
        return
    if not arrivals():
        take_samples(samples()[1])
    step.prepare()
    st.session_state[STEP] = step.name


def link(step: Step, label: str, icon: str | None = None) -> None:
    """Draw a link that opens a step."""
    st.page_link(step.page, label=label, icon=icon, query_params={PARAMETER: step.name})


def show_steps() -> None:
    """Draw all steps, as they stand on Home."""
    found = steps()
    source, cells = samples()
    st.subheader("Guided demonstration", anchor=False)
    kind = {"own": "your sample cells", "cnmc": "cells of the test data"}.get(source, "cells that a program drew")
    st.caption(f"Seven steps, about five minutes, with {len(cells)} {kind}; pictures that are open stay open.")
    with st.container(key="leuk-steps", gap="small"):
        for number, step in enumerate(found, start=1):
            with st.container(gap=None, key=f"leuk-step-{step.name}"):
                link(step, f"{number}. {step.title}")
                st.caption(step.text)


def show_place(on: str) -> None:
    """Draw above a page which step is shown and what comes next; nothing outside the demonstration.

    Parameters
    ----------
    on : str
        Title of the page.
    """
    found = steps()
    place = next((place for place, step in enumerate(found) if step.name == st.session_state.get(STEP)), None)
    if place is None or found[place].on != on:
        return
    step = found[place]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="leuk-place"):
        st.markdown(f"**{place + 1} of {len(found)}: {step.title}.** {step.text}")
        if place + 1 < len(found):
            link(found[place + 1], f"Next: {found[place + 1].title}", ":material/arrow_forward:")
        st.button("End", type="tertiary", on_click=_end, key="leuk-demonstration-end")


def _end() -> None:
    st.session_state.pop(STEP, None)
