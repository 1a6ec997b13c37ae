"""Model versions on disk: what is installed, and whether its files are what they were when it was made.

models/<task>/task.json                         classes and the words that people see
models/<task>/<model>/<version>/card.json       facts fixed at training, with the SHA-256 of every other file
models/<task>/<model>/<version>/recipe.json
models/<task>/<model>/<version>/...             weights
models/<task>/<model>/evaluations/*.json        what is learnt later: results, calibration, thresholds
models/extractors/<name>/<version>/             networks that several models share

Versions trained on this machine lie in the same form below data/models and answer once somebody promotes them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from leuk_core.errors import ModelUnavailable
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.promotion_log import promoted
from leuk_core.settings import settings

TASKS = ("all-vs-normal", "wbc-types", "leukemia-subtypes")
MODELS = (
    "mlp",
    "rf",
    "svm",
    "knn",
    "sgd",
    "alexnet",
    "retinanet",
    "xception",
    "inception-resnet",
    "centernet",
    "efficientnet-lite",
)

_REFERENCE = re.compile(r"(?P<task>[a-z-]+)/(?P<model>[a-z-]+)(@(?P<version>[A-Za-z0-9._-]+))?")


@dataclass(frozen=True, slots=True)
class ClassCard:
    """One class of a task: id in the data, a short name, the words under which people meet it, and its cells' name."""

    id: str
    short: str
    words: str
    plural: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What is told apart, from `models/<task>/task.json`.

    Parameters
    ----------
    id, title : str
        "all-vs-normal" and its name for people.
    classes : tuple of ClassCard
        In the order of the models' outputs.
    positive : str or None
        Class id whose share and recall are reported first, in a task of two classes.
    training_share : dict of str to float
        Share of each class in the training set; calibrated probabilities hold for such a set.
    """

    id: str
    title: str
    classes: tuple[ClassCard, ...]
    positive: str | None
    training_share: dict[str, float]

    def words(self, label: str | None) -> str:
        """Return the words for a class id, "undecided" for None."""
        return next((entry.words for entry in self.classes if entry.id == label), "undecided")


@dataclass(frozen=True)
class ModelVersion:
    """One trained version, never changed after it was made.

    Parameters
    ----------
    task, model, version : str
        Parts of its reference.
    folder : Path
        Where its files are.
    card : dict
        Facts fixed at training.
    """

    task: str
    model: str
    version: str
    folder: Path
    card: dict[str, Any]

    @property
    def ref(self) -> str:
        """Full reference, `<task>/<model>@<version>`."""
        return f"{self.task}/{self.model}@{self.version}"

    @property
    def own(self) -> bool:
        """Whether it was trained on this machine rather than shipped."""
        return self.folder.is_relative_to(own_models_dir())

    @property
    def kind(self) -> str:
        """What answers: "classifier" (on DCNN features) or "network"."""
        return str(self.card.get("kind", "classifier"))

    @property
    def recipe(self) -> Recipe:
        """The recipe that every picture goes through before this version sees it."""
        return Recipe.from_dict(_read(self.folder / "recipe.json"))

    def evaluations(self) -> list[dict[str, Any]]:
        """Return what was learnt about this version after training, oldest first."""
        found = [_read(path) for path in sorted((self.folder.parent / "evaluations").glob("*.json"))]
        return [entry for entry in found if entry.get("version") == self.version]

    def decision(self) -> dict[str, Any]:
        """Return the newest calibration and thresholds of this version; empty where there are none."""
        return next((entry for entry in reversed(self.evaluations()) if entry.get("kind") == "decision"), {})

    def shown_figure(self) -> dict[str, Any] | None:
        """Return the one figure that stands beside the model's name, or None where unknown.

        It is the newest weighted F1 by subject, or where no subjects are known that of pictures it did not learn from.
        """
        results = [entry for entry in reversed(self.evaluations()) if entry.get("kind") == "results"]
        for protocol in ("by-subject", "subjects-unknown"):
            for entry in results:
                if entry.get("protocol") == protocol:
                    figures = entry["figures"]
                    return {
                        "name": "weighted F1",
                        **figures["overall"]["f1_weighted"],
                        "protocol": figures["protocol_words"],
                        "n": figures["n"],
                        "n_subjects": figures["n_subjects"],
                    }
        return None

    def measured_limits(self) -> list[str]:
        """Return what was measured after training and must be known before an answer is believed, newest first."""
        found = [entry for entry in reversed(self.evaluations()) if entry.get("kind") in ("limits", "tried")]
        return [sentence for entry in found for sentence in entry["sentences"]]

    def check(self) -> list[str]:
        """Return a sentence for each file that is missing or was changed; none where all are as they were."""
        return check_files(self.folder, self.card.get("files", {}))


def load_task(task: str) -> Task:
    """Return the task's card.

    Raises
    ------
    ModelUnavailable
        If there is no such task.
    """
    path = settings().models_dir / task / "task.json"
    if task not in TASKS or not path.is_file():
        known = ", ".join(installed_tasks()) or "none"
        raise ModelUnavailable(f"`task` must be one of the installed tasks ({known}). Received: {task!r}")
    facts = _read(path)
    return Task(
        id=facts["id"],
        title=facts["title"],
        classes=tuple(ClassCard(**entry) for entry in facts["classes"]),
        positive=facts.get("positive"),
        training_share=facts["training_share"],
    )


def installed_tasks() -> list[str]:
    """Return the tasks that have a card, in the fixed order."""
    return [task for task in TASKS if (settings().models_dir / task / "task.json").is_file()]


def own_models_dir() -> Path:
    """Return the folder of the versions that were trained on this machine."""
    return settings().data_dir / "models"


def list_versions() -> list[ModelVersion]:
    """Return the versions that people are offered: the shipped ones, and own ones that were promoted and answer.

    They come in the fixed order of tasks and models; of each model the current version first, then the newest.
    """
    found: list[ModelVersion] = []
    for _, of_model in groupby(installed_versions(), lambda entry: (entry.task, entry.model)):
        found += _offered(list(of_model))
    return found


def list_candidates(task: str | None = None, model: str | None = None) -> list[ModelVersion]:
    """Return the own versions that don't answer unless they are named with their version, newest first in each model.

    Parameters
    ----------
    task, model : str or None
        Only those of this task or model.
    """
    offered = {entry.ref for entry in list_versions()}
    return [
        entry
        for entry in installed_versions()
        if entry.ref not in offered and task in (None, entry.task) and model in (None, entry.model)
    ]


def installed_versions() -> list[ModelVersion]:
    """Return every version on disk, shipped and own, in the fixed order of tasks and models, newest version first."""
    return list(_versions())


def task_of(version: ModelVersion) -> Task:
    """Return the task's card as it holds for a version: one trained here learnt from another set than a shipped one.

    Its labels then name that set, and its probabilities hold for the shares of the classes there.
    """
    task = load_task(version.task)
    data = version.card.get("data", ())
    if not version.own or len(data) != 1 or not data[0].get("cells"):
        return task
    name, cells = data[0]["name"], data[0]["cells"]
    classes = tuple(
        replace(entry, words=f"resembles the {entry.plural or f'{entry.short} cells'} of {name}")
        for entry in task.classes
    )
    total = sum(cells.values())
    return replace(task, classes=classes, training_share={label: n / total for label, n in cells.items()})


def current_version(task: str, model: str) -> ModelVersion | None:
    """Return the version that answers for a model: the promoted one, else the newest shipped one; None without any."""
    return _current([entry for entry in installed_versions() if (entry.task, entry.model) == (task, model)])


def find_version(ref: str | None = None) -> ModelVersion:
    """Return the version that a reference names.

    Parameters
    ----------
    ref : str or None
        `<task>/<model>[@version]`; without a version the current one; None is the default model of the first task that
        has one. Own versions that nobody promoted are found by their version only.

    Raises
    ------
    ModelUnavailable
        If the reference is malformed or names nothing that is installed.
    """
    versions = list_versions()
    if ref is None:
        if not versions:
            raise ModelUnavailable(f"No trained model is installed. Received: models folder {settings().models_dir}")
        first = [entry for entry in versions if entry.task == versions[0].task]
        return next((entry for entry in first if entry.card.get("default")), first[0])
    parts = _REFERENCE.fullmatch(ref)
    if parts is None:
        raise ModelUnavailable(f"`model` must be written <task>/<model>[@version]. Received: {ref!r}")
    for entry in versions if parts["version"] is None else installed_versions():
        wanted = parts["version"] in (None, entry.version)
        if entry.task == parts["task"] and entry.model == parts["model"] and wanted:
            return entry
    known = ", ".join(sorted({f"{entry.task}/{entry.model}" for entry in versions})) or "none"
    raise ModelUnavailable(f"`model` must be one of those installed ({known}). Received: {ref!r}")


def check_files(folder: Path, files: dict[str, str]) -> list[str]:
    """Compare files with their recorded SHA-256; return a sentence for each that differs."""
    wrong = []
    for name, digest in files.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing.")
        elif sha256_of(path) != digest:
            wrong.append(f"{name} is not the file that the card names.")
    return wrong


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _offered(of_model: list[ModelVersion]) -> list[ModelVersion]:
    """Return the versions of one model that people are offered; the default stays with the model, not its version."""
    current = _current(of_model)
    shipped = [entry for entry in of_model if not entry.own and entry is not current]
    if current is None:
        return shipped
    if current.own and any(entry.card.get("default") for entry in shipped):
        shipped = [replace(entry, card={**entry.card, "default": False}) for entry in shipped]
        current = replace(current, card={**current.card, "default": True})
    return [current, *shipped]


def _current(of_model: list[ModelVersion]) -> ModelVersion | None:
    if not of_model:
        return None
    chosen = promoted(of_model[0].task, of_model[0].model, {entry.version for entry in of_model})
    if chosen is not None:
        return next(entry for entry in of_model if entry.version == chosen)
    return next((entry for entry in of_model if not entry.own), None)


def _versions() -> Iterator[ModelVersion]:
    roots = (settings().models_dir, own_models_dir())
    for task in installed_tasks():
        for model in MODELS:
            cards = [path for root in roots for path in (root / task / model).glob("*/card.json")]
            for path in sorted(cards, key=lambda path: _natural(path.parent.name), reverse=True):
                found = ModelVersion(task, model, path.parent.name, path.parent, _read(path))
                measured = found.measured_limits()
                limits = [*measured, *found.card.get("limits", [])]
                facts = {"shown_figure": found.shown_figure(), "measured_limits": measured, "limits": limits}
                yield replace(found, card={**found.card, **facts})


def _natural(version: str) -> list[int | str]:
    """Sort key that puts "2026-11-25.9" before "2026-11-25.10"; words and numbers alternate."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)]


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON file; a file that did not change is not read again, so nobody may change what is returned."""
    try:
        found = path.stat()
        return _parsed(path, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{path.name} of a model can't be read: install the models anew. Received: {error}"
        ) from error


@lru_cache(maxsize=1024)  # every page asks for every card several times; emptied with `_parsed.cache_clear()`
def _parsed(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return facts
