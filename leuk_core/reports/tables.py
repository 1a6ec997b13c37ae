"""Tables of one model's results as HTML, for a page and for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate
from leuk_core.registry import Task
from leuk_core.reports.evidence import WORDS, Results, estimate_of
from leuk_core.reports.pieces import axis, bar, estimate_html, explained, list_html, scale

FEW = 3
"""Classes up to which a table has room for an interval in each cell."""

KEY_FIGURES = ("f1_weighted", "auroc", "balanced_accuracy", "accuracy", "auprc", "brier", "ece")


def key_figures_html(results: Results) -> str:
    """Return the figures of one model beside those of the trivial baseline, with the paired difference."""
    baseline = results.baseline
    head = ["", "model"] + (["trivial baseline", "model minus baseline"] if baseline else [])
    lines = []
    for name in KEY_FIGURES:
        own = results.estimate(name)
        if own.value is None:
            continue
        cells = [f"<td>{estimate_html(own)}</td>"]
        if baseline:
            cells.append(f"<td>{estimate_html(estimate_of(baseline, name))}</td>")
            cells.append(f"<td>{_difference(results.difference(name))}</td>")
        lines.append(f'<tr><th scope="row">{explained(WORDS[name])}</th>{"".join(cells)}</tr>')
    heads = "".join(f'<th scope="col">{explained(word) if word else ""}</th>' for word in head)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>{mcnemar_html(results)}"


def mcnemar_html(results: Results) -> str:
    """Return McNemar's test against the baseline as a sentence; empty where it wasn't made."""
    test = (results.facts.get("paired") or {}).get("mcnemar")
    if not test:
        return ""
    p = test["p_value"]
    words = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return (
        f'<p class="ev-quiet">Of {test["n"]:,} cells, {test["only_model"]:,} were right by the model alone and '
        f"{test['only_other']:,} by the baseline alone (McNemar, {words}; it takes cells as independent, which cells "
        "of one person are not, so the interval over subjects decides).</p>"
    )


def by_class_html(figures: Mapping[str, Any], task: Task) -> str:
    """Return what each class reached: cells, subjects, and figures with intervals."""
    names = {"recall": "found", "precision": "right when called", "f1": "F1", "auroc": "AUROC"}
    persons = figures.get("subjects_by_class")
    rows = [
        f'<tr><th scope="row">{escape(entry.short)}</th><td>{figures["cells_by_class"].get(entry.id, 0):,}</td>'
        f"{f'<td>{persons.get(entry.id, 0)}</td>' if persons else ''}"
        + "".join(f"<td>{estimate_html(estimate_of(figures, name, entry.id))}</td>" for name in names)
        + "</tr>"
        for entry in task.classes
    ]
    heads = ["", "cells", *(["subjects"] if persons else []), *names.values()]
    head = "".join(f'<th scope="col">{explained(word)}</th>' for word in heads)
    return f'<div class="ev-scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def confusion_html(figures: Mapping[str, Any], task: Task) -> str:
    """Return the confusion matrix: cells and share of the row, with the interval of the share."""
    short = {entry.id: entry.short for entry in task.classes}
    names = [short.get(label, label) for label in figures["classes"]]
    few = len(names) <= FEW
    rows = []
    for i, (counts, shares) in enumerate(zip(figures["confusion"], figures["confusion_share"], strict=True)):
        cells = "".join(
            _matrix_cell(n, Estimate.from_dict(share), few=few, right=i == j, words=f"{names[i]} called {names[j]}")
            for j, (n, share) in enumerate(zip(counts, shares, strict=True))
        )
        rows.append(f'<tr><th scope="row">is {escape(names[i])}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">called {escape(name)}</th>' for name in names)
    return (
        f'<div class="ev-scroll"><table class="ev-matrix"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def answered_html(facts: Mapping[str, Any], task: Task) -> str:
    """Return what the threshold does: answers, errors, and what each class is called, with intervals.

    Parameters
    ----------
    facts : mapping
        An evaluation of kind "results".
    task : Task
        What is told apart.
    """
    answered = facts.get("at_threshold")
    if not answered:
        return ""
    coverage, error = (Estimate.from_dict(answered[name]).words(0, percent=True) for name in ("coverage", "error"))
    unlike = ", or unlike the training cells," if facts.get("unlike_known") else ""
    return (
        f"<p>Cells whose highest probability is under {answered['threshold']:.2f}{unlike} stay undecided: "
        f"<b>{coverage}</b> of the cells get an answer, and <b>{error}</b> of the answers are wrong.</p>"
        f"{_called_html(answered, {entry.id: entry.short for entry in task.classes})}"
    )


def _called_html(answered: Mapping[str, Any], short: Mapping[str, str]) -> str:
    """Return what the cells of each class are called; with many classes only whether rightly."""
    few = len(answered["classes"]) <= FEW
    heads = (
        [f"called {short.get(name, name)}" for name in answered["classes"]]
        if few
        else ["called rightly", "get an answer"]
    )
    rows = []
    for true, shares in answered["shares"].items():
        found = [shares[name] for name in answered["classes"]] if few else [
            shares[true], answered["coverage_by_class"][true]
        ]  # fmt: skip
        cells = "".join(
            f"<td>{estimate_html(Estimate.from_dict(one), '.0%')}</td>" for one in [*found, shares["undecided"]]
        )
        rows.append(f'<tr><th scope="row">{escape(short.get(true, true))}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in ["cells of class", *heads, "undecided"])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def by_fold_html(facts: Mapping[str, Any]) -> str:
    """Return weighted F1 and AUROC of each fold; empty where the file lacks them."""
    rows = facts.get("by_fold")
    if not rows:
        return ""
    low, high = axis(Estimate.from_dict(row["f1_weighted"]) for row in rows)
    lines = [
        f'<tr><th scope="row">{row["fold"] + 1}</th><td>{row["n"]:,}</td>'
        f"<td>{'unknown' if row['n_subjects'] is None else row['n_subjects']}</td>"
        f"<td>{estimate_html(Estimate.from_dict(row['f1_weighted']))}</td>"
        f"<td>{bar(Estimate.from_dict(row['f1_weighted']), low, high)}</td>"
        f"<td>{estimate_html(Estimate.from_dict(row['auroc']))}</td></tr>"
        for row in rows
    ]
    head = "".join(f'<th scope="col">{word}</th>' for word in ("fold", "cells", "subjects", explained("weighted F1")))
    last = f'<th scope="col">{scale(low, high)}</th><th scope="col">{explained("AUROC")}</th>'
    table = f"<table><thead><tr>{head}{last}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    if all(row["f1_weighted"]["low"] is not None for row in rows):
        return table
    return f'{table}<p class="ev-quiet">No interval where one person alone stands for a class in the fold.</p>'


def limits_html(limits: Sequence[Mapping[str, Any]]) -> str:
    """Return what was measured on cells of other kinds and sets: how many of them got a label nevertheless.

    Parameters
    ----------
    limits : sequence of mapping
        Evaluations of kind "limits".
    """
    return "".join(_limit(facts) for facts in limits)


def _limit(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}: {escape(kind)}</th><td>{_share_of(*counts)}</td></tr>'
        for name, kinds in facts.get("answered", {}).items()
        for kind, counts in kinds.items()
    )
    head = '<tr><th scope="col">cells shown to it</th><th scope="col">got a label (95 % interval)</th></tr>'
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
    how = ". ".join(str(facts[key]) for key in ("protocol", "rule") if facts.get(key))
    return f'{list_html(facts.get("sentences", ()))}{table}<p class="ev-quiet">{escape(how)}</p>'


def _share_of(count: int, n: int) -> str:
    return f"{count:,} of {n:,}: {escape(exact_interval(count, n).words(1, percent=True))}"


def _difference(found: tuple[Estimate, bool] | None) -> str:
    if found is None:
        return ""
    estimate, beats = found
    value = "not known" if estimate.value is None else f"<b>{estimate.value:+.3f}</b>"
    mark = "✓ better" if beats else "no difference shown"
    if not beats and estimate.high is not None and estimate.high < 0:
        mark = "✕ worse"
    ends = "no interval"
    if estimate.low is not None and estimate.high is not None:
        ends = f"{estimate.low:+.3f} to {estimate.high:+.3f}"
    return f'{value} &nbsp; <span class="ev-mark">{mark}</span><br><small>{ends}</small>'


def _matrix_cell(n: float, share: Estimate, *, few: bool, right: bool, words: str) -> str:
    full = f"{words}: {share.words(1, percent=True)}"
    value = share.value or 0.0
    text = f"<b>{value:.0%}</b>" if share.value is not None else ""
    interval = ""
    if few and share.low is not None and share.high is not None:
        interval = f"<br><small>{share.low:.0%} to {share.high:.0%}</small>"
    kind = ' class="ev-right"' if right else ""
    return (
        f'<td{kind} style="background: rgba(0, 114, 178, {0.55 * value:.2f})" title="{escape(full)}">{text}'
        f"{interval}<br><small>{n:,.0f} cells</small></td>"
    )
