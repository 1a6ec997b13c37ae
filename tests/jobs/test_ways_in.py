"""The ways to jobs and workers from a command line, and which databases they may lie in."""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.database import DatabaseUnavailable
from leuk_core.errors import InvalidParameter
from leuk_core.jobs import cancel, list_jobs, list_workers, submit
from leuk_core.settings import settings
from tests.jobs.places import until
from train.__main__ import main


def test_jobs_are_listed_cancelled_and_tried_again_by_command(place, capsys):
    job = submit("steps", {"word": "Zürich"})
    assert main(["cancel", job.id]) == 0
    assert main(["retry", job.id]) == 0
    assert main(["cancel", job.id]) == 0
    capsys.readouterr()
    assert main(["jobs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["state"], told["request"], told["attempt"]) == (job.id, "cancelled", job.request, 0)
    assert main(["jobs"]) == 0
    assert capsys.readouterr().out.split() == [job.id, "cancelled"]
    assert main(["cancel", job.id]) == 2
    assert "Received: one that is cancelled" in capsys.readouterr().err


def test_a_person_queues_no_more_than_may_be_and_holds_nobody_up(place, monkeypatch):
    monkeypatch.setattr(settings(), "max_queued_jobs", 2)
    first = submit("steps", {"by": "Ada"})
    submit("steps", {"by": "Ada"})
    with pytest.raises(InvalidParameter, match=r"At most 2 trainings of one person .*LEUK_MAX_QUEUED_JOBS"):
        submit("steps", {"by": "Ada"})
    submit("steps", {"by": "Bob"})
    cancel(first.id)
    submit("steps", {"by": "Ada"})


def test_a_worker_ends_with_the_process_that_started_it(place):
    starts = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    worker = [sys.executable, "-m", "leuk_core.jobs.worker", "--with-parent"]
    parent = subprocess.Popen([sys.executable, "-c", starts, *worker], cwd=PROJECT_ROOT)
    until(list_workers, "the worker is there")
    parent.kill()
    parent.wait()
    until(lambda: not list_workers(), "the worker has left")


def test_a_lost_worker_beside_the_application_is_replaced(place, monkeypatch):
    spec = importlib.util.spec_from_file_location("start", PROJECT_ROOT / "start.py")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    monkeypatch.setattr(start, "VENV_PYTHON", sys.executable)
    monkeypatch.setattr(start, "REPLACED_AFTER_S", 0)
    beside = start.Worker()
    beside.keep()
    first = beside.child
    first.send_signal(signal.SIGKILL)
    first.wait()
    beside.keep()
    assert beside.child is not first
    until(list_workers, "the second worker is there")
    beside.stop()
    assert list_workers() == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://doctor:secret@127.0.0.1:1/cells", "no address: secret",
        "postgresql://127.0.0.1:1/cells?user=doctor&password=secret",
        "postgresql://doctor:pass/secret@127.0.0.1:1/cells", "postgresql://doctor:pass@secret@127.0.0.1:1/cells",
        "postgresql://doctor:secret@127.0.0.1:port/cells", "mysql://doctor@127.0.0.1:1/cells?password=secret",
    ],
)  # fmt: skip
def test_a_database_that_is_not_to_be_had_is_said_without_its_password(place, monkeypatch, url):
    monkeypatch.setenv("LEUK_DATABASE_URL", url)
    settings.cache_clear()
    with pytest.raises((InvalidParameter, DatabaseUnavailable)) as caught:
        list_jobs()
    assert "secret" not in str(caught.value)
    assert "Received: " in str(caught.value)
    assert "secret" not in str(settings().model_dump())


@pytest.mark.parametrize("given", ["steps", "steps=module", "steps=module:work;import os", "=a:b"])
def test_works_are_named_by_module_and_function_alone(monkeypatch, given):
    monkeypatch.setenv("LEUK_JOB_WORKS", given)
    settings.cache_clear()
    with pytest.raises(ValueError, match="kind=module:function"):
        settings()
    settings.cache_clear()
