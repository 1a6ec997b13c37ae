"""What tests of jobs share: a place of their own, workers as real processes, and waiting for a fact."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from leuk_core import PROJECT_ROOT, database
from leuk_core.jobs.family import MARK
from leuk_core.jobs.schema import JOBS, LEASES, WORKERS
from leuk_core.settings import settings

WORKS = ("steps", "store", "alone", "deaf", "fill", "starve", "refuse", "stumble", "vanish")
PATIENCE_S = 180.0


def until(fact: Callable[[], object], what: str) -> object:
    """Wait until something holds, and return it; fail where it does not come about."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := fact():
            return found
        time.sleep(0.02)
    pytest.fail(f"This did not come about: {what}")


def processes_of(jobs: Path) -> list[psutil.Process]:
    """Return the living processes of all jobs below a folder."""
    names = {path.name for path in jobs.glob("*")}
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) in names and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


class Place:
    """A data folder with its own database, in which workers can be started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen] = []

    @property
    def alive(self) -> list[subprocess.Popen]:
        """The workers that run."""
        return [worker for worker in self.workers if worker.poll() is None]

    def worker(self, largest_file: int | None = None) -> subprocess.Popen:
        """Start a worker that, with its jobs, may write files of so many bytes."""
        command = [sys.executable, "-m", "leuk_core.jobs.worker"]
        limit = largest_file or resource.RLIM_INFINITY
        started = subprocess.Popen(
            command, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),  # noqa: PLW1509
        )  # fmt: skip
        self.workers.append(started)
        return started

    def end(self) -> None:
        """End the workers; none of their jobs may live on."""
        for worker in self.alive:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(timeout=PATIENCE_S)
        until(lambda: not processes_of(self.folder / "jobs"), "no process of a job lives on")


@contextlib.contextmanager
def open_place(folder: Path, patch: pytest.MonkeyPatch, url: str | None = None) -> Iterator[Place]:
    """Point this process, and those it starts, at a data folder.

    Its database is a SQLite file, or the PostgreSQL at `url`, whose jobs are deleted.
    """
    patch.setenv("LEUK_DATA_DIR", str(folder))
    patch.setenv("LEUK_JOB_WORKS", ",".join(f"{name}=works_for_tests:{name}" for name in WORKS))
    patch.setenv("LEUK_JOB_SILENT_S", "3")
    patch.setenv("LEUK_JOB_GRACE_S", str(PATIENCE_S))
    patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    patch.delenv(MARK, raising=False)
    patch.delenv("LEUK_DATABASE_URL", raising=False)
    if url:
        patch.setenv("LEUK_DATABASE_URL", url)
    settings.cache_clear()
    if url:
        with database.transaction() as connection:
            for table in (JOBS, WORKERS, LEASES):
                connection.execute(table.delete())
    place = Place(folder)
    try:
        yield place
    finally:
        place.end()
        settings.cache_clear()
        database._engine.cache_clear()
