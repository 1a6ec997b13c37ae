"""Kills, cancels and lost workers, on real processes: nothing finished is lost, nothing stuck, nobody left over."""

import json
import os
import signal

import psutil
import pytest

from leuk_core.errors import InvalidParameter
from leuk_core.jobs import Job, JobState, cancel, find, list_workers, read_progress, retry, submit
from tests.jobs.places import processes_of, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


def reached(job: Job, state: JobState) -> Job:
    """Wait until a job is in a state."""
    until(lambda: find(job.id).state is state, f"{state}, from {find(job.id)}")
    return find(job.id)


def at_step(job: Job, number: int) -> psutil.Process:
    """Wait until a job works at a step, and return its process."""
    until(lambda: read_progress(job).step == f"step {number}", f"step {number}")
    return until(lambda: processes_of(job.folder.parent), "a process")[0]


def let_go(job: Job) -> None:
    for number in range(3):
        (job.folder / f"go-{number}").touch()


def test_a_killed_job_says_by_what_and_goes_on_when_asked(any_place):
    any_place.worker()
    job = submit("steps", {})
    (job.folder / "go-0").touch()
    at_step(job, 1).send_signal(signal.SIGKILL)
    killed = reached(job, JobState.KILLED)
    assert "signal 9 (SIGKILL)" in killed.message
    kept = (job.folder / "step-0").read_text()

    let_go(job)
    retry(job.id)
    done = reached(job, JobState.SUCCEEDED)
    assert (done.attempt, done.message) == (2, "")
    assert (job.folder / "step-0").read_text() == kept
    assert json.loads((job.folder / "result.json").read_text()) == {"steps": 3}
    assert [point["epoch"] for point in read_progress(job).curves[0]] == [0, 1, 2]
    with pytest.raises(InvalidParameter, match="succeeded"):
        retry(job.id)


def test_a_killed_worker_takes_its_job_with_it_and_the_next_goes_on(any_place):
    first = any_place.worker()
    job = submit("steps", {})
    (job.folder / "go-0").touch()
    at_step(job, 1)
    first.kill()
    until(lambda: not processes_of(job.folder.parent), "the job's process ends with its worker")
    assert "Its worker was lost" in reached(job, JobState.INTERRUPTED).message  # nobody but this reader is there

    any_place.worker()
    let_go(job)
    done = reached(job, JobState.SUCCEEDED)
    assert done.attempt == 2


def test_a_worker_that_is_told_to_end_leaves_its_job_to_the_next(any_place):
    first = any_place.worker()
    job = submit("steps", {})
    at_step(job, 0)
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 0
    assert find(job.id).state is JobState.INTERRUPTED
    assert list_workers() == []


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(any_place):
    waiting = submit("steps", {})
    assert cancel(waiting.id).state is JobState.CANCELLED
    with pytest.raises(InvalidParameter, match="one that is cancelled"):
        cancel(waiting.id)

    any_place.worker()
    running = submit("steps", {})
    at_step(running, 0)
    assert cancel(running.id).state is JobState.CANCELLING
    assert reached(running, JobState.CANCELLED).message == ""
    assert not (waiting.folder / "log.txt").exists()


def test_who_does_not_listen_is_ended_by_force_with_all_its_processes(place, monkeypatch):
    monkeypatch.setenv("LEUK_JOB_GRACE_S", "1.5")
    place.worker()
    job = submit("deaf", {})
    until(lambda: read_progress(job).words == "deaf", "it works")
    assert len(processes_of(job.folder.parent)) == 2
    cancel(job.id)
    assert "by force" in reached(job, JobState.CANCELLED).message
    assert processes_of(job.folder.parent) == []


def test_of_two_workers_one_has_the_machine_and_each_job_runs_once(any_place):
    mark = str(any_place.folder / "mark")
    jobs = [submit("alone", {"mark": mark}) for _ in range(3)]
    any_place.worker()
    any_place.worker()
    for job in jobs:
        assert reached(job, JobState.SUCCEEDED).attempt == 1
    until(lambda: len(list_workers()) == 2, "both workers are there")
    pids = {json.loads((job.folder / "result.json").read_text())["pid"] for job in jobs}
    assert len(pids) == 3
