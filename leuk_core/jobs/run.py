"""`python -m leuk_core.jobs.run ID`: the process in which a job works; a worker starts it.

Standard input: a line asks the work to stop; its end means that the worker is gone, and ends this process.
Standard output: one line of JSON, how the work ended. Everything else that is printed goes to the job's log.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, TextIO

from leuk_core.errors import LeukError
from leuk_core.jobs.family import end_children
from leuk_core.jobs.faults import sentence
from leuk_core.jobs.progress import Cancelled, Tell
from leuk_core.jobs.schema import Job
from leuk_core.jobs.table import find
from leuk_core.jobs.works import work_of
from leuk_core.training.run import write_json

RESULT = "result.json"
_LEAVE_WITHIN_S = 20.0


@dataclass(frozen=True)
class LastWords:
    """How a work ended.

    Parameters
    ----------
    end : {"succeeded", "failed", "stopped"}
        "stopped" where it was asked to.
    message : str
        One sentence where it failed.
    """

    end: Literal["succeeded", "failed", "stopped"]
    message: str = ""


def main(job_id: str) -> None:
    """Do the work of a job and say how it ended."""
    words = _take_stdout()
    job = find(job_id)
    with Tell(job.folder) as tell:
        threading.Thread(target=_listen, args=(tell.stop,), name="leuk-job-listens", daemon=True).start()
        signal.signal(signal.SIGTERM, lambda *_: tell.stop())
        said = work(job, tell)
    with words:
        words.write(json.dumps(asdict(said)) + "\n")
    end = threading.Timer(_LEAVE_WITHIN_S, os._exit, (0,))  # whatever a library still waits for
    end.daemon = True
    end.start()


def work(job: Job, tell: Tell) -> LastWords:
    """Do the work of a job, unless an earlier attempt has finished it; return how it ended."""
    result = job.folder / RESULT
    if result.is_file():
        return LastWords("succeeded")
    try:
        found = work_of(job.kind)(job.request, job.folder, tell)
        write_json(result, found)
    except Cancelled:
        return LastWords("stopped")
    except BaseException as error:  # noqa: BLE001 - each end is told; the traceback goes to the log
        if not isinstance(error, LeukError):
            with contextlib.suppress(OSError):  # no room for the log either
                traceback.print_exc()
        return LastWords("failed", sentence(error))
    return LastWords("succeeded")


def _take_stdout() -> TextIO:
    """Return standard output for the last words alone; what is printed from now on goes to standard error, the log."""
    sys.stdout.flush()
    words = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return words


def _listen(stop: Callable[[], None]) -> None:
    """Hear the worker; without one, end at once with all that was started."""
    while os.read(0, 64):
        stop()
    end_children()
    os._exit(1)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # the pages go first
    main(sys.argv[1])
