"""Audits that run beside the application: each in a process of its own, with all that is known of it on disk.

data/audits/<id>/job.json      what was asked, how far it is, how it ended
data/audits/<id>/alive         touched while the process lives
data/audits/<id>/report.json   what was found; pictures stay where they are
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leuk_core import PROJECT_ROOT
from leuk_core.data.audit.run import audit
from leuk_core.data.cells import LabelledCell, LabelledCells, RefusedCells
from leuk_core.data.layouts import open_cells
from leuk_core.errors import InvalidData, LeukError
from leuk_core.private import make_private
from leuk_core.settings import settings
from leuk_core.training.run import write_json

RUNNING, DONE, FAILED, STOPPED, LOST = "running", "done", "failed", "stopped", "lost"
SILENT_S = 30.0
"""A running audit whose process has not been heard of for so long is lost."""

ENDS = "leuk-audit-ends"
"""Name of the thread that waits for the process of an audit."""

_OFTEN_S = 0.3
_ROWS_KEPT = 200


@dataclass(frozen=True)
class AuditJob:
    """One audit, as its folder tells.

    Parameters
    ----------
    id : str
        Name of its folder.
    path : str
        The folder or manifest that is audited.
    started : str
        Date and time, UTC.
    state : {"running", "done", "failed", "stopped", "lost"}
        "lost" where its process ended without a word.
    done, total, what : int, int, str
        How far it is, and with what.
    message : str
        Why it failed.
    rows : tuple of dict
        Reasons why the set was refused: where, cause, received.
    root : str
        Folder to which the names of the report's cells belong.
    """

    id: str
    path: str
    started: str
    state: str = RUNNING
    done: int = 0
    total: int = 0
    what: str = "starting"
    message: str = ""
    rows: tuple[dict[str, str], ...] = field(default=())
    root: str = ""

    @property
    def folder(self) -> Path:
        """Where it keeps what it knows."""
        return audits_dir() / self.id

    @property
    def share(self) -> float:
        """How much of the present step is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def report(self) -> dict[str, Any]:
        """Return what was found, as JSON holds it.

        Raises
        ------
        InvalidData
            If there is no report.
        """
        try:
            found: dict[str, Any] = json.loads((self.folder / "report.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidData(f"The report of this audit can't be read: run it again. Received: {error}") from error
        return found

    def cell(self, name: str) -> LabelledCell:
        """Return a cell of the report, to show its picture from where it lies."""
        return LabelledCell(name, label="", path=Path(self.root) / name)


def audits_dir() -> Path:
    """Return the folder of all audits."""
    return settings().data_dir / "audits"


def allowed(path: str) -> Path:
    """Return a typed path, resolved.

    Raises
    ------
    InvalidData
        If nothing is there, or it lies outside the folders that the pages may open.
    """
    given = path.strip()
    if not given:
        raise InvalidData("Type the path of a folder or a manifest. Received: nothing")
    found = Path(given).expanduser().resolve()
    roots = settings().readable_roots
    if not any(found.is_relative_to(root) for root in roots):
        raise InvalidData(
            f"Only what lies below {' or '.join(map(str, roots))} may be opened (LEUK_DATA_ROOTS names other folders). "
            f"Received: {given}"
        )
    if not found.exists():
        raise InvalidData(f"There is no such folder or manifest on this server. Received: {given}")
    return found


def start(path: str) -> AuditJob:
    """Start an audit in a process of its own; one at a time.

    Raises
    ------
    InvalidData
        If the path may not be opened, or another audit is running.
    """
    return begin(allowed(path))


def begin(found: Path | str) -> AuditJob:
    """Start an audit of what may be opened, as is known already; one at a time.

    Parameters
    ----------
    found : Path or str
        A folder or manifest.

    Raises
    ------
    InvalidData
        If another audit is running.
    """
    found = Path(found)
    if any(job.state == RUNNING for job in jobs()):
        raise InvalidData(f"An audit is running: wait for it or stop it. Received: another one, of {found.name}")
    now = datetime.now(UTC)
    job = AuditJob(now.strftime("%Y%m%d-%H%M%S-%f"), str(found), now.strftime("%Y-%m-%d %H:%M UTC"))
    make_private(settings().data_dir)
    job.folder.mkdir(parents=True)
    _keep(job)
    (job.folder / "alive").touch()
    log = (job.folder / "log.txt").open("wb")
    with log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter and a folder of our own
            [sys.executable, "-m", "leuk_core.data.audit", str(job.folder)],
            cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    threading.Thread(target=process.wait, name=ENDS, daemon=True).start()
    return job


def jobs() -> list[AuditJob]:
    """Return every audit, newest first."""
    found = (read(path.parent) for path in sorted(audits_dir().glob("*/job.json"), reverse=True))
    return [job for job in found if job is not None]


def read(folder: Path) -> AuditJob | None:
    """Return the audit of a folder; None where its file can't be read."""
    try:
        facts = json.loads((folder / "job.json").read_text("utf-8"))
        job = AuditJob(**{**facts, "rows": tuple(facts["rows"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return replace(job, state=LOST) if job.state == RUNNING and _silent(folder) else job


def stop(job: AuditJob) -> None:
    """Ask a running audit to stop; it does at its next step."""
    (job.folder / "stop").touch()


def forget(job: AuditJob) -> None:
    """Delete what is known of an audit that has ended; pictures are not touched."""
    if job.state != RUNNING:
        shutil.rmtree(job.folder, ignore_errors=True)


def work(folder: Path) -> None:
    """Run the audit of a folder; the process of its own does this."""
    job = read(folder)
    if job is None:
        raise InvalidData(f"`folder` must hold an audit that was started. Received: {folder}")
    threading.Thread(target=_beat, args=(folder,), name="leuk-audit-beat", daemon=True).start()
    telling = _Telling(job)
    try:
        cells = open_cells(job.path)
        telling.job = replace(telling.job, root=str(_root(cells)))
        facts = audit(cells, telling).to_dict()
        write_json(folder / "report.json", facts)
        ended = replace(telling.job, state=DONE, what="done")
    except _Stopped:
        ended = replace(telling.job, state=STOPPED)
    except RefusedCells as refused:
        rows = tuple(row.to_dict() for row in refused.rows[:_ROWS_KEPT])
        ended = replace(telling.job, state=FAILED, message=str(refused), rows=rows)
    except LeukError as error:
        ended = replace(telling.job, state=FAILED, message=str(error))
    except Exception:
        _keep(replace(telling.job, state=FAILED, message="Something happened that this program did not expect."))
        raise  # the folder's log.txt gets the traceback
    _keep(ended)


class _Stopped(Exception):
    pass


class _Telling:
    """Writes down how far an audit is, not too often, and notices that it should stop."""

    def __init__(self, job: AuditJob) -> None:
        self.job = job
        self._told = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        if (self.job.folder / "stop").exists():
            raise _Stopped
        now = time.monotonic()
        new = what != self.job.what
        self.job = replace(self.job, done=done, total=total, what=what)
        if new or now - self._told > _OFTEN_S:
            self._told = now
            _keep(self.job)


def _root(cells: LabelledCells) -> Path:
    """Return the folder to which the names of the cells belong."""
    first = cells[0]
    path = first.path
    if path is None:
        return Path()
    for _ in Path(first.name).parts:
        path = path.parent
    return path


def _keep(job: AuditJob) -> None:
    write_json(job.folder / "job.json", asdict(job))


def _silent(folder: Path) -> bool:
    try:
        return time.time() - (folder / "alive").stat().st_mtime > SILENT_S
    except OSError:
        return True


def _beat(folder: Path) -> None:
    while True:
        try:
            (folder / "alive").touch()
        except OSError:  # the folder is gone, and so is the reason to go on
            return
        time.sleep(1.0)
