"""Words that several pieces of the page Retrain use."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from leuk_core.registry import installed_tasks, load_task
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
    if seconds < 55:
        return f"about {round(seconds / 10) * 10} s"
    minutes = max(1, round(seconds / 60))
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


def fitting_tasks(labels: Collection[str]) -> list[str]:
    """Return the installed tasks whose classes are these."""
    return [task for task in installed_tasks() if set(class_words(task)) == set(labels)]


def label_words(labels: Collection[str]) -> dict[str, str]:
    """Return what labels of a set are called: as the task names them whose classes they are, else as they stand."""
    fitting = fitting_tasks(labels)
    return class_words(fitting[0]) if fitting else {label: label for label in labels}


def counted(by_class: dict[str, int]) -> str:
    """Return numbers by class, such as "60 ALL, 60 normal"."""
    words = label_words(by_class)
    return ", ".join(f"{count:,} {words[label]}" for label, count in by_class.items())
