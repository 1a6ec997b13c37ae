"""One attempt at a job: its process from start to end, seen from the worker."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from enum import IntEnum
from typing import Protocol

from leuk_core import PROJECT_ROOT
from leuk_core.database import DatabaseUnavailable
from leuk_core.jobs import leases
from leuk_core.jobs.device import Device
from leuk_core.jobs.family import MARK, end_family
from leuk_core.jobs.faults import exit_sentence, sentence
from leuk_core.jobs.run import LastWords
from leuk_core.jobs.schema import Job, JobState
from leuk_core.settings import settings

TICK_S = 0.2
ENDING_GRACE_S = 7.0
"""A worker that is told to end gives its job so long to stop by itself."""

FORCED = "It did not stop by itself and was ended by force."

_RESERVE = ".reserve"
_RESERVE_BYTES = 512 * 1024
_SWEEP_S = 2.0
_GIVE_UP_S = 5.0


class Holder(Protocol):
    """The worker, as an attempt sees it."""

    @property
    def ending(self) -> bool:
        """Whether it was told to end."""

    def beat(self) -> bool:
        """Say that the worker is there, not too often; return whether it did."""

    def complain(self, error: Exception) -> None:
        """Say once what is wrong."""


class Reason(IntEnum):
    """Why a job's process should end; of several, the highest counts."""

    WORKER_ENDS = 1
    CANCELLED = 2
    LOST = 3


class Attempt:
    """One attempt at a job.

    Parameters
    ----------
    job : Job
        As it was claimed.
    device : Device
        What was leased for it.
    worker : Holder
        Who claimed it.
    """

    def __init__(self, job: Job, device: Device, worker: Holder) -> None:
        self.job = job
        self.device = device
        self.worker = worker
        self._reasons: set[Reason] = set()
        self._forced = False
        self._force_at = float("inf")

    def run(self) -> None:
        """Start the process, watch it to its end, and write down how it ended."""
        end_family(self.job.id)  # what a lost worker may have left
        try:
            process = self._start()
        except OSError as error:
            self._finish(JobState.FAILED, sentence(error))
            return
        with process:
            self._watch(process)
            end_family(self.job.id, _SWEEP_S)
            words = _last_words(process)
        self._finish(*self._verdict(words, process.returncode))

    def _start(self) -> subprocess.Popen[bytes]:
        folder = self.job.folder
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            (folder / _RESERVE).write_bytes(bytes(_RESERVE_BYTES))
        with (folder / "log.txt").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - this interpreter and an id of our own
                [sys.executable, "-m", "leuk_core.jobs.run", self.job.id],
                cwd=PROJECT_ROOT, env={**os.environ, **self.device.environment, MARK: self.job.id},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, start_new_session=True,
            )  # fmt: skip

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            time.sleep(TICK_S)
            try:
                self._look(process)
            except DatabaseUnavailable as error:
                self.worker.complain(error)
            if time.monotonic() > self._force_at:
                self._forced = True
                process.kill()
                end_family(self.job.id)

    def _look(self, process: subprocess.Popen[bytes]) -> None:
        """See whether the process should end, and ask it to."""
        if self.worker.ending:
            self._ask(process, Reason.WORKER_ENDS, ENDING_GRACE_S)
        if not self.worker.beat():
            return
        state = leases.state_of(self.job)
        if state is None:
            self._ask(process, Reason.LOST, 0.0)
        elif state is JobState.CANCELLING:
            self._ask(process, Reason.CANCELLED, settings().job_grace_s)

    def _ask(self, process: subprocess.Popen[bytes], reason: Reason, grace_s: float) -> None:
        if reason in self._reasons:
            return
        self._reasons.add(reason)
        self._force_at = min(self._force_at, time.monotonic() + grace_s)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(b"stop\n")

    def _verdict(self, words: LastWords | None, code: int) -> tuple[JobState, str]:
        """Return how the attempt ended, and the sentence about it."""
        if words is not None and words.end == "succeeded":
            return JobState.SUCCEEDED, ""
        reason = max(self._reasons, default=None)
        if reason is Reason.CANCELLED:
            return JobState.CANCELLED, FORCED if self._forced else ""
        if words is not None and words.end == "failed":
            return JobState.FAILED, words.message
        if reason is not None:
            return JobState.INTERRUPTED, leases.STOPPED
        if words is not None:
            return JobState.KILLED, exit_sentence(-15)
        return (JobState.KILLED if code < 0 else JobState.FAILED), exit_sentence(code)

    def _finish(self, state: JobState, message: str) -> None:
        """Write the end down, as soon as the database can."""
        (self.job.folder / _RESERVE).unlink(missing_ok=True)
        began = time.monotonic()
        while True:
            try:
                leases.finish(self.job, state, message)
            except DatabaseUnavailable as error:
                self.worker.complain(error)
                if self.worker.ending and time.monotonic() - began > _GIVE_UP_S:
                    return
                time.sleep(TICK_S)
            else:
                return


def _last_words(process: subprocess.Popen[bytes]) -> LastWords | None:
    line = process.stdout.readline() if process.stdout else b""
    try:
        return LastWords(**json.loads(line))
    except (ValueError, TypeError):
        return None
