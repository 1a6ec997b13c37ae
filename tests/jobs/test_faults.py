"""What ends a work by itself is said in one plain sentence; tracebacks are in the log alone."""

import os
import subprocess
import sys

import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.errors import InvalidParameter
from leuk_core.jobs import find, list_jobs, read_progress, submit
from leuk_core.jobs.faults import NO_MEMORY, NO_ROOM, UNEXPECTED
from tests.jobs.places import open_place, until

ENDS = {
    "refuse": "This set has one class only. Received: all",
    "fill": NO_ROOM,
    "starve": NO_MEMORY,
    "stumble": UNEXPECTED,
    "vanish": "Its process ended without a word (exit code 3): the log may say why.",
}


def test_each_fault_has_its_sentence_and_the_log_has_the_rest(place):
    place.worker(largest_file=2_000_000)
    jobs = {kind: submit(kind, {"zero": 0}) for kind in ENDS}
    until(lambda: all(job.over for job in list_jobs()), "all have ended")
    ended = {kind: find(job.id) for kind, job in jobs.items()}
    assert {kind: job.message for kind, job in ended.items()} == ENDS
    assert {job.state for job in ended.values()} == {"failed"}
    log = read_progress(ended["stumble"]).log
    assert "before it happened" in log
    assert "ZeroDivisionError" in log
    assert "Traceback" not in read_progress(ended["refuse"]).log


@pytest.fixture
def small_disk(tmp_path):
    """Yield a folder on a file system of 3 MB; skip where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full_to_the_last_byte_still_gets_its_sentence(small_disk, monkeypatch):
    with open_place(small_disk / "data", monkeypatch) as place:
        place.worker()
        job = submit("fill", {})
        until(lambda: find(job.id).over, "it has ended")
        assert find(job.id).message == NO_ROOM
        assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize < 600_000


CLAIMS = """
import sys
from leuk_core.jobs import leases, list_jobs
from leuk_core.jobs.device import Device
name = sys.argv[1]
list_jobs()
print("ready", flush=True)
sys.stdin.readline()
while taken := leases.claim(name, (Device(name, name, "gpu", 1),)):
    print(taken[0].id)
    leases.finish(taken[0], "succeeded", "")
"""


def test_of_those_who_race_for_a_job_one_gets_it(any_place):
    names = [submit("steps", {}).id for _ in range(12)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, f"racer-{number}"], cwd=PROJECT_ROOT, **pipes)
        for number in range(3)
    ]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 3
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    got = [name for racer in racers for name in racer.communicate()[0].split()]
    assert sorted(got) == sorted(names)
    assert {job.attempt for job in list_jobs()} == {1}


@pytest.mark.parametrize(
    ("kind", "request_", "words"),
    [
        ("os:system", {}, "`kind` must be one of .*Received: 'os:system'"),
        ("steps", {"at": object()}, "JSON"),
        ("steps", {"rate": float("nan")}, "JSON"),
        ("steps", [1], "dictionary"),
    ],
)
def test_a_request_names_no_code_and_is_json(place, kind, request_, words):
    with pytest.raises(InvalidParameter, match=words):
        submit(kind, request_)
    assert list_jobs() == []
