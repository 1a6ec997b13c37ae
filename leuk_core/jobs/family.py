"""All processes of a job, also those that outlived their parent: each has the job's id in its environment."""

from __future__ import annotations

import contextlib
import os

import psutil

MARK = "LEUK_JOB"
"""Environment variable that a job's processes inherit."""


def family(job_id: str) -> list[psutil.Process]:
    """Return the living processes of a job."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == job_id:
                found.append(process)
    return found


def end_family(job_id: str, patience_s: float = 0.0) -> None:
    """End every process of a job by force, after `patience_s` in which each may end by itself."""
    left = family(job_id)
    if left and patience_s:
        left = psutil.wait_procs(left, timeout=patience_s)[1]
    while left:
        _kill(left)
        psutil.wait_procs(left, timeout=5.0)
        left = [process for process in family(job_id) if process not in left]  # born in the meantime


def end_children() -> None:
    """End everything that this process has started."""
    with contextlib.suppress(psutil.Error):
        _kill(psutil.Process().children(recursive=True))


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
