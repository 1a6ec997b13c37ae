"""Jobs, workers and leases: one row each. What a job says and finds lies in its folder, data/jobs/<id>/."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Integer, Row, Select, String, Table, Text, select

from leuk_core.database import METADATA, Utc
from leuk_core.settings import settings


class JobState(StrEnum):
    """What a job is at."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FAILED = "failed"
    KILLED = "killed"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"


WAITING = (JobState.QUEUED, JobState.INTERRUPTED)
"""States from which a worker takes a job."""

HELD = (JobState.RUNNING, JobState.CANCELLING)
"""States of a job that a worker holds."""

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("request", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("lost", Integer, nullable=False, default=0),
    Column("worker", String(128), nullable=False, default=""),
    Column("device", String(200), nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("created", Utc, nullable=False),
    Column("started", Utc),
    Column("ended", Utc),
)
"""`lost` counts how often in a row the worker of a job was lost."""

WORKERS = Table(
    "workers",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("device", String(200), nullable=False),
    Column("started", Utc, nullable=False),
    Column("seen", Utc, nullable=False),
    Column("doubted", Utc),
)
"""`doubted` is when somebody first found that a worker has been silent for too long; its next beat clears it."""

LEASES = Table(
    "leases",
    METADATA,
    Column("resource", String(200), primary_key=True),
    Column("worker", String(128), nullable=False),
    Column("job", String(64), nullable=False),
)
"""Who has a GPU, or the processor of a machine; a second one can't be written."""


@dataclass(frozen=True)
class Job:
    """One job, as its row tells.

    Parameters
    ----------
    id : str
        Name of its row and of its folder.
    kind : str
        Which work it is: "retrain", or one that LEUK_JOB_WORKS names.
    request : dict
        What was asked, as JSON holds it.
    state : JobState
        What it is at.
    attempt : int
        How often it was started; 0 before the first time.
    worker, device : str
        Who has or had it, and on what.
    message : str
        One sentence that says how it ended, "" while all is well.
    created, started, ended : datetime
        UTC; the last two are None before they are known.
    heartbeat : datetime or None
        When its worker was last heard of; None where that has ended.
    """

    id: str
    kind: str
    request: dict[str, Any]
    state: JobState
    attempt: int
    worker: str
    device: str
    message: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    heartbeat: datetime | None

    @property
    def folder(self) -> Path:
        """Where its progress, curves, log and result lie."""
        return settings().data_dir / "jobs" / self.id

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state not in (*WAITING, *HELD)

    @property
    def retriable(self) -> bool:
        """Whether `retry` would queue it again."""
        return self.over and self.state is not JobState.SUCCEEDED


def select_jobs() -> Select[Any]:
    """Return the query of all jobs, each with the last beat of its worker."""
    return select(JOBS, WORKERS.c.seen).outerjoin(WORKERS, WORKERS.c.name == JOBS.c.worker)


def read(row: Row[Any]) -> Job:
    """Return the job of a row of `select_jobs`."""
    return Job(
        id=row.id, kind=row.kind, request=row.request, state=JobState(row.state), attempt=row.attempt,
        worker=row.worker, device=row.device, message=row.message,
        created=row.created, started=row.started, ended=row.ended, heartbeat=row.seen,
    )  # fmt: skip
