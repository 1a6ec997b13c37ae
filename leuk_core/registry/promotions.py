"""Promotions: which version of a model answers where none is named, decided by people, with a reason, on record."""

from __future__ import annotations

from datetime import UTC, datetime

from leuk_core.access import Role, allow
from leuk_core.errors import InvalidData, InvalidParameter, ModelUnavailable
from leuk_core.registry.promotion_log import PROMOTE, ROLLBACK, Promotion, add, promoted, standing, steps
from leuk_core.registry.versions import current_version, find_version, installed_versions

LONGEST_NAME, LONGEST_REASON = 100, 1000


def promote(ref: str, by: str, reason: str) -> Promotion:
    """Let a version answer for its model from now on.

    Parameters
    ----------
    ref : str
        `<task>/<model>@<version>`, with its version.
    by, reason : str
        Name of the person who decides, and why.

    Raises
    ------
    InvalidParameter
        If the name or the reason is missing or too long.
    InvalidData
        If the version answers already, or the step can't be written down.
    ModelUnavailable
        If there is no such version, or its files are missing or were changed.
    """
    by = allow(Role.ADMIN, "promote versions", by)
    name, why = _said("by", by, LONGEST_NAME), _said("reason", reason, LONGEST_REASON)
    if "@" not in ref:
        raise ModelUnavailable(f"A promotion names the version, <task>/<model>@<version>. Received: {ref!r}")
    version = find_version(ref)
    if wrong := version.check():
        raise ModelUnavailable(f"The version can't be promoted: {' '.join(wrong)} Received: {ref!r}")
    before = _answering(version.task, version.model)
    if before == version.version:
        raise InvalidData(f"This version answers already: nothing was changed. Received: {version.ref}")
    return _kept(PROMOTE, version.task, version.model, version.version, before, name, why)


def rollback(task: str, model: str, by: str, reason: str) -> Promotion:
    """Take the last promotion of a model back: the version that answered before answers again.

    Parameters
    ----------
    task, model : str
        Whose last promotion is taken back.
    by, reason : str
        Name of the person who decides, and why.

    Raises
    ------
    InvalidParameter
        If the name or the reason is missing or too long.
    InvalidData
        If no promotion of this model is left to take back, or the step can't be written down.
    """
    by = allow(Role.ADMIN, "roll versions back", by)
    name, why = _said("by", by, LONGEST_NAME), _said("reason", reason, LONGEST_REASON)
    goes_to = rolls_back_to(task, model)
    if goes_to is None:
        raise InvalidData(f"No promotion of this model is left to take back. Received: {task}/{model}")
    return _kept(ROLLBACK, task, model, goes_to, _answering(task, model), name, why)


def history(task: str | None = None, model: str | None = None) -> list[Promotion]:
    """Return every step, oldest first; those of one task or model where it is named."""
    return [step for step in steps() if task in (None, step.task) and model in (None, step.model)]


def rolls_back_to(task: str, model: str) -> str | None:
    """Return the version that would answer after a rollback, "" where none would; None: there is nothing to take back.

    It is the version promoted before, of those still installed, or the newest shipped one.
    """
    stand = standing(task, model)
    if not stand:
        return None
    of_model = [entry for entry in installed_versions() if (entry.task, entry.model) == (task, model)]
    names = {entry.version for entry in of_model}
    earlier = next((version for version in reversed(stand[:-1]) if version in names), None)
    return earlier or next((entry.version for entry in of_model if not entry.own), "")


def _answering(task: str, model: str) -> str:
    found = current_version(task, model)
    return found.version if found is not None else ""


def _kept(what: str, task: str, model: str, version: str, before: str, by: str, reason: str) -> Promotion:
    from leuk_core.cases import trail  # noqa: PLC0415 - a database is needed where somebody decides, not to read
    from leuk_core.cases.people import person_of  # noqa: PLC0415
    from leuk_core.cases.schema import transaction  # noqa: PLC0415

    at = datetime.now(UTC).isoformat(timespec="seconds")
    step = Promotion(at, what, task, model, version, before, by, reason)
    with transaction() as connection:  # in the trail and in the record, or in neither
        trail.record(
            connection, what, person_of(connection, by), model=f"{task}/{model}", version=version, before=before
        )
        add(step)
    return step


def _said(name: str, given: str, longest: int) -> str:
    words = " ".join(given.split())
    if not 0 < len(words) <= longest:
        raise InvalidParameter(
            f"`{name}` must be given, in at most {longest} characters: it stays on record. Received: {given[:50]!r}"
        )
    return words


__all__ = ["Promotion", "current_version", "history", "promote", "promoted", "rollback", "rolls_back_to"]
