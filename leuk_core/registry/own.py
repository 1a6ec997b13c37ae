"""Storing a version that was trained on this machine: a name of its own, staged aside, then there as a whole."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path

from leuk_core.errors import InvalidData
from leuk_core.registry.versions import ModelVersion, installed_versions, own_models_dir
from leuk_core.training.run import today

_NAMES, _STAGED = ".names", ".staged"


def claim_name(task: str, model: str, job: str) -> str:
    """Return the name of the version that a job makes: the date and a number that nobody else has; always the same one.

    Parameters
    ----------
    task, model : str
        Of the version.
    job : str
        Id of the job.
    """
    names = own_models_dir() / _NAMES / task / model
    names.mkdir(parents=True, exist_ok=True)
    for path in sorted(names.iterdir()):
        if path.read_text("utf-8") == job:
            return path.name
    taken = {entry.version for entry in installed_versions() if (entry.task, entry.model) == (task, model)}
    for number in count(1):
        name = f"{today()}.{number}"
        if name in taken:
            continue
        try:
            with (names / name).open("x", encoding="utf-8") as file:
                file.write(job)
        except FileExistsError:
            continue
        return name
    raise AssertionError  # the numbers do not end


def staging_folder(job: str) -> Path:
    """Return where a job prepares its version; nobody looks there for models."""
    return own_models_dir() / _STAGED / job


def publish(job: str, task: str, model: str, version: str) -> None:
    """Move what a job has staged to its place, as a whole; a version is never written over.

    Raises
    ------
    InvalidData
        If the version exists.
    """
    place = own_models_dir() / task / model / version
    if place.exists():
        raise InvalidData(f"A version is never changed. Received: {task}/{model}@{version}, which exists")
    place.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staging_folder(job), place)  # noqa: PTH104 - refuses a place that is taken


def version_of_job(job: str) -> ModelVersion | None:
    """Return the version that a job has stored; None before it has."""
    return next((entry for entry in installed_versions() if entry.own and entry.card.get("job") == job), None)


def forget_staged(job: str) -> None:
    """Delete what a job has staged."""
    shutil.rmtree(staging_folder(job), ignore_errors=True)
