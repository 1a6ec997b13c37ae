"""The audit of an imported set, run once and kept beside it, and what follows: red verdicts, reserved subjects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leuk_core.data.audit.background import DONE, AuditJob, begin, jobs
from leuk_core.data.audit.run import audit
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.cells import LabelledCells, Progress
from leuk_core.data.groups import join_by_report
from leuk_core.data.imports import ImportedSet, find_set, open_set
from leuk_core.data.reserved import Reserved, draw, known_sides, remember
from leuk_core.errors import InvalidData
from leuk_core.full_disk import space_for
from leuk_core.training.run import write_json


def begin_audit(id: str) -> AuditJob:  # noqa: A002 - as in `imports`
    """Start the audit of a set in a process of its own; `audit_of` returns its report once it has ended.

    Raises
    ------
    InvalidData
        If there is no such set, or another audit is running.
    """
    return begin(find_set(id).path)


def audit_of(id: str) -> dict[str, Any] | None:  # noqa: A002
    """Return the report of a set as JSON holds it; None where it was not examined yet.

    Raises
    ------
    InvalidData
        If there is no such set.
    """
    found = find_set(id)
    path = found.folder / "audit.json"
    if path.is_file():
        return _stored(path)
    ended = (job for job in jobs() if job.state == DONE and job.path == found.path and _later(job, found))
    report = next((job.report() for job in ended), None)
    return None if report is None else _keep(found, open_set(id), report)


def audited(id: str, progress: Progress | None = None) -> dict[str, Any]:  # noqa: A002
    """Return the report of a set; the audit is run here where there is none yet.

    Raises
    ------
    InvalidData
        If there is no such set, or its pictures can't be read.
    """
    report = audit_of(id)
    if report is not None:
        return report
    cells = open_set(id)
    return _keep(find_set(id), cells, audit(cells, progress).to_dict())


def reserved_of(id: str) -> Reserved | None:  # noqa: A002
    """Return who of a set is reserved to compare versions on; None where it was not examined yet.

    Raises
    ------
    InvalidData
        If there is no such set.
    """
    if audit_of(id) is None:
        return None
    return Reserved.from_dict(json.loads((find_set(id).folder / "reserved.json").read_text("utf-8")))


def red_verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the sentence of each red verdict by its name; people confirm them by name before anything is learnt."""
    return {name: one["text"] for name, one in report["verdicts"].items() if one["grade"] == Grade.RED.value}


def _keep(found: ImportedSet, cells: LabelledCells, report: dict[str, Any]) -> dict[str, Any]:
    """Keep a report, and who is reserved, beside the set; that is fixed when the set is first examined."""
    path = found.folder / "reserved.json"
    report = {**report, "name": found.name}
    with space_for("what the audit found"):
        if not path.is_file():
            groups = join_by_report(report, cells)
            reserved = draw(cells.subjects, cells.labels, groups, known_sides())
            remember(reserved, cells.subjects)
            write_json(path, reserved.to_dict())
        write_json(found.folder / "audit.json", report)
    return report


def _stored(path: Path) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidData(f"The audit of this set can't be read: import it again. Received: {error}") from error
    return report


def _later(job: AuditJob, found: ImportedSet) -> bool:
    return job.started[:16] >= found.created[:16]
