"""Figures of the evaluation as plotly figures; import this module where they are drawn, it loads plotly.

Form or dashes always say the same as the colour. Every figure carries its protocol, cells and subjects under the title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from leuk_core import RESEARCH_ONLY
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.calibration import ReliabilityRow
from leuk_core.evaluation.coverage import CoverageRow
from leuk_core.evaluation.resampling import Estimate
from leuk_core.evaluation.subjects import SubjectShare
from leuk_core.palette import GREY, SERIES

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "hexagram")
_PERCENT = ".0%"


def reliability_figure(
    tables: Mapping[str, Sequence[ReliabilityRow]],
    caption: str,
    title: str = "Does it happen as often as is said?",
) -> go.Figure:
    """Draw reliability diagrams, such as before and after calibration.

    Parameters
    ----------
    tables : mapping of str to sequence of ReliabilityRow
        By name, see `leuk_core.evaluation.calibration.reliability_table`.
    caption : str
        Protocol, cells, subjects: `Evaluation.caption`.
    title : str
        Title.
    """
    figure = go.Figure()
    figure.add_trace(_line([0, 1], [0, 1], "as said", dash="dot", colour=GREY))
    most = max((row.n for rows in tables.values() for row in rows), default=1)
    for number, (name, rows) in enumerate(tables.items()):
        figure.add_trace(
            go.Scatter(
                x=[row.said for row in rows],
                y=[row.happened.value for row in rows],
                error_y=_bars([row.happened for row in rows]),
                mode="lines+markers",
                name=escape(name),
                line={"color": _colour(number), "width": 1.5},
                marker={
                    "symbol": _symbol(number),
                    "size": [7 + 13 * float(np.sqrt(row.n / most)) for row in rows],
                    "color": _colour(number),
                },
                customdata=[[row.n, _subjects(row.n_subjects), row.happened.words()] for row in rows],
                hovertemplate="said %{x:.2f}, happened %{customdata[2]}<br>%{customdata[0]:,} cells, %{customdata[1]}",
            )
        )
    figure.update_layout(showlegend=len(tables) > 1)
    figure.update_xaxes(title_text="probability said", range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(title_text="share that happened", range=[-0.02, 1.02], scaleanchor="x", constrain="domain")
    return _finish(figure, title, caption)


def coverage_figure(
    curves: Mapping[str, Sequence[CoverageRow]],
    caption: str,
    threshold: float | None = None,
    title: str = "Fewer answers, fewer errors",
) -> go.Figure:
    """Draw error among the answers against the share of cells that get one, with bands.

    Parameters
    ----------
    curves : mapping of str to sequence of CoverageRow
        By name, see `leuk_core.evaluation.coverage.coverage_curve`.
    caption : str
        Protocol, cells, subjects: `Evaluation.caption`.
    threshold : float or None
        Threshold in use, marked on each curve.
    title : str
        Title.
    """
    figure = go.Figure()
    for number, (name, rows) in enumerate(curves.items()):
        colour = _colour(number)
        x = [row.coverage.value for row in rows]
        banded = [row for row in rows if row.error.has_interval]
        if banded:
            around = [row.coverage.value for row in banded]
            figure.add_trace(
                go.Scatter(
                    x=around + around[::-1],
                    y=[row.error.high for row in banded] + [row.error.low for row in banded][::-1],
                    fill="toself",
                    fillcolor=_pale(colour),
                    line={"width": 0},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[row.error.value for row in rows],
                mode="lines",
                name=escape(name),
                line={"color": colour, "width": 2, "dash": _dash(number)},
                customdata=[[row.threshold, row.error.words(1, percent=True)] for row in rows],
                hovertemplate="%{x:.0%} answered<br>%{customdata[1]} wrong<br>threshold %{customdata[0]:.2f}",
            )
        )
        if threshold is not None and rows:
            used = min(rows, key=lambda row: abs(row.threshold - threshold))
            figure.add_trace(
                go.Scatter(
                    x=[used.coverage.value],
                    y=[used.error.value],
                    mode="markers",
                    name=f"threshold {threshold:.2f}",
                    showlegend=number == 0,
                    marker={"symbol": "diamond", "size": 12, "color": colour, "line": {"width": 1, "color": GREY}},
                    hoverinfo="skip",
                )
            )
    figure.update_xaxes(title_text="cells that get an answer", tickformat=_PERCENT, range=[0, 1.02])
    figure.update_yaxes(title_text="answers that are wrong", tickformat=_PERCENT, rangemode="tozero")
    return _finish(figure, title, caption)


def share_by_subject_figure(
    rows: Sequence[SubjectShare],
    caption: str,
    called: str | None,
    words: Mapping[str, str] | None = None,
    title: str | None = None,
) -> go.Figure:
    """Draw, one dot a subject, the share of its cells that was called positive; the classes stand apart.

    Parameters
    ----------
    rows : sequence of SubjectShare
        See `leuk_core.evaluation.subjects.share_called_by_subject`.
    caption : str
        Protocol, cells, subjects: `Evaluation.caption`.
    called : str or None
        Class id that was counted; None where each subject's cells called by their own class were.
    words : mapping of str to str or None
        Words for class ids, from the task's card.
    title : str or None
        Title; None says what was counted.
    """
    figure = go.Figure()
    said = "called rightly" if called is None else f"called {_word(called, words)}"
    middles, lane = [], 0
    labels = list(dict.fromkeys(row.label for row in rows))
    for number, label in enumerate(labels):
        own = sorted((row for row in rows if row.label == label), key=lambda row: row.share.value or 0.0)
        middles.append(lane + (len(own) - 1) / 2)
        figure.add_trace(
            go.Scatter(
                x=[row.share.value for row in own],
                y=list(range(lane, lane + len(own))),
                error_x=_bars([row.share for row in own]) | {"width": 0},
                mode="markers",
                name=f"{_word(label, words)} ({_subjects(len(own))})",
                marker={"symbol": _symbol(number), "size": 8, "color": _colour(number)},
                customdata=[
                    [escape(row.subject), row.called, row.n, row.share.words(0, percent=True)] for row in own
                ],
                hovertemplate="%{customdata[0]}: %{customdata[1]} of %{customdata[2]} cells<br>%{customdata[3]}",
            )
        )  # fmt: skip
        lane += len(own) + 2
    figure.update_xaxes(title_text=f"cells {said}", tickformat=_PERCENT, range=[-0.02, 1.02])
    figure.update_yaxes(
        tickvals=middles, ticktext=[_word(label, words) for label in labels], range=[lane - 1.5, -1], showgrid=False,
        zeroline=False,
    )  # fmt: skip
    figure.update_layout(height=max(320, 210 + 8 * lane))
    return _finish(figure, title or f"Each dot is a person: share of cells {said}", caption)


def learning_curves_figure(
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    caption: str,
    title: str = "Learning curves by fold",
    x_title: str = "epoch",
    x: Sequence[float] | None = None,
) -> go.Figure:
    """Draw what each fold reached from epoch to epoch: training dashed, validation drawn through.

    Parameters
    ----------
    histories : mapping of str to mapping of str to sequence of float
        For each fold, values by name as Keras records them: "loss", "val_loss", "accuracy", "val_accuracy", ...
    caption : str
        Protocol, cells, subjects: `Evaluation.caption`.
    title : str
        Title.
    x_title : str
        What is counted: "epoch", or "training subjects".
    x : sequence of float or None
        Where the values belong; None counts from 1.

    Raises
    ------
    InvalidParameter
        If there is nothing to draw.
    """
    metrics = list(dict.fromkeys(name.removeprefix("val_") for history in histories.values() for name in history))
    if not metrics:
        raise InvalidParameter("`histories` must hold at least one curve. Received: none")
    figure = make_subplots(rows=1, cols=len(metrics), subplot_titles=[escape(name) for name in metrics])
    for column, metric in enumerate(metrics, start=1):
        for number, (fold, history) in enumerate(histories.items()):
            named = metric if not history.get(f"val_{metric}") else f"val_{metric}"
            for name, part, dash in ((metric, "training", "dot"), (f"val_{metric}", "validation", "solid")):
                values = list(history.get(name, ()))
                trace = _line(list(x or range(1, len(values) + 1)), values, fold, dash, _colour(number))
                trace.update(
                    legendgroup=fold,
                    showlegend=column == 1 and name == named,
                    hovertemplate=f"{escape(fold)}, {part}: %{{y:.3f}}<extra></extra>",
                )
                figure.add_trace(trace, row=1, col=column)
        figure.update_xaxes(title_text=x_title, row=1, col=column)
    for part, dash in (("training", "dot"), ("validation", "solid")):
        figure.add_trace(_line([None], [None], part, dash, GREY), row=1, col=1)  # explains the dashes in the legend
    figure.update_yaxes(rangemode="tozero")
    _finish(figure, title, caption)
    figure.update_layout(legend={"orientation": "v", "x": 1.02, "y": 1.0, "yanchor": "top"})
    return figure


def _finish(figure: go.Figure, title: str, caption: str) -> go.Figure:
    if not caption.strip():
        raise InvalidParameter("`caption` must say protocol, cells and subjects. Received: an empty one")
    figure.update_layout(
        template="plotly_white",
        title={
            "text": escape(title, quote=False),
            "subtitle": {"text": escape(caption, quote=False), "font": {"size": 12}},
            "x": 0.0,
            "xanchor": "left",
            "xref": "container",
            "pad": {"l": 16},
        },
        margin={"t": 110, "l": 60, "r": 24, "b": 96},
        legend={"orientation": "h", "yref": "paper", "y": 1.0, "yanchor": "bottom", "x": 0.0},
    )
    figure.add_annotation(
        text=RESEARCH_ONLY, xref="paper", yref="paper", x=1.0, y=0.0, yshift=-64, xanchor="right", yanchor="top",
        showarrow=False, font={"size": 11}, opacity=0.8,
    )  # fmt: skip
    return figure


def _line(
    x: Sequence[float | None], y: Sequence[float | None], name: str, dash: str, colour: str, width: float = 1.5
) -> go.Scatter:
    return go.Scatter(
        x=list(x), y=list(y), name=escape(name), mode="lines", line={"dash": dash, "color": colour, "width": width}
    )


def _bars(estimates: Sequence[Estimate]) -> dict[str, object]:
    """Return error bars from the figures to the ends of their intervals; none where an interval isn't known."""
    high = [0.0 if e.value is None or e.high is None else max(e.high - e.value, 0.0) for e in estimates]
    low = [0.0 if e.value is None or e.low is None else max(e.value - e.low, 0.0) for e in estimates]
    return {"type": "data", "symmetric": False, "array": high, "arrayminus": low, "thickness": 1.2, "width": 3}


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"


def _colour(number: int) -> str:
    return SERIES[number % len(SERIES)]


def _symbol(number: int) -> str:
    return _SYMBOLS[number % len(_SYMBOLS)]


def _dash(number: int) -> str:
    return ("solid", "dash", "dashdot", "longdash", "longdashdot")[number % 5]


def _word(label: str, words: Mapping[str, str] | None) -> str:
    return escape((words or {}).get(label, label), quote=False)


def _subjects(n: int | None) -> str:
    return "subjects unknown" if n is None else f"{n} subjects"
