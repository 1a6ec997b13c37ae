"""The small light in the sidebar: whether a worker is there for trainings, on what, and whether it is at work."""

from __future__ import annotations

import sys
import time

import streamlit as st

from leuk_core.errors import LeukError

EVERY_S, LATE_S = 2.0, 30.0
"""How often is looked, and how long a worker that is started with the application may take to be there."""

LOOKED = "leuk.worker.looked"


@st.cache_resource(show_spinner=False)
def _began() -> float:
    return time.monotonic()


def worker_light() -> None:
    """Draw the light; it polls only until a worker is there, and while one is at work.

    The first page does not wait for the database: it is asked a moment later.
    """
    if "leuk_core.jobs" not in sys.modules:
        st.fragment(_first_look, run_every=EVERY_S)()
        return
    icon, words, watched = _seen()
    if watched:
        st.fragment(_light, run_every=EVERY_S)()
    else:
        st.caption(f"{icon} {words}")


def _first_look() -> None:
    if not st.session_state.get(LOOKED):
        st.session_state[LOOKED] = True
        st.caption(":material/hourglass_top: Looking for a worker")
    else:
        _light()


def _light() -> None:
    icon, words, _ = _seen()
    st.caption(f"{icon} {words}")


def _seen() -> tuple[str, str, bool]:
    """Return the sign, the words, and whether they are about to change."""
    from leuk_core.jobs import find, list_workers, read_progress  # noqa: PLC0415 brings SQLAlchemy

    try:
        workers = list_workers()
        worker = next((one for one in workers if one.job), next(iter(workers), None))
        job = find(worker.job) if worker and worker.job else None
    except LeukError as error:
        return ":material/error:", str(error), False
    if worker is None:
        return ":material/radio_button_unchecked:", "No worker for trainings", time.monotonic() - _began() < LATE_S
    if job is None:
        return ":material/check_circle:", f"Worker free: {worker.device}", False
    share = read_progress(job, lines=0).share
    told = f", {share:.0%} of this step" if share else ""
    return ":material/model_training:", f"Worker at work{told}: {worker.device}", True
