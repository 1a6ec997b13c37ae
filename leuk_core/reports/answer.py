"""The answer in a few sentences: how often a model is right, what it confuses, whether it beats something trivial."""

from __future__ import annotations

from collections.abc import Iterator

from leuk_core.data.splits import Protocol
from leuk_core.evaluation.resampling import Estimate
from leuk_core.evaluation.results import GIVEN_IDS
from leuk_core.registry import ClassCard, Task
from leuk_core.reports.evidence import Results, estimate_of

WHOSE = {
    Protocol.BY_SUBJECT: "cells of persons whom it did not learn from",
    Protocol.SUBJECTS_UNKNOWN: "cells that it did not learn from (of persons whom it may know)",
    Protocol.BY_IMAGE: "cells that it did not learn from, but of persons whom it did",
}


def short_answer(results: Results, task: Task) -> list[str]:
    """Return what a person should take away from the results, in sentences with intervals.

    Parameters
    ----------
    results : Results
        Of one version under one protocol.
    task : Task
        Names the classes.
    """
    return [sentence for sentence in _sentences(results, task) if sentence]


def _sentences(results: Results, task: Task) -> Iterator[str]:
    figures = results.figures
    yield f"Of 100 {WHOSE[results.protocol]}, about {_of_100(results.estimate('accuracy'))} are called rightly."
    if len(task.classes) == 2:
        first, second = task.classes
        yield (
            f"Of 100 {second.short} cells about {_of_100(_called(results, second, first))} are called {first.short}; "
            f"of 100 {first.short} cells about {_of_100(_called(results, first, second))} are called {second.short}."
        )
    else:
        found = {entry: estimate_of(figures, "recall", entry.id) for entry in task.classes}
        known = {entry: one for entry, one in found.items() if one.value is not None}
        if known:
            worst = min(known, key=lambda entry: known[entry].value or 0.0)
            yield f"Found least: of 100 {worst.short} cells about {_of_100(known[worst])}."
    yield _persons(results, task)
    yield _against_baseline(results)
    yield _by_given_ids(results)


def _persons(results: Results, task: Task) -> str:
    """Say how far persons differ: the share of cells called positive among persons of the other class."""
    rows = results.facts.get("subjects") or []
    if task.positive is None or len(task.classes) != 2:
        return ""
    positive, other = sorted(task.classes, key=lambda entry: entry.id != task.positive)
    shares = [row["called"].get(positive.id, 0) / row["n"] for row in rows if row["label"] == other.id]
    if len(shares) < 2:
        return ""
    return (
        f"Persons differ: among the {len(shares)} {other.short} persons, from {min(shares):.0%} to {max(shares):.0%} "
        f"of the cells were called {positive.short}."
    )


def _against_baseline(results: Results) -> str:
    found = results.difference("f1_weighted")
    if results.baseline is None or found is None:
        return ""
    difference, beats = found
    own, trivial = (estimate_of(figures, "f1_weighted") for figures in (results.figures, results.baseline))
    says = "which is better" if beats else "and no difference is shown"
    ends = "no interval"
    if difference.low is not None and difference.high is not None:
        ends = f"{difference.low:+.3f} to {difference.high:+.3f}"
    return (
        f"The cell's size and colour alone reach weighted F1 {trivial}; this model reaches {own}, {says} "
        f"(difference {ends}, over {results.figures['resampled']})."
    )


def _by_given_ids(results: Results) -> str:
    """Say how far the figure moved when ids of one person were joined."""
    before = results.facts.get(GIVEN_IDS)
    if before is None:
        return ""
    old, new = Estimate.from_dict(before["overall"]["f1_weighted"]), estimate_of(results.figures, "f1_weighted")
    return (
        f"Before ids of one person were joined, weighted F1 was {old} ({before['n_subjects']} given ids); "
        f"joined, it is {new} ({results.figures['n_subjects']} subjects)."
    )


def _called(results: Results, true: ClassCard, called: ClassCard) -> Estimate:
    classes = results.figures["classes"]
    share = results.figures["confusion_share"][classes.index(true.id)][classes.index(called.id)]
    return Estimate.from_dict(share)


def _of_100(estimate: Estimate) -> str:
    if estimate.value is None:
        return "an unknown number"
    if estimate.low is None or estimate.high is None:
        return f"{100 * estimate.value:.0f} (no interval)"
    return f"{100 * estimate.value:.0f} ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"
