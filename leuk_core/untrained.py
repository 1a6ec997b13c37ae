"""Tasks that are installed without any version: what is missing, why, and how a person trains one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leuk_core import PROJECT_ROOT
from leuk_core.errors import ModelUnavailable
from leuk_core.registry import Task, installed_tasks, list_candidates, list_versions, load_task
from leuk_core.settings import settings


@dataclass(frozen=True)
class Step:
    """One step of a person's own training: what to do, and the commands that do it."""

    words: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Untrained:
    """What a person should know about a task of which no version is installed.

    Parameters
    ----------
    task : Task
        What is told apart.
    why : tuple of str
        Why no version ships; empty where the task's card does not say.
    class_meanings : str
        What its classes mean where that is not plain; from the data card.
    limits : tuple of str
        What a model of this task can't tell, whoever trains it; from the data card.
    layout : str
        Name of the layout in which its pictures are published.
    data_card : str
        Data card that describes the published set, relative to the project; empty where there is none.
    """

    task: Task
    why: tuple[str, ...]
    class_meanings: str
    limits: tuple[str, ...]
    layout: str
    data_card: str

    @property
    def sentence(self) -> str:
        """What is missing."""
        return f"No trained version of “{self.task.title}” is installed."

    @property
    def to_know(self) -> tuple[str, ...]:
        """What holds whoever trains a model of this task."""
        return (*((self.class_meanings,) if self.class_meanings else ()), *self.limits)

    @property
    def steps(self) -> tuple[Step, Step, Step]:
        """Three steps from a folder of pictures to a version; run the commands in the project's folder."""
        first, *_, last = (entry.id for entry in self.task.classes)
        task, card = self.task.id, f" --data-card {self.data_card}" if self.data_card else ""
        named = f", as {self.layout} has it" if self.layout else ""
        shared = f"--task {task} --data FOLDER --audit audit.json --microns-per-pixel SCALE"
        return (
            Step(
                f"Bring your pictures into a FOLDER with one white cell a picture and one folder a class{named}: "
                f"train/{first}/… to train/{last}/… and test/{first}/… to test/{last}/…; the names must be these. Then "
                "audit it. A red verdict on shortcuts means that the classes can be told apart without morphology: "
                "a figure from such a set means nothing.",
                ("python -m train audit FOLDER --json audit.json --html audit.html",),
            ),
            Step(
                "Judge the five classifiers on pictures that they did not learn from; a network is asked for by its "
                "name in place of all. SCALE is micrometres a pixel; leave the option out where that is unknown. A "
                "manifest.csv with a column `subject` allows `--protocol by-subject`: only such figures hold for a new "
                "patient.",
                (f"python -m train cross-validate {shared} --model all --protocol subjects-unknown",),
            ),
            Step(
                "Store a version of each model and its figures beside it. RUN is a folder that step 2 printed. The "
                "version then stands in the list of models at the left.",
                (
                    f"python -m train fit {shared} --model all --version own-1{card}",
                    "python -m train evaluate RUN --version own-1",
                ),
            ),
        )


def untrained_tasks() -> list[str]:
    """Return the installed tasks of which no version is installed, in the fixed order."""
    trained = {version.task for version in list_versions()}
    return [task for task in installed_tasks() if task not in trained]


def about_untrained(task: str) -> Untrained:
    """Return what is missing for a task and how to train it.

    Parameters
    ----------
    task : str
        An installed task.

    Raises
    ------
    ModelUnavailable
        If there is no such task.
    """
    known = load_task(task)
    facts = _read(settings().models_dir / task / "task.json").get("untrained", {})
    name = str(facts.get("data_card", ""))
    card = _read(PROJECT_ROOT / name) if name else {}
    return Untrained(
        known,
        tuple(facts.get("why", ())),
        str(card.get("about", {}).get("class_meanings", "")),
        tuple(card.get("limits", ())),
        str(facts.get("layout", "")),
        name,
    )


def refuse_untrained(ref: str | None) -> None:
    """Say in one sentence that no version is installed, where a reference names a task without any.

    An own version that nobody promoted yet is asked by its full reference.

    Raises
    ------
    ModelUnavailable
        If it does; a reference that is wrong in another way is left to `leuk_core.registry.find_version`.
    """
    task = (ref or "").partition("/")[0]
    if task in untrained_tasks() and all(entry.ref != ref for entry in list_candidates(task)):
        raise ModelUnavailable(
            f"No version of {task} is installed: the page Home says why, and how to train one with `python -m train`. "
            f"Received: {ref!r}"
        )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts
