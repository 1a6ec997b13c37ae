"""The evidence of one model as one HTML page that needs nothing else; every figure has protocol, n and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.cells.sort import TASK as SORTED_BY
from leuk_core.data.audit.page import STYLE as AUDIT_STYLE
from leuk_core.data.audit.page import about, balance_html, shortcuts_html, verdicts_html
from leuk_core.evaluation.results import HIGHEST
from leuk_core.registry import ModelVersion, Task
from leuk_core.reports.answer import short_answer
from leuk_core.reports.cards import GUIDELINES, card_html, data_cards, model_card
from leuk_core.reports.detection import detection_html, judged_detectors
from leuk_core.reports.drawings import coverage_svg, curves_svg, reliability_svg, subjects_svg
from leuk_core.reports.evidence import HEADINGS, WHY, Results, TaskEvidence, limits_of, stored_audit
from leuk_core.reports.pieces import STYLE, badge, list_html
from leuk_core.reports.ranking import paper_html, ranking_html
from leuk_core.reports.tables import (
    answered_html,
    by_class_html,
    by_fold_html,
    confusion_html,
    key_figures_html,
    limits_html,
)

QUESTION = "How far can this model be trusted, and who was it trained on?"

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff;
color-scheme:light}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #bbb}
h3{font-size:1rem;margin:1rem 0 .2rem}.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(24rem,1fr));
gap:0 2rem}svg{width:100%;max-width:34rem;height:auto}svg text{font:11px system-ui,sans-serif;fill:#333}
svg .grid{stroke:#ddd;fill:none}footer{margin-top:3rem;border-top:1px solid #bbb;padding-top:.5rem}
@media print{section{break-inside:avoid}}
"""


def report_html(version: ModelVersion, task: Task) -> str:
    """Return the report of a model version.

    Parameters
    ----------
    version : ModelVersion
        The model that it is about.
    task : Task
        What it tells apart; its other versions stand beside it in the tables.
    """
    evidence = TaskEvidence(task)
    title = f"{version.card.get('title') or version.model}, version {version.version}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p><strong>{escape(RESEARCH_ONLY)}</strong> {escape(version.ref)}, {escape(task.title)}.</p>",
        f"<h2>{escape(QUESTION)}</h2>",
        *(_answer(results, task) for results in list(evidence.of(version).values())[:1]),
        _section("What speaks against it", _doubts(version)),
        *(_results(results, task) for results in evidence.of(version).values()),
        "<h2>All versions of this task</h2>",
        *(
            _section(
                HEADINGS[protocol], f"<p>{WHY[protocol]}</p>{ranking_html(evidence.rankings(protocol), version.ref)}"
            )
            for protocol in evidence.protocols
        ),
        f"<h2>Reported by the authors</h2>{paper_html(task.id)}",
        *([_section("White cells found on whole fields", found)] if (found := _detection(task)) else []),
        f"<h2>Audit of the training data</h2>{_audit(stored_audit(task.id), task)}",
        f'<h2>Model card</h2><p class="ev-quiet">{escape(GUIDELINES)}</p>{card_html(model_card(version, task))}',
        f"<h2>Data card</h2>{card_html(data_cards(version, task))}",
        f"<footer>{escape(RESEARCH_ONLY)} Written by version {escape(__version__)} of the program.</footer>",
    ]
    style = STYLE.read_text("utf-8")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_STYLE}{style}{AUDIT_STYLE}</style></head><body class="ev">{"".join(body)}</body></html>\n'
    )


def counted_class(task: Task) -> str | None:
    """Return the class whose share is shown by subject: the positive one; of two the first; None counts right calls."""
    return task.positive or (task.classes[0].id if len(task.classes) == 2 else None)


def _answer(results: Results, task: Task) -> str:
    mark = badge(results.protocol.value, results.caption)
    return f"<p>{mark} <small>95 % intervals</small></p>{list_html(short_answer(results, task))}"


def _doubts(version: ModelVersion) -> str:
    measured = limits_html(limits_of(version))
    stated = list_html(limit for limit in version.card.get("limits", ()) if limit not in version.measured_limits())
    return stated + measured or "<p>Nothing was measured beyond the figures below.</p>"


def _results(results: Results, task: Task) -> str:
    facts, figures = results.facts, results.figures
    mark = badge(results.protocol.value, results.caption)
    charts = "".join(
        f"<section><h3>{escape(name)}</h3><p>{mark}</p>{svg}</section>" for name, svg in _charts(facts, task)
    )
    tables = (
        ("Figures, with 95 % intervals", key_figures_html(results)),
        ("By class, with 95 % intervals", by_class_html(figures, task)),
        ("What each class was called", confusion_html(figures, task)),
        ("With the threshold in use", answered_html(facts, task)),
        ("By fold", by_fold_html(facts)),
    )
    parts = [f"<section><h3>{escape(name)}</h3><p>{mark}</p>{html}</section>" for name, html in tables if html]
    return (
        f"<h2>{escape(HEADINGS[results.protocol])}</h2><p>{escape(WHY[results.protocol])}</p>"
        f'{list_html(results.notes(task))}{"".join(parts)}<div class="two">{charts}</div>'
    )


def _charts(facts: Mapping[str, Any], task: Task) -> Iterator[tuple[str, str]]:
    tables = facts.get("reliability") or {}
    label = task.positive if task.positive in tables else HIGHEST
    if label in tables:
        short = {entry.id: entry.short for entry in task.classes}
        of = f"the probability of {short[label]}" if label in short else "the highest probability"
        yield f"Does it happen as often as {of} says? (bars: 95 % intervals)", reliability_svg(tables[label])
    if facts.get("coverage"):
        threshold = (facts.get("at_threshold") or {}).get("threshold")
        yield "Fewer answers, fewer errors (band: 95 % intervals)", coverage_svg(facts["coverage"], threshold)
    if facts.get("subjects"):
        yield "Each dot is a person (bars: 95 % intervals)", subjects_svg(facts["subjects"], task, counted_class(task))
    history = facts.get("history") or {}
    metrics = dict.fromkeys(
        name.removeprefix("val_") for curves in history.values() for name in curves if name != "epochs"
    )
    for metric in metrics:
        yield f"Learning curves by fold: {metric} (training dashed)", curves_svg(history, metric)


def _detection(task: Task) -> str:
    return detection_html(judged_detectors()) if task.id == SORTED_BY else ""


def _audit(facts: Mapping[str, Any] | None, task: Task) -> str:
    if facts is None:
        return "<p>No audit of the training data is stored beside the models.</p>"
    words = {entry.id: entry.short for entry in task.classes}
    return (
        f'<div class="audit"><p>{escape(str(facts["date"]))}: {escape(about(facts))}.</p>{verdicts_html(facts)}'
        f"<h3>What can be told without morphology</h3>{shortcuts_html(facts)}"
        f"<h3>Images and persons</h3>{balance_html(facts, words)}</div>"
    )


def _section(title: str, html: str) -> str:
    return f"<section><h3>{escape(title)}</h3>{html}</section>"
