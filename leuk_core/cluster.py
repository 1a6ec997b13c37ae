"""Work on the processes of a Dask cluster that see the same folders; the package `distributed` is optional."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import joblib

from leuk_core.errors import InvalidData
from leuk_core.jobs.progress import Cancelled, Tell, heard
from leuk_core.settings import settings

GPU = "GPU"
"""What a worker announces that has one: `dask worker ADDRESS --resources GPU=1`."""

EVERY_S, LOST_S = 1.0, 20.0
"""How often whoever handed parts out says that it lives, and after how long a silence parts end by themselves."""

_ALIVE = "alive"

Part = Callable[["FarTell"], None]
"""Does a part; it must be safe to do again, and travels to the worker by pickle."""


class Tells(Protocol):
    """What a job speaks through, see `leuk_core.jobs.progress.Tell`."""

    def progress(self, done: int, total: int, words: str) -> None:
        """Say how far it is; may end the work."""

    def curve(self, fold: int, epoch: int, values: dict[str, float]) -> None:
        """Say what an epoch came to."""

    def log(self, text: str) -> None:
        """Add a line to the log."""


class FarTell(Tell):
    """What a part speaks through: its own folder, in which whoever handed it out reads.

    It ends the part where that one has ended, has said so, or was not heard of for `LOST_S`.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self._alive, self._looked, self._last, self._since = folder.parent / _ALIVE, 0.0, "", time.monotonic()

    def checkpoint(self) -> None:
        """Let the part end here where nobody waits for it any more.

        Raises
        ------
        Cancelled
            If so.
        """
        now = time.monotonic()
        if now - self._looked >= EVERY_S:
            self._looked = now
            try:
                found = self._alive.read_text("utf-8")
            except OSError:
                self.stop()
            else:
                if found != self._last:
                    self._last, self._since = found, now
                elif now - self._since > LOST_S:
                    self.stop()
        super().checkpoint()


@contextmanager
def dask_client(scheduler: str) -> Iterator[Any]:
    """Give a client of a Dask cluster.

    Raises
    ------
    InvalidData
        If the cluster can't be reached, or Dask isn't installed.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - optional

        client = Client(scheduler, timeout="5s", set_as_default=False)
    except ImportError as error:
        raise InvalidData("A Dask scheduler needs the package `distributed`, which isn't installed.") from error
    except (OSError, ValueError) as error:
        raise InvalidData(f"The Dask scheduler can't be reached. Received: {scheduler}") from error
    with client:
        yield client


@contextmanager
def fits_on_cluster() -> Iterator[None]:
    """Let scikit-learn's parallel fits run on the cluster that the settings name; without one, here as ever."""
    scheduler = settings().dask_scheduler
    if scheduler is None:
        yield
        return
    with dask_client(scheduler) as client, joblib.parallel_config(backend="dask", client=client):
        yield


def spread(scheduler: str, parts: Sequence[Part], folder: Path, tell: Tells, words: str, *, gpu: bool = False) -> None:
    """Do parts side by side on the workers of a cluster, and wait for all.

    Parameters
    ----------
    scheduler : str
        Address, such as tcp://10.0.0.5:8786.
    parts : sequence of callable
        Each is called with a `FarTell`. One whose worker dies is done again by another worker.
    folder : Path
        The job's, which all workers see.
    tell : Tells
        Hears how many are done, and the curves of all.
    words : str
        What is counted.
    gpu : bool
        Whether workers that announce a GPU do it, one part each; where none announces one, any worker does.

    Raises
    ------
    InvalidData
        If the cluster can't be reached, or the workers of a part died again and again.
    Cancelled
        If the job was asked to stop; the parts then end at their next checkpoint.
    """
    place = _fresh(folder, tell)
    alive = place / _ALIVE
    with dask_client(scheduler) as client:
        resources = _resources(client, tell) if gpu else None
        _say(alive, 0)
        futures = [
            client.submit(_do, part, place / str(number), pure=False, resources=resources)
            for number, part in enumerate(parts)
        ]
        try:
            said = 0
            while not all(future.done() for future in futures):
                time.sleep(EVERY_S)
                said += 1
                _say(alive, said)
                _hear(place, len(parts), tell)
                tell.progress(sum(future.done() for future in futures), len(futures), words)
            for future in futures:
                _ended(future)
        finally:
            alive.unlink(missing_ok=True)
            client.cancel(futures)
    _hear(place, len(parts), tell)


def _do(part: Part, folder: Path) -> None:
    with FarTell(folder) as tell:
        part(tell)


def _fresh(folder: Path, tell: Tells) -> Path:
    """Return an empty folder for the parts of this try, once those of an earlier one that was killed have ended."""
    place = folder / "parts"
    if any(place.glob(f"*/{_ALIVE}")):
        began = time.monotonic()
        while (waited := time.monotonic() - began) < LOST_S + EVERY_S:
            tell.progress(round(waited), round(LOST_S + EVERY_S), "seconds until parts of an earlier try have ended")
            time.sleep(EVERY_S)
    shutil.rmtree(place, ignore_errors=True)
    fresh = place / secrets.token_hex(4)
    fresh.mkdir(parents=True)
    return fresh


def _resources(client: Any, tell: Tells) -> dict[str, int] | None:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    if any(worker.get("resources", {}).get(GPU, 0) >= 1 for worker in workers):
        return {GPU: 1}
    tell.log("No worker of the cluster announces GPU=1: any of them does the work, on its processor.")
    return None


def _say(alive: Path, number: int) -> None:
    alive.write_text(str(number), "utf-8")


def _hear(place: Path, count: int, tell: Tells) -> None:
    """Pass on the curves that parts have told."""
    for number in range(count):
        for fold, epochs in heard(place / str(number)).items():
            for epoch, values in epochs.items():
                tell.curve(fold, epoch, {name: value for name, value in values.items() if value is not None})


def _ended(future: Any) -> None:
    """Raise what a part has ended with, if anything."""
    from distributed import KilledWorker  # noqa: PLC0415 - optional

    if future.status in ("cancelled", "lost"):
        raise InvalidData("The Dask scheduler was lost in the middle: once it is there again, go on with this job.")
    try:
        future.result()
    except KilledWorker as error:
        raise InvalidData(
            "The workers of the cluster that did this part died one after another: their logs say why. "
            f"Received: {error.last_worker}"
        ) from error
    except (RuntimeError, ImportError) as error:
        if isinstance(error, ImportError) or "deserialization" in str(error):
            raise InvalidData(
                "The cluster can't read what it is handed: start its scheduler and its workers in this project's "
                "folder, by `.venv/bin/python -m dask scheduler` and `... -m dask worker`."
            ) from error
        raise
    except Cancelled as error:
        raise InvalidData("A worker of the cluster did not hear of this job for too long and left its part.") from error
