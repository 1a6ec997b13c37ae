"""Charts as SVG for a report that needs nothing else: drawn from what an evaluation file holds, with hover texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from leuk_core.evaluation.intervals import exact_interval
from leuk_core.palette import GREY, SERIES
from leuk_core.registry import Task

WIDTH, HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 12, 44

Point = tuple[float, float]


class Chart:
    """Axes with what is drawn between them; data outside the ranges is clipped.

    Parameters
    ----------
    x, y : (float, float)
        Ranges of the axes.
    x_words, y_words : str
        What they show.
    percent : (bool, bool)
        Whether the numbers on each axis are shares.
    height : int
        Height in pixels.
    numbered : bool
        Whether the y axis carries numbers; otherwise what `aside` writes.
    """

    def __init__(
        self,
        x: Point,
        y: Point,
        x_words: str,
        y_words: str,
        percent: tuple[bool, bool] = (False, False),
        height: int = HEIGHT,
        *,
        numbered: bool = True,
    ) -> None:
        self.x, self.y, self.height = x, y, height
        self._parts: list[str] = []
        for value in _ticks(x):
            at, words = self._at(value, y[0])[0], _number(value, percent=percent[0])
            self._parts.append(f'<path d="M{at:.1f} {_TOP}V{height - _BOTTOM}" class="grid"/>')
            self._text(at, height - _BOTTOM + 15, words, "middle")
        for value in _ticks(y) if numbered else ():
            at, words = self._at(x[0], value)[1], _number(value, percent=percent[1])
            self._parts.append(f'<path d="M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}" class="grid"/>')
            self._text(_LEFT - 6, at + 4, words, "end")
        self._text((WIDTH + _LEFT - _RIGHT) / 2, height - 8, x_words, "middle")
        middle = (height - _BOTTOM + _TOP) / 2
        self._text(14, middle, y_words, "middle", f' transform="rotate(-90 14 {middle:.0f})"')

    def line(self, points: Sequence[Point], colour: str, dash: str = "", width: float = 2) -> None:
        """Draw a line through points."""
        if not points:
            return
        path = "L".join("{:.1f} {:.1f}".format(*self._at(*point)) for point in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def band(self, points: Sequence[tuple[float, float, float]], colour: str) -> None:
        """Fill between the lower and upper ends (x, low, high)."""
        around = [(x, high) for x, _, high in points] + [(x, low) for x, low, _ in reversed(points)]
        path = "L".join("{:.1f} {:.1f}".format(*self._at(*point)) for point in around)
        if around:
            self._parts.append(f'<path d="M{path}Z" fill="{colour}" fill-opacity="0.18"/>')

    def whisker(self, start: Point, end: Point, colour: str) -> None:
        """Draw an interval."""
        self.line([start, end], colour, width=1)

    def mark(self, point: Point, colour: str, words: str, radius: float = 4, *, square: bool = False) -> None:
        """Draw a point with a hover text."""
        x, y = self._at(*point)
        title = f"<title>{escape(words)}</title>"
        if square:
            side = 2 * radius
            place = f'x="{x - radius:.1f}" y="{y - radius:.1f}" width="{side:.1f}" height="{side:.1f}"'
            self._parts.append(f'<rect {place} fill="{colour}">{title}</rect>')
        else:
            self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}">{title}</circle>')

    def aside(self, y: float, words: str) -> None:
        """Write words beside the y axis."""
        self._text(_LEFT - 4, self._at(self.x[0], y)[1] + 4, words, "end")

    def svg(self, label: str) -> str:
        """Return the drawing.

        Parameters
        ----------
        label : str
            What it shows, for those who can't see it.
        """
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(label)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(self._parts)}</svg>'
        )

    def _at(self, x: float, y: float) -> Point:
        across = (min(max(x, self.x[0]), self.x[1]) - self.x[0]) / (self.x[1] - self.x[0])
        up = (min(max(y, self.y[0]), self.y[1]) - self.y[0]) / (self.y[1] - self.y[0])
        return (
            _LEFT + across * (WIDTH - _LEFT - _RIGHT),
            self.height - _BOTTOM - up * (self.height - _TOP - _BOTTOM),
        )

    def _text(self, x: float, y: float, words: str, anchor: str, more: str = "") -> None:
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>')


def reliability_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw what was said against what happened, with intervals over subjects."""
    chart = Chart((0, 1), (0, 1), "probability said", "share that happened")
    chart.line([(0, 0), (1, 1)], GREY, "2 4", 1.5)
    chart.line([(row["said"], row["happened"]["value"]) for row in rows], SERIES[0], width=1)
    most = max((row["n"] for row in rows), default=1)
    for row in rows:
        value, low, high = (row["happened"][end] for end in ("value", "low", "high"))
        if low is not None and high is not None:
            chart.whisker((row["said"], low), (row["said"], high), SERIES[0])
        words = f"said {row['said']:.2f}, happened {value:.2f}, {row['n']:,} cells"
        chart.mark((row["said"], value), SERIES[0], words, 2.5 + 5 * (row["n"] / most) ** 0.5)
    return chart.svg("Reliability diagram")


def coverage_svg(rows: Sequence[Mapping[str, Any]], threshold: float | None) -> str:
    """Draw the error among the answers against the share of cells that get one, with its band."""
    known = [row for row in rows if row["error"]["value"] is not None]
    most = max((row["error"]["high"] or row["error"]["value"] for row in known), default=0.1)
    chart = Chart(
        (0, 1), (0, max(0.05, most * 1.05)), "cells that get an answer", "answers that are wrong", (True, True)
    )
    banded = [row for row in known if row["error"]["high"] is not None]
    chart.band(
        [(row["coverage"]["value"], row["error"]["low"], row["error"]["high"]) for row in banded], SERIES[0]
    )  # fmt: skip
    chart.line([(row["coverage"]["value"], row["error"]["value"]) for row in known], SERIES[0])
    if threshold is not None and known:
        used = min(known, key=lambda row: abs(row["threshold"] - threshold))
        point = (used["coverage"]["value"], used["error"]["value"])
        chart.mark(point, SERIES[1], f"threshold {threshold:.2f}", 5, square=True)
    return chart.svg("Error against coverage")


def subjects_svg(rows: Sequence[Mapping[str, Any]], task: Task, counted: str | None) -> str:
    """Draw, one dot a subject, the share of its cells that was called one class, or rightly; classes apart.

    Parameters
    ----------
    rows : sequence of mapping
        Subjects: "subject", "label", "n", and "called" with counts by class.
    task : Task
        Names the classes.
    counted : str or None
        Id of the class that is counted; None counts the cells called by their own class.
    """
    short = {entry.id: entry.short for entry in task.classes}
    said = "called rightly" if counted is None else f"called {short[counted]}"
    labels = [entry.id for entry in task.classes if any(row["label"] == entry.id for row in rows)]
    lanes = len(rows) + 2 * len(labels)
    height = _TOP + _BOTTOM + max(140, 9 * lanes)
    chart = Chart((0, 1), (0, lanes), f"cells {said}", "", (True, False), height, numbered=False)
    lane = lanes - 1.0
    for number, label in enumerate(labels):
        own = [row for row in rows if row["label"] == label]
        own.sort(key=lambda row: row["called"].get(counted or row["label"], 0) / row["n"])
        colour = SERIES[number % len(SERIES)]
        chart.aside(lane - len(own) / 2, short[label])
        for row in own:
            share = exact_interval(row["called"].get(counted or row["label"], 0), row["n"])
            value, low, high = (end or 0.0 for end in (share.value, share.low, share.high))
            chart.whisker((low, lane), (high, lane), colour)
            words = f"{row['subject']} ({short[label]}): {share.words(0, percent=True)} of {row['n']:,} cells"
            chart.mark((value, lane), colour, words, 3.5, square=number % 2 == 1)
            lane -= 1
        lane -= 2
    return chart.svg(f"Share of cells {said} by subject")


def curves_svg(history: Mapping[str, Mapping[str, Sequence[float]]], metric: str) -> str:
    """Draw learning curves of one measure: a colour a fold, training dashed, validation drawn through."""
    values = [
        value
        for curves in history.values()
        for name in (metric, f"val_{metric}")
        for value in curves.get(name, ())
        if value is not None
    ]
    last = max((curves["epochs"][-1] for curves in history.values()), default=1)
    chart = Chart((1, max(2, last)), (min(0.0, *values), max(values) * 1.05 or 1.0), "epoch", metric)
    for number, curves in enumerate(history.values()):
        colour = SERIES[number % len(SERIES)]
        for name, dash in ((metric, "3 3"), (f"val_{metric}", "")):
            points = zip(curves["epochs"], curves.get(name, ()), strict=False)
            chart.line([(x, y) for x, y in points if y is not None], colour, dash, 1.5)
    return chart.svg(f"Learning curves: {metric}")


def _ticks(ends: Point) -> list[float]:
    """Return round numbers between two ends, at most seven."""
    span = ends[1] - ends[0]
    size = 10.0 ** math.floor(math.log10(span))
    step = next(part * size for part in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if span / (part * size) <= 6)
    first = math.ceil(ends[0] / step - 1e-9)
    return [number * step for number in range(first, math.floor(ends[1] / step + 1e-9) + 1)]


def _number(value: float, *, percent: bool) -> str:
    return f"{value:.0%}" if percent else f"{value:g}"
