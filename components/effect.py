"""One line under the stages: what a setting did to the cell's edges, and to the model's answer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from components.cards import doubts_html, two_digits
from components.stages import Panel, Prepared
from components.table import set_share
from leuk_core.registry import Task

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Prediction

WAITING = '<span class="leuk-quiet">asking the model …</span>'


def effect_html(contrast: str, answer: str = "") -> str:
    """Return the line: edge contrast, and the answer where the model was asked."""
    return (
        '<div data-testid="leuk-effect" role="status" style="display:flex;flex-wrap:wrap;gap:0.2rem 1.6rem;'
        f'align-items:baseline;font-variant-numeric:tabular-nums">{contrast}{answer}</div>'
    )


def contrast_html(prepared: Prepared, after: Panel) -> str:
    """Return how much steeper the structure inside the cell became, against the resized picture.

    Parameters
    ----------
    prepared : Prepared
        The cell before the filter.
    after : Panel
        The cell after it.
    """
    if not prepared.found:
        return f'<span class="leuk-why">{escape(prepared.problem or "No cell was found.")}</span>'
    problem = f'<span class="leuk-quiet">{escape(prepared.problem)}</span>' if prepared.problem else ""
    before = prepared.panels[-1].contrast
    if before <= 0:
        return f"<span>edge contrast: the cell is too small to measure</span>{problem}"
    title = (
        "Mean gradient of the luminance inside the cell, its outermost three pixels left out, divided by that of the "
        "resized picture. Sharper noise counts too: look at the pictures as well."
    )
    return f'<span title="{title}">edge contrast <b>×{after.contrast / before:.1f}</b></span>{problem}'


def answer_html(classes: Task, own: Prediction, now: Prediction) -> str:
    """Return the model's answer with its own recipe and with the present one.

    Parameters
    ----------
    classes : Task
        Names the classes. The task's positive class is followed; where it has none, the one that leads with the
        model's own recipe.
    own, now : Prediction
        Answers about the same cell, with the model's own recipe and with the present one.
    """
    if not own.probabilities or not now.probabilities:
        return doubts_html((*own.doubts, *now.doubts)[:1])
    followed = classes.positive or max(own.probabilities, key=own.probabilities.__getitem__)
    short = escape(next((item.short for item in classes.classes if item.id == followed), followed))
    before, after = (escape(two_digits(answer.probabilities[followed])) for answer in (own, now))
    verdict = escape(classes.words(now.label))
    if own.recipe_hash == now.recipe_hash:
        moved = f"<span>answer: {short} <b>{after}</b>, {verdict} (the model's own recipe)</span>"
    else:
        title = "With the recipe that the model was trained with, then with this one. It has never seen such pictures."
        moved = f'<span title="{title}">answer: {short} <b>{before} → {after}</b>, now {verdict}</span>'
    share = set_share(classes)
    base = f'<span class="leuk-base">in a set with {escape(share)}</span>' if share else ""
    return moved + base + (doubts_html(now.doubts) if now.doubts else "")
