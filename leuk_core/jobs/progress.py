"""What a job says while it works: steps, progress, curves and a log, as files of its folder.

progress.json   step, done, total, seconds left
curves.json     values by fold and epoch
log.txt         what the work said, and what its libraries printed
"""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from leuk_core.jobs.table import Job
from leuk_core.training.run import write_json

OFTEN_S = 0.34
"""Files are written no more often than this."""

_MEASURED_S = 2.0
_TAIL_BYTES = 64_000
_NOTHING = {"step": "", "words": "", "done": 0, "total": 0, "seconds_left": None}


class Cancelled(Exception):
    """The job was asked to stop; raised by `Tell.progress` and `Tell.checkpoint`, and not to be caught by a work."""


class Tell:
    """A work speaks through this, as often as it likes.

    A thread writes what has changed, at most three times a second; only an epoch's values are written at once. What
    can't be written (a full disk) is passed over: the work itself will meet the fault where it matters.

    Parameters
    ----------
    folder : Path
        The job's folder. Curves of an earlier attempt are gone on with.

    Examples
    --------
    >>> import tempfile
    >>> with Tell(Path(tempfile.mkdtemp())) as tell:
    ...     tell.step("fold 1 of 5")
    ...     tell.progress(3, 20, "epochs")
    ...     tell.curve(0, 3, {"loss": 0.4})
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._last_curve = -OFTEN_S
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._facts: dict[str, Any] = dict(_NOTHING)
        self._curves: dict[str, dict[str, dict[str, float | None]]] = _read(folder / "curves.json")
        self._changed: set[str] = {"progress"}  # what an earlier attempt said is no longer so
        self._began = (time.monotonic(), 0)
        self._writer = threading.Thread(target=self._write_often, name="leuk-job-tells", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def step(self, words: str) -> None:
        """Say what is done now, for example "fold 2 of 5", here and in the log; what was counted before ends."""
        with self._lock:
            self._facts.update(_NOTHING, step=words)
            self._changed.add("progress")
        self.log(words)

    def progress(self, done: int, total: int, words: str) -> None:
        """Say that `done` of `total` are done; other `words` begin another count.

        Raises
        ------
        Cancelled
            If the job was asked to stop.
        """
        self.checkpoint()
        now = time.monotonic()
        with self._lock:
            if words != self._facts["words"] or done < self._began[1]:
                self._began = (now, done)
            seconds = _seconds_left(now - self._began[0], done - self._began[1], total - done)
            self._facts.update(words=words, done=done, total=total, seconds_left=seconds)
            self._changed.add("progress")

    def curve(self, fold: int, epoch: int, values: dict[str, float]) -> None:
        """Say what an epoch of a fold came to; said again, it replaces what was said before."""
        kept = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        with self._lock:
            self._curves.setdefault(str(fold), {})[str(epoch)] = kept
            self._changed.add("curves")
        now = time.monotonic()
        if now - self._last_curve > OFTEN_S:  # as epochs are: what one came to is not lost in a kill
            self._last_curve = now
            self._write()

    def log(self, text: str) -> None:
        """Add a line, with date and time, to log.txt."""
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n"
        try:
            with (self.folder / "log.txt").open("a", encoding="utf-8") as log:
                log.write(line)
        except OSError:
            return

    def checkpoint(self) -> None:
        """Give the job the chance to end here: what is unfinished must be safe to do again.

        Raises
        ------
        Cancelled
            If the job was asked to stop.
        """
        if self._stop.is_set():
            raise Cancelled

    def stop(self) -> None:
        """Ask the work to stop at its next checkpoint."""
        self._stop.set()

    def close(self) -> None:
        """Write what is left to write."""
        self._closed.set()
        self._writer.join()
        self._write()

    def _write_often(self) -> None:
        while not self._closed.wait(OFTEN_S):
            self._write()

    def _write(self) -> None:
        with self._writing:
            self._write_changed()

    def _write_changed(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, set()
            facts = {"progress": {**self._facts, "written": time.time()}}
            if "curves" in changed:
                facts["curves"] = {fold: dict(epochs) for fold, epochs in self._curves.items()}
        for name in changed:
            try:
                write_json(self.folder / f"{name}.json", facts[name])
            except OSError:
                for unfinished in self.folder.glob(f".{name}.json.*.part"):
                    unfinished.unlink(missing_ok=True)


@dataclass(frozen=True)
class JobProgress:
    """How far a job is, as its files tell.

    Parameters
    ----------
    step : str
        What is done now; "" before the first word.
    words, done, total : str, int, int
        What is counted, and how far the count is; total 0 where nothing is counted.
    seconds_left : float or None
        Until the count is full, from the rate so far; None while it can't be known.
    curves : dict of int to list of dict
        By fold, its epochs in order: {"epoch": 3, "loss": 0.4, ...}; a value that is not finite is None.
    log : str
        The last lines of log.txt.
    """

    step: str
    words: str
    done: int
    total: int
    seconds_left: float | None
    curves: dict[int, list[dict[str, float | None]]]
    log: str

    @property
    def share(self) -> float:
        """How much of the present count is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def read_progress(job: Job, lines: int = 40) -> JobProgress:
    """Return how far a job is; nothing where nothing was said yet.

    Parameters
    ----------
    job : Job
        A job, whatever its state.
    lines : int
        How much of the log's end to return.
    """
    folder = job.folder
    facts = {**_NOTHING, **_read(folder / "progress.json")}
    left = facts["seconds_left"]
    if left is not None:
        left = max(0.0, left - max(0.0, time.time() - facts["written"]))
    curves = {
        fold: [{"epoch": epoch, **epochs[epoch]} for epoch in sorted(epochs)]
        for fold, epochs in sorted(heard(folder).items())
    }
    return JobProgress(
        facts["step"], facts["words"], facts["done"], facts["total"], left, curves, log_tail(folder, lines)
    )


def heard(folder: Path) -> dict[int, dict[int, dict[str, float | None]]]:
    """Return what `Tell.curve` has left in a folder, by fold and epoch; nothing where there is nothing."""
    found = _read(folder / "curves.json")
    return {int(fold): {int(epoch): values for epoch, values in epochs.items()} for fold, epochs in found.items()}


def log_tail(folder: Path, lines: int) -> str:
    """Return the last lines of a job's log; "" where there is none."""
    if lines < 1:
        return ""
    try:
        with (folder / "log.txt").open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - _TAIL_BYTES))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _seconds_left(seconds: float, done: int, left: int) -> float | None:
    if seconds < _MEASURED_S or done <= 0:
        return None
    return max(0.0, left * seconds / done)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
