"""What people do with jobs: submit, look at, cancel, retry.

Every change of a row names the state that it starts from, so that of two who want the same, one gets it.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leuk_core.access import Role, allow
from leuk_core.database import transaction
from leuk_core.errors import InvalidParameter
from leuk_core.jobs.leases import release_lost
from leuk_core.jobs.schema import HELD, JOBS, WAITING, Job, JobState, read, select_jobs
from leuk_core.jobs.works import works
from leuk_core.settings import settings


def submit(kind: str, request: dict[str, Any]) -> Job:
    """Queue a job and make its folder.

    Parameters
    ----------
    kind : str
        Which work: "retrain", or one that LEUK_JOB_WORKS names.
    request : dict
        What is asked, of what JSON can hold.

    Raises
    ------
    InvalidParameter
        If there is no such kind, or the request is no dictionary that JSON can hold, or too many jobs of the same
        person wait or run (`max_queued_jobs` in the settings).
    DatabaseUnavailable
        If it can't be written down.
    """
    by = allow(Role.TRAINER, "start trainings", str(request.get("by", "")) if isinstance(request, dict) else "")
    if kind not in works():
        raise InvalidParameter(f"`kind` must be one of {', '.join(sorted(works()))}. Received: {kind!r}")
    try:
        kept = json.loads(json.dumps(request, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidParameter(f"`request` must be of what JSON can hold. Received: {error}") from error
    if not isinstance(kept, dict):
        raise InvalidParameter(f"`request` must be a dictionary. Received: {type(request).__name__}")
    if "by" in kept:
        kept["by"] = by
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    with transaction() as connection:
        _require_room(connection, by)
        connection.execute(insert(JOBS).values(id=name, kind=kind, request=kept, state=JobState.QUEUED, created=now))
    job = find(name)
    job.folder.mkdir(parents=True, exist_ok=True)
    return job


def _require_room(connection: Connection, by: str) -> None:
    """Refuse one job more than a person may have; one that tells no person counts for everybody."""
    going = connection.execute(select(JOBS.c.request).where(JOBS.c.state.in_((*WAITING, *HELD)))).scalars()
    count, limit = sum(request.get("by", by) == by for request in going), settings().max_queued_jobs
    if count >= limit:
        raise InvalidParameter(
            f"At most {limit:,} trainings of one person wait or run at once (LEUK_MAX_QUEUED_JOBS): cancel one, or "
            f"wait for one to end. Received: {count:,}"
        )


def find(job_id: str) -> Job:
    """Return a job.

    Raises
    ------
    InvalidParameter
        If there is none of this id.
    """
    release_lost()
    with transaction() as connection:
        row = connection.execute(select_jobs().where(JOBS.c.id == job_id)).one_or_none()
    if row is None:
        raise InvalidParameter(f"There is no such job: `python -m train jobs` lists them. Received: {job_id!r}")
    return read(row)


def list_jobs(limit: int = 100) -> list[Job]:
    """Return the newest jobs, newest first."""
    release_lost()
    with transaction() as connection:
        rows = connection.execute(select_jobs().order_by(JOBS.c.created.desc(), JOBS.c.id).limit(limit)).all()
    return [read(row) for row in rows]


def cancel(job_id: str) -> Job:
    """End a job: at once where it waits; where it runs, at its next checkpoint, and by force after a grace.

    Raises
    ------
    InvalidParameter
        If there is none of this id, or it has ended.
    """
    allow(Role.TRAINER, "cancel trainings")
    ended = {"state": JobState.CANCELLED, "message": "", "ended": datetime.now(UTC)}
    row = update(JOBS).where(JOBS.c.id == job_id)
    with transaction() as connection:
        asked = (
            connection.execute(row.where(JOBS.c.state.in_(WAITING)).values(ended)).rowcount
            or connection.execute(row.where(JOBS.c.state.in_(HELD)).values(state=JobState.CANCELLING)).rowcount
        )
    job = find(job_id)
    if not asked:
        raise InvalidParameter(f"Only a job that has not ended can be cancelled. Received: one that is {job.state}")
    return job


def retry(job_id: str) -> Job:
    """Queue a job that was cancelled, failed or was killed again; it goes on from what its folder holds.

    Raises
    ------
    InvalidParameter
        If there is none of this id, or it has not ended, or it succeeded.
    """
    allow(Role.TRAINER, "repeat trainings")
    ended = JOBS.c.state.in_((JobState.CANCELLED, JobState.FAILED, JobState.KILLED))
    anew = {"state": JobState.QUEUED, "message": "", "ended": None, "lost": 0, "worker": "", "device": ""}
    with transaction() as connection:
        done = connection.execute(update(JOBS).where(JOBS.c.id == job_id, ended).values(anew)).rowcount
    job = find(job_id)
    if not done:
        raise InvalidParameter(
            f"Only a job that was cancelled, failed or was killed can be tried again. Received: one that is {job.state}"
        )
    return job
