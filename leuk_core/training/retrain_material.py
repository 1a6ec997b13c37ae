"""What a retraining works on: the set, examined; who is learnt from and who is reserved; where the job speaks."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from leuk_core.data.cells import LabelledCells
from leuk_core.data.groups import join_by_report
from leuk_core.data.imports import ImportedSet, find_set, open_set
from leuk_core.data.imports_audit import audited, red_verdicts, reserved_of
from leuk_core.data.reserved import Reserved
from leuk_core.errors import InvalidData
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import load_task
from leuk_core.training.retrain_request import Request
from leuk_core.training.shown import ShownCells, prepare, scale_of_set

FIT = -1
"""Number under which the curve of the training on all cells is told; folds count from 0."""

NOT_NOTICED = (
    "It does not notice pictures that are unlike the cells it learnt from: another stain, another camera or another "
    "kind of cell gets a label like any other."
)
"""What every version that is trained here lacks: the reference by which shipped versions doubt such pictures."""

_WORTH_PROCESSES = 200  # cells


class Tells(Protocol):
    """What a job speaks through, see `leuk_core.jobs.progress.Tell`."""

    def progress(self, done: int, total: int, words: str) -> None:
        """Say how far it is."""

    def step(self, words: str) -> None:
        """Say what is done now."""

    def curve(self, fold: int, epoch: int, values: dict[str, float]) -> None:
        """Say what an epoch came to."""

    def log(self, text: str) -> None:
        """Add a line to the log."""

    def checkpoint(self) -> None:
        """Let the job end here where it was asked to."""


@dataclass(frozen=True)
class Material:
    """An imported set on its way into a version.

    Parameters
    ----------
    request : Request
        What was asked for.
    about : ImportedSet
        The set.
    report : dict
        Its audit.
    reserved : Reserved
        Who is kept apart.
    learn, kept : LabelledCells
        Cells to learn from, and of reserved persons.
    learn_groups, kept_groups : ndarray of str
        Person of each.
    classes : tuple of str
        Class ids in the task's order.
    notes : tuple of str
        What a person should know.
    """

    request: Request
    about: ImportedSet
    report: dict[str, Any]
    reserved: Reserved
    learn: LabelledCells
    kept: LabelledCells
    learn_groups: np.ndarray
    kept_groups: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def scale(self) -> float | None:
        """Micrometres a pixel of all pictures; None where each picture has its own or none is known."""
        given = self.request.microns_per_pixel
        return given if given is not None else scale_of_set(self.learn)

    @property
    def data_card(self) -> dict[str, Any]:
        """What a version's card says of the set."""
        about = {
            "name": self.about.name,
            "licence": "own data",
            "source": f"imported on this machine, {self.about.created[:10]}, SHA-256 {self.about.sha256[:12]}",
            "set": self.about.id,
            "sha256": self.about.sha256,
        }
        return {"about": about, "limits": list(self.notes)}


@dataclass(frozen=True)
class Shown:
    """Cells to learn from, brought to form; pictures in which no cell was found are left out.

    Parameters
    ----------
    shown : ShownCells
        All cells to learn from.
    positions, labels, groups : ndarray of shape (n,)
        Place in `shown`, class and person of each usable one.
    """

    shown: ShownCells
    positions: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def open_material(request: Request, tell: Tells) -> Material:
    """Open and examine a set; what was examined before is not examined again.

    Raises
    ------
    InvalidData
        If the set was changed since its import, or a red verdict was not confirmed by name.
    """
    tell.step("examining the set")
    about = find_set(request.set)
    cells = open_set(request.set, unchanged=True)
    report = audited(request.set, tell.progress)
    unconfirmed = [name for name in red_verdicts(report) if name not in request.confirmed_verdicts]
    if unconfirmed:
        raise InvalidData(
            "The audit has red verdicts that nobody has confirmed: read them, then confirm them by name. "
            f"Received: {', '.join(unconfirmed)}"
        )
    notes = [NOT_NOTICED]
    notes.append(
        f"Trained on own data of one place, “{about.name}”: how it does on other patients elsewhere is not known."
    )
    notes += [f"Red verdict of the data's audit, confirmed: {text}" for text in red_verdicts(report).values()]
    unreadable = {one["where"] for one in report["unreadable"]}
    cells = cells.select(at for at, cell in enumerate(cells) if cell.name not in unreadable)
    groups = join_by_report(report, cells)
    reserved = reserved_of(request.set)
    if reserved is None:
        raise InvalidData(f"The set must be examined first. Received: {request.set}")
    learn, kept = reserved.sides(cells.subjects)
    return Material(
        request, about, report, reserved, cells.select(learn), cells.select(kept), groups[learn], groups[kept],
        tuple(entry.id for entry in load_task(request.task).classes), tuple(notes),
    )  # fmt: skip


def show(material: Material, recipe: Recipe, tell: Tells, cache: Path) -> Shown:
    """Bring the cells to learn from to form; what was brought before lies in `cache`."""
    tell.step("bringing cells to form")
    cells = material.learn
    may_start_processes = not multiprocessing.current_process().daemon  # a worker of a cluster may not
    jobs = 2 if len(cells) > _WORTH_PROCESSES and may_start_processes else 1
    shown = prepare(cells, recipe, cache, material.scale, tell.progress, jobs)
    positions = shown.usable
    if left_out := len(cells) - len(positions):
        tell.log(f"{left_out} of {len(cells)} pictures show no cell and are left out.")
    return Shown(shown, positions, np.array(cells.labels)[positions], material.learn_groups[positions])


def run_folder(folder: Path) -> Path:
    """Return the folder of a job's cross-validation."""
    return folder / "run"
