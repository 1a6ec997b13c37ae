"""Words that several pieces of the page Retrain use."""

from __future__ import annotations

from datetime import UTC, datetime

from leuk_core.registry import load_task
from leuk_core.zoo import catalogue

PRESETS = {"cpu": "for a processor", "gpu": "for a GPU", "paper": "as in the paper"}


def lasting(seconds: float) -> str:
    """Return how long something takes, as people say it.

    Examples
    --------
    >>> [lasting(seconds) for seconds in (4, 75, 1800, 9000)]
    ['under 10 s', 'about 1 min', 'about 30 min', 'about 2 h 30 min']
    """
    if seconds < 10:
        return "under 10 s"
    if seconds < 60:
        return f"about {round(seconds / 10) * 10} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"about {hours} h" + (f" {minutes} min" if minutes else "")


def clock(at: datetime | None) -> str:
    """Return a date and time (UTC) as the page writes it."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def model_words(model: str) -> str:
    """Return the name of a model that may have no version yet, as cards write it.

    Examples
    --------
    >>> model_words("svm"), model_words("xception")
    ('SVM on DCNN features', 'Xception')
    """
    found = catalogue.ENTRIES.get(model)
    return found.title if found else f"{model.upper()} on DCNN features"


def version_words(ref: str) -> str:
    """Return a reference as people read it: model and version; "no version" for none."""
    path, _, version = ref.partition("@")
    return f"{model_words(path.rpartition('/')[2])}, {version}" if ref else "no version"


def class_words(task: str) -> dict[str, str]:
    """Return the short name of each class of a task by its id; empty where the task is not installed."""
    return {entry.id: entry.short for entry in load_task(task).classes}
