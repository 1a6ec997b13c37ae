"""The workers' side of the table: who lives, who has which device, who has which job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from leuk_core.database import transaction
from leuk_core.jobs.device import Device
from leuk_core.jobs.schema import HELD, JOBS, LEASES, WAITING, WORKERS, Job, JobState, read, select_jobs
from leuk_core.settings import settings

MOST_LOST = 3
"""A job whose worker was lost so often in a row is not gone on with by itself."""

STOPPED = "Its worker was stopped: the next one goes on from what is finished."
LOST = "Its worker was lost: the next one goes on from what is finished."
LOST_OFTEN = (
    f"Its worker was lost {MOST_LOST} times in a row while it ran, perhaps for want of memory: look at the log."
)


@dataclass(frozen=True)
class WorkerFacts:
    """A worker that is there.

    Parameters
    ----------
    name, device : str
        Its machine and process; on what it works.
    started, seen : datetime
        UTC: since when it is there, and when it was last heard of.
    job : str
        Id of the job that it has, "" for none.
    """

    name: str
    device: str
    started: datetime
    seen: datetime
    job: str


def list_workers() -> list[WorkerFacts]:
    """Return the workers that are there, the oldest first."""
    release_lost()
    query = select(WORKERS, LEASES.c.job).outerjoin(LEASES, LEASES.c.worker == WORKERS.c.name)
    with transaction() as connection:
        rows = connection.execute(query.where(WORKERS.c.seen > _long_ago()).order_by(WORKERS.c.started)).all()
    return [WorkerFacts(row.name, row.device, row.started, row.seen, row.job or "") for row in rows]


def beat(worker: str, device: str) -> bool:
    """Say that a worker is there; return whether it was still known (its jobs and leases are gone otherwise)."""
    now = datetime.now(UTC)
    with transaction() as connection:
        known = update(WORKERS).where(WORKERS.c.name == worker).values(seen=now, doubted=None)
        if connection.execute(known).rowcount:
            return True
        connection.execute(insert(WORKERS).values(name=worker, device=device, started=now, seen=now))
    return False


def leave(worker: str) -> None:
    """Take a worker that ends off the table; a job that it still has is interrupted."""
    with transaction() as connection:
        connection.execute(delete(WORKERS).where(WORKERS.c.name == worker))
        _release(connection, worker, lost=0, words=STOPPED)


def release_lost() -> None:
    """Give free what silent workers had: their jobs wait for the next worker, or end where cancel was asked.

    A worker is lost where it has been silent for `job_silent_s`, and half of that again after somebody has found so: a
    machine that wakes from sleep gets the time to say that it is there.
    """
    query = select(WORKERS.c.name, WORKERS.c.seen, WORKERS.c.doubted).where(WORKERS.c.seen < _long_ago())
    with transaction() as connection:
        silent = connection.execute(query).all()
    now = datetime.now(UTC)
    for name, seen, doubted in silent:
        same = (WORKERS.c.name == name, WORKERS.c.seen == seen)
        with transaction() as connection:
            if doubted is None:
                connection.execute(update(WORKERS).where(*same, WORKERS.c.doubted.is_(None)).values(doubted=now))
                continue
            if now - doubted < timedelta(seconds=settings().job_silent_s / 2):
                continue
            if connection.execute(delete(WORKERS).where(*same, WORKERS.c.doubted == doubted)).rowcount:
                _release(connection, name, lost=1, words=LOST)


def claim(worker: str, devices: tuple[Device, ...]) -> tuple[Job, Device] | None:
    """Take the job that has waited longest, and a free device with it; None where there is not both."""
    with transaction() as connection:
        waiting = list(
            connection.scalars(
                select(JOBS.c.id).where(JOBS.c.state.in_(WAITING)).order_by(JOBS.c.created, JOBS.c.id).limit(20)
            )
        )
        taken = set(connection.scalars(select(LEASES.c.resource)))
    for device in devices:
        if device.id in taken:
            continue
        for name in waiting:
            if (job := _take(worker, device, name)) is not None:
                return job, device
    return None


def finish(job: Job, state: JobState, message: str) -> None:
    """Write down how an attempt ended, if the job is still its worker's, and give its device free.

    What was cancelled in the last moment is cancelled, unless it succeeded.
    """
    held = update(JOBS).where(*_same_attempt(job))
    now = datetime.now(UTC)
    with transaction() as connection:
        if state is not JobState.SUCCEEDED:
            asked = held.where(JOBS.c.state == JobState.CANCELLING)
            words = message if state is JobState.CANCELLED else ""
            connection.execute(asked.values(state=JobState.CANCELLED, message=words, ended=now))
        ended = None if state is JobState.INTERRUPTED else now
        connection.execute(held.where(JOBS.c.state.in_(HELD)).values(state=state, message=message, ended=ended))
        connection.execute(delete(LEASES).where(LEASES.c.worker == job.worker, LEASES.c.job == job.id))


def state_of(job: Job) -> JobState | None:
    """Return the state of a job that its worker has; None where it is no longer its worker's."""
    with transaction() as connection:
        found = connection.scalar(select(JOBS.c.state).where(*_same_attempt(job), JOBS.c.state.in_(HELD)))
    return None if found is None else JobState(found)


def _same_attempt(job: Job) -> tuple[ColumnElement[bool], ...]:
    return JOBS.c.id == job.id, JOBS.c.worker == job.worker, JOBS.c.attempt == job.attempt


def _take(worker: str, device: Device, job_id: str) -> Job | None:
    anew = {
        "state": JobState.RUNNING, "attempt": JOBS.c.attempt + 1, "worker": worker, "device": device.words,
        "message": "", "started": datetime.now(UTC), "ended": None,
    }  # fmt: skip
    try:
        with transaction() as connection:
            connection.execute(insert(LEASES).values(resource=device.id, worker=worker, job=job_id))
            waits = update(JOBS).where(JOBS.c.id == job_id, JOBS.c.state.in_(WAITING))
            if not connection.execute(waits.values(anew)).rowcount:
                connection.execute(delete(LEASES).where(LEASES.c.resource == device.id))
                return None
            row = connection.execute(select_jobs().where(JOBS.c.id == job_id)).one()
    except IntegrityError:  # another worker has the device
        return None
    return read(row)


def _release(connection: Connection, worker: str, lost: int, words: str) -> None:
    """Let go of what a worker had."""
    now = datetime.now(UTC)
    connection.execute(delete(LEASES).where(LEASES.c.worker == worker))
    had = JOBS.c.worker == worker
    asked = update(JOBS).where(had, JOBS.c.state == JobState.CANCELLING)
    connection.execute(asked.values(state=JobState.CANCELLED, ended=now, message=""))
    running = update(JOBS).where(had, JOBS.c.state == JobState.RUNNING)
    if lost:
        too_often = running.where(JOBS.c.lost >= MOST_LOST - 1)
        connection.execute(too_often.values(state=JobState.FAILED, ended=now, message=LOST_OFTEN))
    connection.execute(running.values(state=JobState.INTERRUPTED, lost=JOBS.c.lost + lost, message=words))


def _long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=settings().job_silent_s)
