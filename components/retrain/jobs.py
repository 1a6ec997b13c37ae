"""Trainings on the page Retrain: those under way with curves, those that wait for a decision, and earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from components.plain import plain
from components.retrain.begin import RETRAIN
from components.retrain.curves import show_curves
from components.retrain.verdict import show_verdict
from components.retrain.words import clock, lasting, model_words
from leuk_core.data.imports import find_set
from leuk_core.errors import LeukError
from leuk_core.jobs import Job, JobProgress, JobState, cancel, list_jobs, list_workers, read_progress, retry
from leuk_core.jobs.schema import HELD
from leuk_core.training.retrain_decided import decision_of, keep, result_of

PROBLEM = "leuk.retrain.jobs.problem"
EVERY_S = 1.0
STATES = {
    JobState.QUEUED: "waits",
    JobState.RUNNING: "in training",
    JobState.CANCELLING: "is being cancelled",
    JobState.CANCELLED: "was cancelled",
    JobState.FAILED: "did not succeed",
    JobState.KILLED: "was ended from outside",
    JobState.INTERRUPTED: "was interrupted and will go on",
    JobState.SUCCEEDED: "is done",
}


def trainings() -> list[Job]:
    """Return all trainings, the newest first."""
    return [job for job in list_jobs() if job.kind == RETRAIN]


def show_jobs() -> None:
    """Draw trainings: under way, then those that somebody has to decide about; nothing where there is none."""
    jobs = trainings()
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")
    active = [job for job in jobs if not job.over]
    undecided = [job for job in jobs if job.over and decision_of(job) is None]
    if active or undecided:
        st.header("Trainings", anchor="trainings", divider="gray")
    if active:
        drawn = tuple((job.id, job.state in HELD) for job in active)
        st.fragment(_active, run_every=EVERY_S)(drawn)
    for number, job in enumerate(undecided):
        _ended(job, newest=number == 0)


def show_earlier() -> None:
    """Draw the trainings about which somebody has decided."""
    jobs = [job for job in trainings() if job.over and decision_of(job) is not None]
    if not jobs:
        return
    st.header("Earlier trainings", anchor=False, divider="gray")
    for job in jobs:
        decision = decision_of(job)
        by = f" by {decision.by}" if decision and decision.by else ""
        outcome = STATES[job.state]
        if decision and job.state is JobState.SUCCEEDED:
            outcome = f"{decision.what} {decision.at[:10]}{by}".replace("kept", "present version kept", 1)
        title = f"{title_of(job)}, {clock(job.created)}: {outcome}"
        with st.expander(title, key=f"leuk-retrain-earlier-{job.id}", on_change="rerun") as opened:
            if opened.open:
                _body(job)


def title_of(job: Job) -> str:
    """Return what a job trains, on which cells."""
    try:
        cells = find_set(job.request["set"]).name
    except LeukError:
        cells = "cells that were forgotten"
    return f"{model_words(job.request['model'])} on {cells}"


def _active(drawn: Sequence[tuple[str, bool]]) -> None:
    """Draw what is under way; the page is drawn anew when a job begins or ends."""
    active = [job for job in trainings() if not job.over]
    if tuple((job.id, job.state in HELD) for job in active) != tuple(drawn):
        st.rerun()
    for job in sorted(active, key=lambda one: (one.state not in HELD, one.created)):
        with st.container(border=True, key=f"leuk-retrain-job-{job.id}"):
            _card(job)


def _card(job: Job) -> None:
    progress = read_progress(job)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{title_of(job)}** {STATES[job.state]}{_where(job)}", width="content")
        with st.container(horizontal=True, width="content"):
            log_button(job, progress)
            st.button(
                "Cancel",
                icon=":material/stop_circle:",
                key=f"leuk-retrain-cancel-{job.id}",
                on_click=_try,
                args=(cancel, job.id),
                disabled=job.state is JobState.CANCELLING,
            )
    if job.message:
        st.caption(f":material/info: {plain(job.message)}")
    if job.state is JobState.QUEUED:
        st.caption(_why_it_waits(job))
    else:
        st.progress(progress.share, text=progress_words(progress))
        show_curves(progress.curves, job.id)


def progress_words(progress: JobProgress) -> str:
    """Return step, count and time left of a job in one line."""
    if not progress.step:
        return "Starting: its process loads what it needs …"
    words = f"{progress.step[:1].upper()}{progress.step[1:]}"
    if progress.total > 1:
        words += f" · {progress.words} {progress.done:,} of {progress.total:,}"
    if progress.seconds_left is not None and progress.done < progress.total:
        words += f" · {lasting(progress.seconds_left)} left for this"
    return words


def _where(job: Job) -> str:
    if job.state not in HELD or job.started is None:
        return ""
    since = (
        lasting((datetime.now(UTC) - job.created).total_seconds()).removeprefix("about ").replace("under 10 s", "now")
    )
    again = f", attempt {job.attempt}" if job.attempt > 1 else ""
    return f" :small[:gray[on {job.device}{again}, asked for {since} ago]]".replace("now ago", "just now")


def _why_it_waits(job: Job) -> str:
    if not list_workers():
        return "No worker is running. `python3 start.py` starts one beside the application; the training waits for it."
    ahead = [other for other in list_jobs() if not other.over and other.created < job.created]
    return (
        f"{len(ahead)} before it: it starts when the device is free." if ahead else "The worker takes it in a moment."
    )


def _ended(job: Job, *, newest: bool) -> None:
    """Draw a training that waits for a decision: the newest as a whole, others as a line that opens."""
    if newest:
        with st.container(border=True, key=f"leuk-retrain-job-{job.id}"):
            _body(job)
        return
    sentence = (result_of(job) or {}).get("sentence") or job.message or STATES[job.state]
    with st.expander(f"**{title_of(job)}** {sentence}", key=f"leuk-retrain-more-{job.id}", on_change="rerun") as opened:
        if opened.open:
            _body(job)


def _body(job: Job) -> None:
    """Draw a training that has ended: its verdict, or why there is none."""
    progress = read_progress(job)
    if job.state is JobState.SUCCEEDED:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{title_of(job)}** is done {_took(job)}", width="content")
            log_button(job, progress)
        show_verdict(job)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{title_of(job)}** {STATES[job.state]} :small[:gray[{clock(job.ended)}]]", width="content")
        with st.container(horizontal=True, width="content"):
            log_button(job, progress)
            st.button(
                "Go on with it",
                icon=":material/replay:",
                key=f"leuk-retrain-retry-{job.id}",
                on_click=_try,
                args=(retry, job.id),
                help="What is finished is not done again.",
            )
            if decision_of(job) is None:
                st.button("Put aside", key=f"leuk-retrain-aside-{job.id}", on_click=_put_aside, args=(job,))
    if job.message:
        st.error(plain(job.message), icon=":material/error:")
    if progress.step:
        st.caption(f"It came as far as: {progress_words(progress)}")
    show_curves(progress.curves, job.id)


def _took(job: Job) -> str:
    if job.ended is None or job.started is None:
        return ""
    took = lasting((job.ended - job.started).total_seconds())
    return f":small[:gray[{clock(job.ended)}, {took}, on {job.device}]]"


def log_button(job: Job, progress: JobProgress) -> None:
    """Draw the button that opens the end of a job's log."""
    popover = st.popover("Log", icon=":material/terminal:", key=f"leuk-retrain-log-{job.id}", width="content")
    with popover, st.container(height=360, width=720, border=False, autoscroll=True):
        st.code(progress.log or "Nothing was written yet.", language=None, wrap_lines=True)


def _try(do: Callable[[str], Job], name: str) -> None:
    try:
        do(name)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)


def _put_aside(job: Job) -> None:
    try:
        keep(job)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)
