"""Small pieces of the evidence as HTML: badges, explained words, figures as bars; everything is escaped.

They belong inside an element of class "ev"; `STYLE` is the file with their looks. Colour is never the only sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from leuk_core.evaluation import paper
from leuk_core.evaluation.resampling import Estimate

STYLE = Path(__file__).with_name("tables.css")

EXPLAINED = {
    "weighted F1": "Mean over the classes of F1, which is high only where few cells of a class are missed and few "
    "others get its label; each class counts by its number of cells. 1 is perfect.",
    "AUROC": "How often a cell of the class gets a higher probability than one of the others. 0.5 is guessing, 1 is "
    "perfect.",
    "balanced accuracy": "Mean over the classes of the share of cells that were called rightly: a rare class counts as "
    "much as a frequent one.",
    "accuracy": "Share of cells that were called rightly.",
    "AUPRC": "Area under the curve of precision against recall, mean over the classes. 1 is perfect.",
    "Brier score": "Mean squared distance of the probabilities from the truth. 0 is perfect.",
    "calibration error": "How far probabilities lie from what happens, on average. 0 is perfect.",
    "found": "Recall, sensitivity: share of the cells of this class that were called so.",
    "right when called": "Precision: share of the cells called so that are of this class.",
    "trivial baseline": "Logistic regression on the cell's area and mean colour. A model has learnt something only "
    "where it beats this on the same cells.",
    "95 %": "If whole persons were drawn anew, 95 of 100 such intervals would hold the true figure.",
}


def badge(protocol: str, caption: str) -> str:
    """Return the protocol as a badge, with cells and subjects."""
    first, _, rest = caption.partition(" · ")
    numbers = f" <span>· {escape(rest)}</span>" if rest else ""
    return f'<span class="ev-badge ev-{escape(protocol)}"><b>{escape(first)}</b>{numbers}</span>'


def explained(word: str, shown: str = "") -> str:
    """Return a word with its explanation on hover, where there is one."""
    text = escape(shown or word)
    return f'<abbr title="{escape(EXPLAINED[word])}">{text}</abbr>' if word in EXPLAINED else text


def estimate_html(estimate: Estimate, form: str = ".2f") -> str:
    """Return a figure with its interval under it, in little room; `form` is how numbers are written."""
    if estimate.value is None:
        return "<small>not known</small>"
    ends = "no interval"
    if estimate.low is not None and estimate.high is not None:
        ends = f"{estimate.low:{form}} to {estimate.high:{form}}"
    return f"<b>{estimate.value:{form}}</b><br><small>{ends}</small>"


def list_html(sentences: Iterable[str]) -> str:
    """Return sentences as a list; empty for none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def axis(estimates: Iterable[Estimate]) -> tuple[float, float]:
    """Return the ends of an axis that holds these figures and their intervals, up to 1."""
    known = [value for one in estimates for value in (one.low, one.value) if value is not None]
    return (min(0.9, max(0.0, math.floor(10 * min(known, default=0.5)) / 10)), 1.0)


def scale(low: float, high: float) -> str:
    """Return the numbers that stand above bars."""
    return f'<span class="ev-scale"><span>{low:g}</span><span>{(low + high) / 2:g}</span><span>{high:g}</span></span>'


def bar(
    estimate: Estimate,
    low: float,
    high: float,
    lines: Sequence[float | None] = (),
    authors: float | None = None,
) -> str:
    """Return a figure as a dot with its interval as a bar, on an axis from `low` to `high`.

    Parameters
    ----------
    estimate : Estimate
        The figure.
    low, high : float
        Ends of the axis.
    lines : sequence of float or None
        Where thin reference lines stand: the trivial baseline.
    authors : float or None
        What the authors report, as a dotted line.
    """

    def place(value: float) -> str:
        return f"{100 * min(1.0, max(0.0, (value - low) / (high - low))):.1f}%"

    parts = [f'<u style="left:{place(line)}"></u>' for line in lines if line is not None]
    if authors is not None:
        parts.append(f'<s style="left:{place(authors)}" title="{escape(paper.REPORTED)}: {authors:.2f}"></s>')
    if estimate.low is not None and estimate.high is not None:
        left, right = (100 * min(1.0, max(0.0, (end - low) / (high - low))) for end in (estimate.low, estimate.high))
        parts.append(f'<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>')
    if estimate.value is not None:
        parts.append(f'<b style="left:{place(estimate.value)}"></b>')
    return f'<div class="ev-axis" title="{escape(estimate.words())}">{"".join(parts)}</div>'
