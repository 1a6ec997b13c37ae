"""What is known of the models of a task, brought in order for a page or a report: newest results, rows by protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from leuk_core.data.splits import Protocol
from leuk_core.evaluation.metrics import caption
from leuk_core.evaluation.paper import ReportedRow, reported
from leuk_core.evaluation.resampling import Estimate
from leuk_core.registry import ModelVersion, Task, list_versions, load_task
from leuk_core.settings import settings

RANKED = ("f1_weighted", "auroc", "balanced_accuracy")
WORDS = {
    "f1_weighted": "weighted F1",
    "auroc": "AUROC",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "ece": "calibration error",
}
HEADINGS = {
    Protocol.BY_SUBJECT: "Judged on other persons (split by subject)",
    Protocol.SUBJECTS_UNKNOWN: "Subjects unknown: groups from duplicate pictures only",
    Protocol.BY_IMAGE: "Split by image: these figures flatter",
}
WHY = {
    Protocol.BY_SUBJECT: "No cell of a person whom a model is judged on was learnt from.",
    Protocol.SUBJECTS_UNKNOWN: (
        "The set does not say which cells come from the same person, so that a person may stand on both sides. "
        "Read these figures as an upper bound."
    ),
    Protocol.BY_IMAGE: (
        "Cells of one person stand in training and in test, and cells of one person resemble each other: a model that "
        "knows the person is rewarded for it. These figures are here only to show by how much; they say nothing about "
        "a new patient."
    ),
}


@dataclass(frozen=True)
class Results:
    """The newest results of one model version under one protocol.

    Parameters
    ----------
    version : ModelVersion
        Whose.
    facts : mapping
        The evaluation file of kind "results"; parts that it lacks are absent.
    """

    version: ModelVersion
    facts: Mapping[str, Any]

    @property
    def protocol(self) -> Protocol:
        """How cells were kept apart."""
        return Protocol(self.facts["protocol"])

    @property
    def figures(self) -> Mapping[str, Any]:
        """What `Evaluation.to_dict` gave."""
        figures: Mapping[str, Any] = self.facts["figures"]
        return figures

    @property
    def caption(self) -> str:
        """Protocol, cells and subjects."""
        return caption_of(self.figures)

    def notes(self, task: Task) -> list[str]:
        """Return sentences to be read beside the figures, with the classes named as people know them."""
        found = [*self.figures.get("notes", ()), *self.facts.get("notes", ())]
        for entry in task.classes:
            own = re.compile(rf"(?<=class ){re.escape(entry.id)}\b|\b{re.escape(entry.id)}(?= \d)")
            found = [own.sub(entry.short, note) for note in found]
        return found

    @property
    def baseline(self) -> Mapping[str, Any] | None:
        """Figures of the trivial baseline on the same cells; None where there are none."""
        found: Mapping[str, Any] | None = (self.facts.get("baseline") or {}).get("figures")
        return found

    @property
    def baseline_words(self) -> str:
        """What the trivial baseline is."""
        return str((self.facts.get("baseline") or {}).get("words", ""))

    def estimate(self, name: str, label: str | None = None) -> Estimate:
        """Return one figure of the whole or of a class."""
        return estimate_of(self.figures, name, label)

    def difference(self, name: str) -> tuple[Estimate, bool] | None:
        """Return model minus baseline, and whether the model beats it; None where they weren't compared."""
        entry = (self.facts.get("paired") or {}).get("differences", {}).get(name)
        return None if entry is None else (Estimate.from_dict(entry["difference"]), bool(entry["beats"]))


@dataclass(frozen=True)
class Row:
    """One row of a ranking: a model version, or the trivial baseline.

    Parameters
    ----------
    title, ref : str
        Name for people, and reference; the reference of a baseline is empty.
    protocol : str
        "by-subject", "by-image" or "subjects-unknown".
    estimates : dict of str to Estimate
        Figures named in `RANKED`.
    caption : str
        Protocol, cells and subjects.
    n : int
        Number of cells.
    beats : bool or None
        Whether weighted F1 is higher than the baseline's, beyond the interval; None where they weren't compared.
    authors : ReportedRow or None
        What the authors report for this kind of model.
    moved : Estimate or None
        Weighted F1 by image minus by subject, as a bare difference.
    notes : tuple of str
        To be read beside it.
    """

    title: str
    ref: str
    protocol: str
    estimates: Mapping[str, Estimate]
    caption: str
    n: int
    beats: bool | None = None
    authors: ReportedRow | None = None
    moved: Estimate | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether it is the trivial baseline."""
        return not self.ref


class TaskEvidence:
    """All versions of a task with their results.

    Parameters
    ----------
    task : Task
        What is told apart.
    versions : sequence of ModelVersion or None
        The versions; None takes the installed ones.
    """

    def __init__(self, task: Task, versions: Sequence[ModelVersion] | None = None) -> None:
        self.task = task
        everything = list_versions() if versions is None else versions
        self.versions = [version for version in everything if version.task == task.id]

    @cached_property
    def results(self) -> dict[str, dict[Protocol, Results]]:
        """Newest results by reference and protocol."""
        return {version.ref: results_of(version) for version in self.versions}

    @property
    def protocols(self) -> list[Protocol]:
        """Protocols under which any version was judged; the one that flatters is last."""
        found = {protocol for results in self.results.values() for protocol in results}
        return [protocol for protocol in HEADINGS if protocol in found]

    def of(self, version: ModelVersion) -> dict[Protocol, Results]:
        """Return the results of one version by protocol, the honest one first."""
        found = self.results.get(version.ref, {})
        return {protocol: found[protocol] for protocol in HEADINGS if protocol in found}

    def rankings(self, protocol: Protocol) -> list[list[Row]]:
        """Return the rows of one protocol, the highest weighted F1 first, with the trivial baseline in its place.

        Rows that were judged on other cells (a part of the folds) stand in a ranking of their own; the one with most
        cells comes first.
        """
        rows = []
        baselines: dict[tuple[str, float | None], Row] = {}
        for version in self.versions:
            found = self.results[version.ref].get(protocol)
            if found is None:
                continue
            rows.append(self._row(found))
            if found.baseline is not None:
                row = _baseline_row(found)
                baselines.setdefault((row.caption, row.estimates["f1_weighted"].value), row)
        rows = sorted([*rows, *baselines.values()], key=lambda row: -(row.estimates["f1_weighted"].value or 0.0))
        apart: dict[str, list[Row]] = {}
        for row in rows:
            apart.setdefault(row.caption, []).append(row)
        return sorted(apart.values(), key=lambda same: -same[0].n)

    def _row(self, found: Results) -> Row:
        version = found.version
        compared = found.difference("f1_weighted")
        honest = self.results[version.ref].get(Protocol.BY_SUBJECT)
        moved = None
        if found.protocol is Protocol.BY_IMAGE and honest is not None:
            here, there = (one.estimate("f1_weighted").value for one in (found, honest))
            moved = None if here is None or there is None else Estimate(here - there)
        notes = found.notes(self.task)
        if version.card.get("under_trained"):
            notes.insert(0, "Under-trained: shown, but not a fair picture of this kind of model.")
        return Row(
            title=str(version.card.get("title") or version.model),
            ref=version.ref,
            protocol=found.protocol.value,
            estimates={name: found.estimate(name) for name in RANKED},
            caption=found.caption,
            n=found.figures["n"],
            beats=None if compared is None else compared[1],
            authors=reported(version.task, version.model),
            moved=moved,
            notes=tuple(notes),
        )


def results_of(version: ModelVersion) -> dict[Protocol, Results]:
    """Return the newest results of a version by protocol."""
    found: dict[Protocol, Results] = {}
    for facts in version.evaluations():
        if facts.get("kind") == "results" and "figures" in facts:
            results = Results(version, facts)
            found[results.protocol] = results
    return found


def limits_of(version: ModelVersion) -> list[Mapping[str, Any]]:
    """Return the evaluations of kind "limits", newest first."""
    return [facts for facts in reversed(version.evaluations()) if facts.get("kind") == "limits"]


def stored_audit(task: str) -> Mapping[str, Any] | None:
    """Return the newest audit of a task's training data that was stored beside its models; None where there is none."""
    for path in sorted((settings().models_dir / task / "audits").glob("*.json"), reverse=True):
        try:
            facts = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if "verdicts" in facts:
            return {"date": path.stem, **facts}
    return None


def evidence_of(version: ModelVersion) -> TaskEvidence:
    """Return the evidence of the task of a version."""
    return TaskEvidence(load_task(version.task))


def estimate_of(figures: Mapping[str, Any], name: str, label: str | None = None) -> Estimate:
    """Return one figure out of what `Evaluation.to_dict` gave; not known where it lacks it."""
    table = figures["overall"] if label is None else figures["by_class"].get(label, {})
    return Estimate.from_dict(table[name]) if name in table else Estimate(None)


def caption_of(figures: Mapping[str, Any]) -> str:
    """Return protocol, cells and subjects of what `Evaluation.to_dict` gave."""
    return caption(figures["protocol_words"], figures["n"], figures["n_subjects"])


def _baseline_row(found: Results) -> Row:
    figures = found.baseline or {}
    return Row(
        title="trivial baseline",
        ref="",
        protocol=found.protocol.value,
        estimates={name: estimate_of(figures, name) for name in RANKED},
        caption=caption_of(figures),
        n=figures["n"],
    )
