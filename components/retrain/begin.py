"""Step 5 of Retrain: who starts it, what still stands in the way, and the button."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from components.plain import plain
from leuk_core.errors import LeukError
from leuk_core.jobs import JobState, cancel, list_jobs, submit
from leuk_core.training.retrain_measured import KIND as ESTIMATE
from leuk_core.training.retrain_request import check

NAME, PROBLEM, STARTED = "leuk.retrain.by", "leuk.retrain.start.problem", "leuk.retrain.started"
RETRAIN = "retrain"


def show_start(plan: Mapping[str, Any], confirmed: tuple[str, ...] | None) -> None:
    """Draw the button, or what stands in its way.

    Parameters
    ----------
    plan : mapping
        A request without confirmations and name.
    confirmed : tuple of str or None
        Red verdicts that were confirmed; None where the cells were not examined yet.
    """
    request = {**plan, "confirmed_verdicts": list(confirmed or ())}
    problems = ["The cells must be examined first (step 2)."] if confirmed is None else []
    problems += _problems(json.dumps(request, sort_keys=True), examined=confirmed is not None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Your name",
            key=NAME,
            max_chars=100,
            persist_state="session",
            placeholder="stands on the version's card",
            width=320,
        )
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(problems),
            on_click=_begin,
            args=(request,),
            key="leuk-retrain-start",
        )
    if _under_way(st.session_state.get(STARTED)):
        st.success("It is on its way: [watch it at the top of this page](#trainings).", icon=":material/play_arrow:")
    if problems:
        told = "\n".join(f"- {_plain(problem)}" for problem in dict.fromkeys(problems))
        st.warning(f"Before it can start:\n\n{told}", icon=":material/checklist:")
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")


def _under_way(job: str | None) -> bool:
    return any(found.id == job and not found.over for found in list_jobs()) if job else False


def _plain(problem: str) -> str:
    """Return a sentence of `check` as this page says it."""
    red = problem.removeprefix("Red verdict of the audit, to be confirmed by name: ")
    return problem if red == problem else f"Read the red verdict in step 2 and tick it ({red.rstrip('.')})."


@st.cache_data(max_entries=50, ttl=60, show_spinner="Looking whether all fits …")
def _problems(request: str, *, examined: bool) -> list[str]:  # noqa: ARG001 - another answer once it is examined
    return check(json.loads(request))


def _begin(request: dict[str, Any]) -> None:
    by = " ".join(st.session_state.get(NAME, "").split())
    try:
        for job in list_jobs():  # nobody waits for a measurement that would only hold the training up
            if job.kind == ESTIMATE and job.state is JobState.QUEUED:
                cancel(job.id)
        st.session_state[STARTED] = submit(RETRAIN, {**request, "by": by}).id
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)
