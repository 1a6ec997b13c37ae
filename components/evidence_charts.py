"""The charts of the Evidence page: calibration, coverage, persons, learning curves. Plotly is loaded with the first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from leuk_core.evaluation.calibration import ReliabilityRow
from leuk_core.evaluation.coverage import CoverageRow
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.results import HIGHEST
from leuk_core.evaluation.subjects import SubjectShare
from leuk_core.registry import Task
from leuk_core.reports.evidence import Results
from leuk_core.reports.page import counted_class

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]}

Words = tuple[tuple[str, str], ...]
"""Id and short name of each class of a task."""


def show_charts(results: Results, task: Task) -> None:
    """Draw every chart that the results hold, persons first; what they lack is left out."""
    facts, caption = results.facts, results.caption
    words = tuple((entry.id, entry.short) for entry in task.classes)
    if facts.get("subjects"):
        _draw(_subjects(_text(facts["subjects"]), caption, counted_class(task), words), "subjects")
    both = {}
    tables = facts.get("reliability") or {}
    label = task.positive if task.positive in tables else HIGHEST
    if label in tables:
        both["reliability"] = _reliability(_text(tables[label]), caption, dict(words).get(label, ""))
    if facts.get("coverage"):
        threshold = (facts.get("at_threshold") or {}).get("threshold")
        both["coverage"] = _coverage(_text(facts["coverage"]), caption, threshold)
    if both:
        for column, (name, figure) in zip(st.columns(len(both)), both.items(), strict=True):
            with column:
                _draw(figure, name)
    if facts.get("history"):
        _draw(_curves(_text(facts["history"]), caption), "curves")


# A figure takes Plotly up to 100 ms to build, so it is kept under what it shows; `st.cache_resource` is emptied with
# `clear()` and holds at most so many.
_kept = st.cache_resource(max_entries=64, show_spinner=False)


@_kept
def _subjects(rows: str, caption: str, counted: str | None, words: Words) -> go.Figure:
    from leuk_core.evaluation.figures import share_by_subject_figure  # noqa: PLC0415 brings plotly

    shares = [_share(row, counted) for row in json.loads(rows)]
    return share_by_subject_figure(shares, caption, counted, dict(words))


@_kept
def _reliability(rows: str, caption: str, short: str) -> go.Figure:
    from leuk_core.evaluation.figures import reliability_figure  # noqa: PLC0415 brings plotly

    of = f"probability of {short}" if short else "highest probability"
    return reliability_figure({of: [ReliabilityRow.from_dict(row) for row in json.loads(rows)]}, caption)


@_kept
def _coverage(rows: str, caption: str, threshold: float | None) -> go.Figure:
    from leuk_core.evaluation.figures import coverage_figure  # noqa: PLC0415 brings plotly

    return coverage_figure({"error": [CoverageRow.from_dict(row) for row in json.loads(rows)]}, caption, threshold)


@_kept
def _curves(history: str, caption: str) -> go.Figure:
    from leuk_core.evaluation.figures import learning_curves_figure  # noqa: PLC0415 brings plotly

    folds = json.loads(history)
    longest: list[float] = max((curves["epochs"] for curves in folds.values()), key=len)
    named = {
        f"fold {int(fold) + 1}": {name: values for name, values in curves.items() if name != "epochs"}
        for fold, curves in folds.items()
    }
    return learning_curves_figure(named, caption, x=longest)


def _share(row: dict[str, Any], counted: str | None) -> SubjectShare:
    called, n = row["called"], row["n"]
    count = called.get(counted or row["label"], 0)
    return SubjectShare(
        row["subject"], row["label"], n, count, exact_interval(count, n), called.get(row["label"], 0) / n
    )


def _text(rows: Any) -> str:
    return json.dumps(rows)


def _draw(figure: go.Figure, key: str) -> None:
    st.plotly_chart(figure, config=CONFIG, key=f"leuk-evidence-{key}")
