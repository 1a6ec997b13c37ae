"""How many cells of the other class get a label too, as measured: the figure that a label is to be read with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leuk_core.registry import ClassCard, ModelVersion, Task


@dataclass(frozen=True)
class AlsoCalled:
    """Share of the cells of one class that were called another, with its interval and where it comes from.

    Parameters
    ----------
    label, true : ClassCard
        What they were called and what they are.
    value, low, high : float
        Share and 95 % interval, from 0 to 1.
    n, n_subjects : int
        Cells of the class `true` that were judged, and their subjects.
    """

    label: ClassCard
    true: ClassCard
    value: float
    low: float
    high: float
    n: int
    n_subjects: int

    @property
    def source(self) -> str:
        """Protocol and n."""
        return f"by subject, {self.n:,} cells of {self.n_subjects} subjects"

    def of(self, count: int) -> str:
        """Return how many of `count` cells of the class that would be, with the interval: "9 (4 to 15)"."""
        value, low, high = (round(count * share) for share in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def cells_of(item: ClassCard) -> str:
    """Return what a class's cells are called: "normal lymphocytes" where the task's card says so, else "normal cells".

    Parameters
    ----------
    item : ClassCard
        A class of the task's card.
    """
    return getattr(item, "plural", "") or f"{item.short} cells"


def newest_results(version: ModelVersion, protocol: str) -> dict[str, Any]:
    """Return the newest evaluation with figures under a protocol; empty where there is none.

    Parameters
    ----------
    version : ModelVersion
        Whose evaluations are looked through.
    protocol : str
        "by-subject", "by-image" or "subjects-unknown".
    """
    return next(
        (
            entry
            for entry in reversed(version.evaluations())
            if entry.get("kind") == "results" and entry.get("protocol") == protocol
        ),
        {},
    )


def also_called(version: ModelVersion, task: Task) -> dict[str, AlsoCalled]:
    """Return for each label how many cells of the other class get it, judged by subject with the threshold.

    Parameters
    ----------
    version : ModelVersion
        Whose answers were judged.
    task : Task
        What is told apart.

    Returns
    -------
    dict of str to AlsoCalled
        By class id. Empty where it was not measured, or where there are more than two classes.
    """
    results = newest_results(version, "by-subject")
    if len(task.classes) != 2 or not results.get("at_threshold"):
        return {}
    shares, figures = results["at_threshold"]["shares"], results["figures"]
    first, second = task.classes
    return {
        label.id: AlsoCalled(
            label,
            true,
            *(float(shares[true.id][label.id][name]) for name in ("value", "low", "high")),
            int(figures["cells_by_class"][true.id]),
            int(figures["subjects_by_class"][true.id]),
        )
        for label, true in ((first, second), (second, first))
    }


def row_sentence(found: AlsoCalled, *, moved: bool) -> str:
    """Return what stands beside one label: "of 100 normal lymphocytes about 9 (4 to 15) get this label too".

    Parameters
    ----------
    found : AlsoCalled
        As measured with the training set's share.
    moved : bool
        Whether another share was chosen: labels that it takes back make them fewer.
    """
    return f"of 100 {cells_of(found.true)} {_about(moved)} {found.of(100)} get this label too"


def closing_sentence(found: AlsoCalled, labelled: int, asked: int, *, moved: bool) -> str:
    """Return the line under many cells: how many got the label, and how many of as many others would get it too.

    Parameters
    ----------
    found : AlsoCalled
        As measured with the training set's share.
    labelled, asked : int
        How many of the cells got the label, and how many were looked at.
    moved : bool
        As in `row_sentence`.
    """
    verb = "resembles" if labelled == 1 else "resemble"
    return (
        f"{labelled} of {asked} cells {verb} {cells_of(found.label)}; of {asked} {cells_of(found.true)} "
        f"{_about(moved)} {found.of(asked)} would get this label too ({found.source})."
    )


def _about(moved: bool) -> str:
    return "at most about" if moved else "about"
