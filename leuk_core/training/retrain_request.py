"""What a retraining is asked to do, and all that can be wrong with a request, found before anything is learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from leuk_core.data.groups import join, join_by_report
from leuk_core.data.imports import open_set
from leuk_core.data.imports_audit import audit_of, red_verdicts, reserved_of
from leuk_core.data.splits import Protocol, possible_folds
from leuk_core.errors import InvalidParameter, LeukError
from leuk_core.network import WEIGHTS
from leuk_core.registry.own import version_of_job
from leuk_core.registry.versions import ModelVersion, find_version, installed_versions, load_task
from leuk_core.training.networks.asked import GIVEN, asked_schedule
from leuk_core.training.networks.schedule import PRESETS, Schedule
from leuk_core.zoo import catalogue, classical

LEAST_CELLS = 10
"""Cells of each class to learn from that a training needs."""

FOLDS = 5
FOR_ALL = ("folds", "seed", "microns_per_pixel")
FOR_CLASSIFIERS = (*FOR_ALL, "copies")
FOR_NETWORKS = (*FOR_ALL, *(name for name in GIVEN if name != "seed"), "size", "stain_jitter", "logmh", "stain")


@dataclass(frozen=True)
class Request:
    """A retraining as it is asked for.

    Parameters
    ----------
    set : str
        Id of an imported set.
    task, model : str
        What is trained.
    start : str
        Where a network starts: "shipped", "version:REF", "run:ID" (an earlier job), "imagenet", "in-domain", "random".
        Classifiers have no start weights: "shipped".
    protocol : str
        How cells are kept apart, see `leuk_core.data.splits.Protocol`.
    preset : str or None
        Of a network's schedule.
    settings : mapping
        Own settings in place of the preset's: names out of `FOR_CLASSIFIERS` or `FOR_NETWORKS`.
    confirmed_verdicts : tuple of str
        Red verdicts of the audit that a person has confirmed by name.
    by : str
        Who asked.
    """

    set: str
    task: str
    model: str
    start: str = "shipped"
    protocol: str = Protocol.BY_SUBJECT.value
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    confirmed_verdicts: tuple[str, ...] = ()
    by: str = ""

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Request:
        """Read a request as a job holds it.

        Raises
        ------
        InvalidParameter
            If a key is missing or unknown.
        """
        known = {entry.name for entry in fields(cls)}
        missing = [name for name in ("set", "task", "model") if not facts.get(name)]
        if missing or set(facts) - known:
            raise InvalidParameter(
                f"A retraining needs set, task and model, and knows {', '.join(sorted(known))}. "
                f"Received: {', '.join(sorted(facts))}"
            )
        given = {name: value for name, value in facts.items() if value is not None}
        return cls(**given | {"confirmed_verdicts": tuple(given.get("confirmed_verdicts", ()))})

    @property
    def is_network(self) -> bool:
        """Whether a network is trained, not a classifier on DCNN features."""
        return self.model in catalogue.ENTRIES

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return int(self.settings.get("seed", 0))

    @property
    def copies(self) -> int:
        """Changed copies of each cell that a classifier learns from."""
        return int(self.settings.get("copies", 2))

    @property
    def microns_per_pixel(self) -> float | None:
        """Scale of all pictures that a person gave."""
        given = self.settings.get("microns_per_pixel")
        return None if given is None else float(given)

    @property
    def schedule(self) -> Schedule:
        """Schedule of a network.

        Raises
        ------
        InvalidParameter
            If a setting is out of its range.
        """
        jitter = self.settings.get("stain_jitter")
        return asked_schedule(self.preset, self.settings, random_start=self.start == "random", stain_jitter=jitter)

    def start_version(self) -> ModelVersion | None:
        """Return the version whose weights a network starts from; None for another start.

        Raises
        ------
        InvalidParameter
            If there is none, or it is another network.
        """
        kind, _, name = self.start.partition(":")
        if not self.is_network or kind not in ("shipped", "version", "run"):
            return None
        if kind == "shipped":
            shipped = (entry for entry in installed_versions() if not entry.own)
            found = next((entry for entry in shipped if (entry.task, entry.model) == (self.task, self.model)), None)
        else:
            found = find_version(name) if kind == "version" else version_of_job(name)
        if found is None or found.model != self.model or not (found.folder / WEIGHTS).is_file():
            raise InvalidParameter(
                f"`start` must name a stored version of {self.model}: choose another start. Received: {self.start}"
            )
        return found


def folds_of(request: Request, labels: np.ndarray, groups: np.ndarray) -> int:
    """Return the number of folds: as asked for, else five, or as many as the persons allow."""
    asked = request.settings.get("folds")
    return int(asked) if asked is not None else min(FOLDS, possible_folds(labels, groups))


def check(request: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that stands in the way of a training; none where it may begin.

    Parameters
    ----------
    request : mapping
        As a job of kind "retrain" holds it, see `Request`.
    """
    try:
        asked = Request.from_dict(request)
    except (LeukError, TypeError) as error:
        return [str(error)]
    problems: list[str] = []
    for look in (_model, _settings, _start, _data):
        _collect(problems, look, asked)
    return problems


def _collect(problems: list[str], look: Callable[[Request], list[str]], asked: Request) -> None:
    try:
        problems += look(asked)
    except LeukError as error:
        problems.append(str(error))


def _model(asked: Request) -> list[str]:
    load_task(asked.task)
    known = (*classical.NAMES, *catalogue.ENTRIES)
    return [] if asked.model in known else [f"`model` must be one of {', '.join(known)}. Received: {asked.model}"]


def _settings(asked: Request) -> list[str]:
    known = FOR_NETWORKS if asked.is_network else FOR_CLASSIFIERS
    found = []
    if unknown := sorted(set(asked.settings) - set(known)):
        found.append(f"`settings` may hold {', '.join(sorted(known))}. Received also: {', '.join(unknown)}")
    for name, least in (("folds", 2), ("copies", 0), ("size", 64)):
        value = asked.settings.get(name, least)
        if not isinstance(value, int) or value < least:
            found.append(f"`{name}` must be a whole number of at least {least}. Received: {value!r}")
    scale = asked.settings.get("microns_per_pixel")
    if scale is not None and not (isinstance(scale, int | float) and 0 < scale < 10):
        found.append(f"`microns_per_pixel` must be a number above 0 and below 10. Received: {scale!r}")
    if asked.is_network and asked.preset not in (None, *PRESETS):
        found.append(f"`preset` must be one of {', '.join(PRESETS)}. Received: {asked.preset}")
    elif asked.is_network and not unknown:
        try:
            _ = asked.schedule
        except TypeError:
            found.append(f"Each of `settings` must be of its kind, most of them numbers. Received: {asked.settings}")
    return found


def _start(asked: Request) -> list[str]:
    kind = asked.start.partition(":")[0]
    if not asked.is_network:
        words = "A classifier learns from DCNN features and has no start weights: leave `start` at shipped. Received: "
        return [] if kind == "shipped" else [f"{words}{asked.start}"]
    own = catalogue.entry(asked.model).starts
    if kind in ("shipped", "version", "run"):
        asked.start_version()
    elif kind not in (*own, "random"):
        known = ", ".join(("shipped", "version:REF", "run:ID", *own))
        return [f"`start` must be one of {known} and random for {asked.model}. Received: {asked.start}"]
    return []


def _data(asked: Request) -> list[str]:
    cells = open_set(asked.set)
    classes = [entry.id for entry in load_task(asked.task).classes]
    if unfit := sorted(set(cells.labels) ^ set(classes)):
        words = f"The classes of the set must be those of the task, {', '.join(classes)}, each with pictures"
        received = f"{', '.join(cells.classes)}; wrong or missing: {', '.join(unfit)}"
        return [f"{words}: rename them and import the set again. Received: {received}"]
    found = _protocol(asked, subjects_known=cells.subjects_known)
    report = audit_of(asked.set)
    reserved = reserved_of(asked.set)
    learn = np.arange(len(cells)) if reserved is None else reserved.sides(cells.subjects)[0]
    labels = np.array(cells.labels)[learn]
    groups = (join(cells.subjects) if report is None else join_by_report(report, cells))[learn]
    for name in classes:
        n = int((labels == name).sum())
        if n < LEAST_CELLS:
            found.append(f"A training needs {LEAST_CELLS} cells of each class to learn from. Received: {n} of {name}")
    if asked.protocol != Protocol.BY_IMAGE:
        most = possible_folds(labels, groups)
        if most < max(2, int(asked.settings.get("folds", 2))):
            found.append(
                f"Each fold needs a person of each class: at most {most} folds are possible. "
                f"Received: {asked.settings.get('folds', 'at least 2 are needed')}"
            )
    if report is not None:
        open_ = [name for name in red_verdicts(report) if name not in asked.confirmed_verdicts]
        found += [f"Red verdict of the audit, to be confirmed by name: {name}." for name in open_]
    return found


def _protocol(asked: Request, *, subjects_known: bool) -> list[str]:
    if asked.protocol not in set(Protocol):
        return [f"`protocol` must be one of {', '.join(Protocol)}. Received: {asked.protocol}"]
    wrong = asked.protocol == (Protocol.SUBJECTS_UNKNOWN if subjects_known else Protocol.BY_SUBJECT)
    words = "names the patient of every cell" if subjects_known else "does not name the patient of every cell"
    return [f"The set {words}: choose another protocol. Received: {asked.protocol}"] if wrong else []
