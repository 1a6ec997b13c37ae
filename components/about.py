"""About a model: what it must not be trusted with, what it learnt from, and its figures beside the trivial baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import streamlit as st

from components.classes import are_many
from components.expected import cells_of, newest_results
from components.models import PROTOCOL_WORDS, model_title
from leuk_core import PROJECT_ROOT
from leuk_core.registry import ModelVersion, Task, load_task

EVIDENCE = "pages/evidence.py"
OVERALL = {"f1_weighted": "weighted F1", "auroc": "AUROC"}
FACTS = (
    ("source", "source"),
    ("licence", "licence"),
    ("specimen", "specimen"),
    ("stain", "stain"),
    ("pictures", "pictures"),
    ("microns_per_pixel", "µm per pixel"),
    ("class_meanings", "classes"),
)


def about(version: ModelVersion) -> None:
    """Draw a button that opens everything a person should know of a model before believing it.

    Parameters
    ----------
    version : ModelVersion
        The model.
    """
    with st.popover("About this model", icon=":material/info:", width="stretch"):
        st.html(about_html(version, load_task(version.task)))
        if (PROJECT_ROOT / EVIDENCE).is_file():
            st.page_link(EVIDENCE, label="All evidence", icon=":material/arrow_forward:")


def about_html(version: ModelVersion, task: Task) -> str:
    """Return limits, training data and figures of a model as HTML.

    Parameters
    ----------
    version : ModelVersion
        The model.
    task : Task
        What it tells apart.
    """
    card = version.card
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in card.get("limits", ()))
    parts = [f"<h3>{escape(model_title(version))}, version {escape(version.version)}</h3>"]
    if card.get("warning"):
        parts.append(f"<p><b>{escape(card['warning'])}</b></p>")
    if card.get("under_trained"):
        parts.append("<p>Under-trained: it is shown, but not counted where models are compared.</p>")
    if limits:
        parts.append(f"<h4>What speaks against it</h4><ul>{limits}</ul>")
    parts += [f"<h4>Trained on</h4>{data_html(data, task)}" for data in card.get("data", ())]
    parts.append(f"<h4>Figures</h4>{figures_html(version, task)}")
    return f'<div class="leuk-about">{"".join(parts)}</div>'


def data_html(data: dict[str, Any], task: Task) -> str:
    """Return one training set: name, source, licence, specimen, stain, then cells and subjects by class.

    Parameters
    ----------
    data : dict
        An entry of a card's "data".
    task : Task
        Names the classes.
    """
    facts = "".join(f"<dt>{words}</dt><dd>{escape(str(data[key]))}</dd>" for key, words in FACTS if data.get(key))
    counts = "".join(
        f'<tr><th scope="row">{escape(cells_of(item))}</th><td>{data["cells"][item.id]:,}</td>'
        f"<td>{data.get('subjects', {}).get(item.id, 'unknown')}</td></tr>"
        for item in task.classes
        if item.id in data.get("cells", {})
    )
    head = '<tr><th scope="col">class</th><th scope="col">cells</th><th scope="col">subjects</th></tr>'
    table = f'<table class="leuk-table"><thead>{head}</thead><tbody>{counts}</tbody></table>' if counts else ""
    return f'<p>{escape(data["name"])}</p><dl class="leuk-facts">{facts}</dl>{table}'


def figures_html(version: ModelVersion, task: Task) -> str:
    """Return a table with a line a protocol, and under each the trivial baseline on the same cells.

    Parameters
    ----------
    version : ModelVersion
        The model; its newest figures of each protocol are shown.
    task : Task
        Names the classes.
    """
    found = [results for protocol in PROTOCOL_WORDS if (results := newest_results(version, protocol))]
    if not found:
        return "<p>No figure has been measured yet.</p>"
    named = [] if are_many(task) else [f"{cells_of(item)} found" for item in task.classes]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("protocol", *OVERALL.values(), *named))
    lines = "".join(f"<tr>{line}</tr>" for results in found for line in _lines(results, task))
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in against_baseline(found[0]))
    by_class = _found_html(found[0], task) if are_many(task) else ""
    return (
        f'<table class="leuk-table leuk-figures"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>{by_class}'
        f'<p class="leuk-quiet">With 95 % intervals. Found: share of the cells of that class that get its label, '
        f"without a threshold.</p>{sentences}"
    )


def _found_html(results: dict[str, Any], task: Task) -> str:
    """Return a table with a line a class: its share of cells found by the model and by the baseline."""
    both = [results["figures"], (results.get("baseline") or {}).get("figures")]
    heads = (_protocol(results), "found", *(["by the baseline"] if both[1] else []))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    lines = "".join(
        f'<tr><th scope="row">{escape(cells_of(item))}</th>'
        + "".join(
            f"<td>{_figure(figures['by_class'].get(item.id, {}).get('recall'))}</td>" for figures in both if figures
        )
        + "</tr>"
        for item in task.classes
    )
    return f'<table class="leuk-table leuk-figures"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def against_baseline(results: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each figure that was compared with the trivial baseline on the same cells.

    Parameters
    ----------
    results : dict
        An evaluation of kind "results".
    """
    paired = results.get("paired") or {}
    words = _protocol(results)
    for name, entry in paired.get("differences", {}).items():
        if name not in OVERALL:
            continue
        says = "beats the baseline" if entry.get("beats") else "no difference from the baseline is shown"
        over = results["figures"].get("resampled", "subjects")
        yield f"{OVERALL[name]}, {words}: {says} ({_signed(entry['difference'])}, paired over {over})."


def _lines(results: dict[str, Any], task: Task) -> Iterator[str]:
    figures, baseline = results["figures"], results.get("baseline") or {}
    words = f"<b>{escape(_protocol(results))}</b><br>{figures['n']:,} cells"
    if figures.get("n_subjects"):
        words += f" of {figures['n_subjects']} subjects"
    yield _line(words, figures, task)
    if baseline.get("figures"):
        yield _line(f"baseline: {escape(str(baseline['words']))}", baseline["figures"], task)


def _line(words: str, figures: dict[str, Any], task: Task) -> str:
    estimates = [figures["overall"].get(name) for name in OVERALL]
    if not are_many(task):
        estimates += [figures["by_class"].get(item.id, {}).get("recall") for item in task.classes]
    return f'<th scope="row">{words}</th>' + "".join(f"<td>{_figure(entry)}</td>" for entry in estimates)


def _protocol(results: dict[str, Any]) -> str:
    known = str(results.get("protocol", ""))
    return str(results["figures"].get("protocol_words") or PROTOCOL_WORDS.get(known, known))


def _figure(estimate: dict[str, Any] | None) -> str:
    if not estimate or estimate.get("value") is None:
        return "–"
    low, high = estimate.get("low"), estimate.get("high")
    interval = f"<br><small>{low:.2f} to {high:.2f}</small>" if low is not None and high is not None else ""
    return f"{estimate['value']:.2f}{interval}"


def _signed(estimate: dict[str, Any]) -> str:
    value, low, high = (estimate.get(name) for name in ("value", "low", "high"))
    if value is None:
        return "not defined"
    return f"{value:+.3f}" + (f", 95 % {low:+.3f} to {high:+.3f}" if low is not None and high is not None else "")


def limits_html(limits: Sequence[str]) -> str:
    """Return the first of a model's measured limits, two lines high at most, and where the others are.

    Parameters
    ----------
    limits : sequence of str
        Sentences, the most important first.
    """
    more = f" {len(limits) - 1} more under “About this model”." if len(limits) > 1 else ""
    return (
        f'<div class="leuk-limits" role="note" title="{escape(" ".join(limits))}"><span aria-hidden="true">⚠</span> '
        f"{escape(limits[0] + more)}</div>"
    )
