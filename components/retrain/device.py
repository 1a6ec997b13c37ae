"""Step 4 of Retrain: on what it will run, and how long it will take, measured there by a few real steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from components.plain import plain
from components.retrain.words import lasting
from leuk_core.errors import LeukError
from leuk_core.jobs import Device, Job, JobState, cancel, found_device, list_jobs, list_workers, submit
from leuk_core.training.retrain_decided import result_of
from leuk_core.training.retrain_measured import KIND, plan_of

NO_WORKER = (
    "No worker is running, so nothing is trained yet: what is started waits. `python3 start.py` starts one beside the "
    "application; `python3 start.py worker` starts one more, also on another machine that shares the data folder."
)
PROBLEM = "leuk.retrain.device.problem"


@st.cache_data(ttl=60, show_spinner=False)
def device_here() -> Device:
    """Return what a job would get on this machine."""
    return found_device()


def is_gpu() -> bool:
    """Return whether a training would get a GPU."""
    words = next((worker.device for worker in list_workers()), device_here().words)
    return not words.startswith("processor")


def show_device(plan: Mapping[str, Any]) -> None:
    """Draw the devices of the workers, and the time that a plan takes there.

    Parameters
    ----------
    plan : mapping
        A request.
    """
    workers = list_workers()
    if workers:
        for words in dict.fromkeys(worker.device for worker in workers):
            count = sum(worker.device == words for worker in workers)
            st.markdown(f":material/memory: **{words}**" + (f", {count} workers" if count > 1 else ""))
    else:
        st.markdown(f":material/memory: **{device_here().words}**")
        st.warning(NO_WORKER, icon=":material/hourglass_disabled:")
    if not is_gpu():
        st.caption("No GPU was found. Classifiers take minutes all the same; networks may take hours.")
    wanted = plan_of(plan)
    job = next((job for job in list_jobs() if job.kind == KIND and job.request == wanted), None)
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")
    if job is not None and not job.over:
        st.fragment(_measuring, run_every=1.0)(job.id)
    else:
        _told(job, wanted)


def _told(job: Job | None, wanted: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        seconds = (result_of(job) or {}).get("seconds") if job else None
        if job is not None and job.state is JobState.SUCCEEDED and seconds is not None:
            st.markdown(f"It will take **{lasting(seconds)}** on {job.device}, measured by a few real steps.")
        elif job is not None and job.message:
            st.markdown(f":material/error: {plain(job.message)}")
        else:
            st.markdown("How long it takes is not known yet.")
        st.button(
            "Measure how long it takes" if seconds is None else "Measure again",
            icon=":material/timer:",
            on_click=_measure,
            args=(wanted,),
            type="secondary" if seconds is None else "tertiary",
            key="leuk-retrain-measure",
        )


def _measure(wanted: dict[str, Any]) -> None:
    try:
        submit(KIND, wanted)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)


def _measuring(name: str) -> None:
    job = next((job for job in list_jobs() if job.id == name), None)
    if job is None or job.over:
        st.rerun()
    waits = job.state in (JobState.QUEUED, JobState.INTERRUPTED)
    busy = any(other.state in (JobState.RUNNING, JobState.CANCELLING) for other in list_jobs())
    words = "A few real steps are run and timed; this takes up to a minute"
    if waits:
        words = "Waits until the device is free" if busy else "Waits for the worker"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/timer: {words} …")
        st.button("Leave it", on_click=_leave, args=(name,), key="leuk-retrain-measure-stop", type="tertiary")


def _leave(name: str) -> None:
    try:
        cancel(name)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)
