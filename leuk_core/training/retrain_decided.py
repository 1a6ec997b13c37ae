"""What people decided about a finished retraining: the present version stays, or the new one was promoted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leuk_core.errors import InvalidData
from leuk_core.jobs.run import RESULT
from leuk_core.jobs.schema import Job
from leuk_core.registry.promotion_log import PROMOTE
from leuk_core.registry.promotions import history
from leuk_core.training.run import write_json

KEPT, PROMOTED = "kept", "promoted"
_FILE = "decided.json"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a job.

    Parameters
    ----------
    what : {"kept", "promoted"}
        Whether the present version was kept, or the job's own was promoted.
    at : str
        Date and time, UTC, as ISO 8601.
    by : str
        Name of the person; may be empty where nothing was promoted.
    """

    what: str
    at: str
    by: str = ""


def result_of(job: Job) -> dict[str, Any] | None:
    """Return what a finished retraining came to; None before it has ended, or where that can't be read."""
    return _read(job.folder / RESULT)


def decision_of(job: Job) -> Decision | None:
    """Return the newest decision about a job; None where nobody has decided yet."""
    kept = _read(job.folder / _FILE)
    found = [Decision(KEPT, kept["at"], kept.get("by", ""))] if kept and "at" in kept else []
    ref = (result_of(job) or {}).get("version")
    found += [Decision(PROMOTED, step.at, step.by) for step in history() if step.what == PROMOTE and step.ref == ref]
    return max(found, key=lambda one: one.at, default=None)


def keep(job: Job, by: str = "") -> Decision:
    """Write down that nothing is changed after a job; its version stays a candidate.

    Raises
    ------
    InvalidData
        If it can't be written down.
    """
    decided = Decision(KEPT, datetime.now(UTC).isoformat(timespec="seconds"), " ".join(by.split()))
    try:
        write_json(job.folder / _FILE, {"what": KEPT, "at": decided.at, "by": decided.by})
    except OSError as error:
        raise InvalidData(f"The decision can't be written down. Received: {error}") from error
    return decided


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
