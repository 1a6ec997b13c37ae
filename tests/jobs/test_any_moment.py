"""Kills and cancels at any moment: whoever falls, one whole version comes of a job, once, and nobody is left over."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.jobs import Job, JobState, cancel, find, list_jobs, list_workers, retry, submit
from leuk_core.jobs.schema import HELD
from leuk_core.registry.versions import installed_versions
from tests.conftest import free_port
from tests.jobs.places import PATIENCE_S, Place, processes_of, until
from tests.jobs.works_for_tests import PARTS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

KILLS = 4
WITHIN_S = 1.6
"""A work of this kind takes about so long with the start of its process."""


def finished(job: Job) -> dict[str, int]:
    """Return the parts that are finished, each with the time at which it was written."""
    return {path.name: path.stat().st_mtime_ns for path in job.folder.glob("part-*.json")}


def whole_versions(place: Place) -> int:
    """Return how many own versions are there; each of them must be whole."""
    own = [version for version in installed_versions() if version.own]
    assert [version.check() for version in own] == [[]] * len(own)
    return len(own)


def brought_to_its_end(place: Place, job: Job) -> Job:
    """Do what a person does until a job is done: start a worker where none is, try a killed job again."""
    end = time.monotonic() + PATIENCE_S
    while (now := find(job.id)).state is not JobState.SUCCEEDED:
        assert time.monotonic() < end, now
        if not place.alive:
            place.worker()
        if now.retriable:
            retry(job.id)
        time.sleep(0.05)
    return now


def left_as_one(place: Place, job: Job) -> None:
    """See that all of a job is there once: its parts, one version, one result, no process, nothing half written."""
    assert len(finished(job)) == PARTS
    assert whole_versions(place) == 1
    until(lambda: not processes_of(place.folder / "jobs"), "its process has ended")
    assert list((place.folder / "models" / ".staged").glob("*")) == []
    assert len(list((place.folder / "models" / ".names").glob("*/*/*"))) == 1


def test_training_and_worker_are_killed_at_random_moments(place):
    moments = random.Random(1)  # noqa: S311
    job = submit("store", {})
    kept: dict[str, int] = {}
    for _ in range(KILLS):
        if find(job.id).state is JobState.SUCCEEDED:
            break
        if not place.alive:
            place.worker()
        until(lambda: find(job.id).state not in (JobState.QUEUED, JobState.INTERRUPTED), "a worker has it")
        time.sleep(moments.uniform(0, WITHIN_S))
        victims = processes_of(job.folder.parent)
        if victims and moments.random() < 0.6:
            victims[0].send_signal(signal.SIGKILL)
        else:
            place.alive[0].kill()
        until(lambda: find(job.id).state not in HELD, "what became of it is known")
        until(lambda: not processes_of(job.folder.parent), "its process has ended")
        assert whole_versions(place) <= 1
        now = finished(job)
        assert {name: now[name] for name in kept} == kept  # what was finished is neither lost nor done again
        kept = now
        if find(job.id).retriable:
            retry(job.id)
    brought_to_its_end(place, job)
    assert {name: when for name, when in finished(job).items() if name in kept} == kept
    left_as_one(place, job)


def test_a_job_is_cancelled_at_random_moments_and_gone_on_with(place):
    moments = random.Random(3)  # noqa: S311
    place.worker()
    job = submit("store", {})
    for _ in range(KILLS):
        time.sleep(moments.uniform(0, WITHIN_S))
        if find(job.id).over:
            break
        cancel(job.id)
        until(lambda: find(job.id).over, "it has ended")
        assert processes_of(job.folder.parent) == []
        assert whole_versions(place) <= 1
        if find(job.id).state is JobState.SUCCEEDED:  # it was done before it heard of it
            break
        assert find(job.id).state is JobState.CANCELLED
        retry(job.id)
    brought_to_its_end(place, job)
    left_as_one(place, job)


def test_a_job_whose_worker_is_gone_is_cancelled_too(any_place):
    for asked_before in (True, False):
        worker = any_place.worker()
        job = submit("steps", {})
        until(lambda job=job: processes_of(job.folder.parent), "it works")
        if asked_before:
            os.kill(worker.pid, signal.SIGSTOP)  # it does not hear that its job is cancelled
            assert cancel(job.id).state is JobState.CANCELLING
        worker.kill()
        if not asked_before:
            until(lambda job=job: find(job.id).state is JobState.INTERRUPTED, "its worker is found to be lost")
            assert cancel(job.id).state is JobState.CANCELLED
        until(lambda job=job: find(job.id).state is JobState.CANCELLED, "it is cancelled")
        worker.wait()
        until(lambda job=job: not processes_of(job.folder.parent), "its process has ended")
    any_place.worker()
    after = submit("store", {})
    until(lambda: find(after.id).state is JobState.SUCCEEDED, "the device is free for the next one")
    assert {job.attempt for job in list_jobs()} == {1}


APP = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("start", "start.py")
start = importlib.util.module_from_spec(spec)
spec.loader.exec_module(start)
start.VENV_PYTHON, start.prepare = sys.executable, lambda *_, **__: None
kept = start.clean_environment
start.clean_environment = lambda **more: {**kept(**more), "PYTHONPATH": "tests/jobs"}
sys.exit(start.main(["--no-browser", "--port", sys.argv[1]]))
"""


def app(port: int) -> subprocess.Popen:
    """Start the application with a worker beside it, as a person does."""
    return subprocess.Popen([sys.executable, "-c", APP, str(port)], cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL)


def test_the_application_is_killed_at_random_moments_and_nothing_of_it_is_left(place):
    moments, port = random.Random(4), free_port()  # noqa: S311
    job = submit("store", {})
    for _ in range(2):
        started = app(port)
        until(list_workers, "the worker beside it is there")
        time.sleep(moments.uniform(0, WITHIN_S))
        children = psutil.Process(started.pid).children(recursive=True)
        assert len(children) >= 2
        started.kill()
        started.wait()
        _, left = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert left == []
        assert processes_of(job.folder.parent) == []
        assert find(job.id).state not in HELD  # its worker has let go of it
        assert whole_versions(place) <= 1
    brought_to_its_end(place, job)
    left_as_one(place, job)
