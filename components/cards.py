"""Small pieces of page that show an answer: probability bars, reasons for doubt, a row a picture.

Written as HTML, since a page of 300 rows made of widgets would be slow; everything from outside is escaped.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from components.answers import Row
from components.classes import FEW, are_many
from components.pictures import thumbnail_uri
from components.share import Share, set_share
from leuk_core.registry import ClassCard

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Doubt, Prediction

THUMBNAIL_SIDE = 192


@dataclass(frozen=True)
class Aside:
    """A remark beside the doubts of a row: no doubt, but to be read with the answer.

    Parameters
    ----------
    text : str
        One short sentence.
    title : str
        Hover text: where it comes from.
    strong : bool
        Whether it asks for attention.
    """

    text: str
    title: str = ""
    strong: bool = False


def shown_name(name: str) -> str:
    r"""Return a file name that is safe to show: escaped, without control and direction characters.

    Parameters
    ----------
    name : str
        As received.

    Examples
    --------
    >>> shown_name("<b>\u202ecell.png")
    '&lt;b&gt;cell.png'
    """
    kept = "".join(sign for sign in name if unicodedata.category(sign) not in {"Cc", "Cf", "Cs"})
    return escape(kept)


def two_digits(probability: float) -> str:
    """Return a probability with two digits that never claims certainty.

    Parameters
    ----------
    probability : float
        From 0 to 1.

    Examples
    --------
    >>> two_digits(0.934), two_digits(0.998), two_digits(0.001)
    ('0.93', '> 0.99', '< 0.01')
    """
    if probability > 0.99 and round(probability, 2) == 1:
        return "> 0.99"
    if probability < 0.01 and round(probability, 2) == 0:
        return "< 0.01"
    return f"{probability:.2f}"


def bars_html(prediction: Prediction, share: Share) -> str:
    """Return a bar a class (of many the likeliest three), with name and two digits, and the set that they hold for.

    Parameters
    ----------
    prediction : Prediction
        With probabilities by class id, as they read in that set.
    share : Share
        The set; its task names the classes.
    """
    if not prediction.probabilities:
        return '<div class="leuk-bars"></div>'
    lines = [_bar(item, prediction, share) for item in _told(prediction, share)]
    rest = _rest(prediction, share)
    base = (
        f'<div class="leuk-base" title="{escape(share.rule)}">{_base(prediction, share)}</div>' if share.words else ""
    )
    return f'<div class="leuk-bars">{"".join(lines)}{rest}{base}</div>'


def _told(prediction: Prediction, share: Share) -> list[ClassCard]:
    """Return the classes that get a bar: all of few, of many the likeliest three, the likeliest first."""
    known = [item for item in share.task.classes if item.id in prediction.probabilities]
    if not are_many(share.task):
        return known
    return sorted(known, key=lambda item: -prediction.probabilities[item.id])[:FEW]


def _bar(item: ClassCard, prediction: Prediction, share: Share) -> str:
    value = prediction.probabilities[item.id]
    leads = value == max(prediction.probabilities.values()) and prediction.label is not None
    wide = ' style="grid-template-columns:6.2rem 1fr 3.2rem"' if are_many(share.task) else ""
    return (
        f'<div class="leuk-bar {"leuk-top" if leads else "leuk-other"}"{wide} title="{escape(item.words)}">'
        f"<span>{escape(item.short)}</span>{track_html(value)}<b>{escape(two_digits(value))}</b></div>"
    )


def _rest(prediction: Prediction, share: Share) -> str:
    """Return one line for the classes without a bar, each with its figure on hover; empty where there is none."""
    told, values = _told(prediction, share), prediction.probabilities
    left = [item for item in share.task.classes if item.id in values and item not in told]
    if not left:
        return ""
    each = ", ".join(f"{item.short} {two_digits(values[item.id])}" for item in left)
    together = two_digits(sum(values[item.id] for item in left))
    return f'<div class="leuk-quiet" title="{escape(each)}">{len(left)} other classes together {escape(together)}</div>'


def _base(prediction: Prediction, share: Share) -> str:
    """Return the set that the probabilities hold for and, in another set than the training set, the label's there."""
    words = f"in a set with {escape(share.words)}"
    if not share.moved or prediction.label is None:
        return words
    value = share.as_trained(prediction)[prediction.label]
    return f"{words}<br>label: {escape(two_digits(value))} in a set with {escape(set_share(share.task))}"


def track_html(probability: float) -> str:
    """Return a bar from 0 to 1, filled as far as a probability; the figure stands beside it as text."""
    return f'<span class="leuk-track" aria-hidden="true"><i style="width:{100 * probability:.1f}%"></i></span>'


def doubts_html(doubts: Iterable[Doubt]) -> str:
    """Return the reasons for doubt as a list, each with a mark; "no doubt found" where there is none.

    Parameters
    ----------
    doubts : iterable of Doubt
        In the order found.
    """
    lines = "".join(f'<div role="listitem">{escape(doubt.text)}</div>' for doubt in doubts)
    if not lines:
        return '<div class="leuk-quiet">no doubt found</div>'
    return f'<div class="leuk-doubts" role="list">{lines}</div>'


def asides_html(asides: Iterable[Aside]) -> str:
    """Return remarks as a list; empty where there is none."""
    lines = "".join(
        f'<div class="leuk-aside{" leuk-strong" if aside.strong else ""}" title="{escape(aside.title)}">'
        f"{escape(aside.text)}</div>"
        for aside in asides
    )
    return f'<div class="leuk-asides">{lines}</div>' if lines else ""


def row_html(row: Row, share: Share | None, *, asides: Sequence[Aside] = (), room: bool = False) -> str:
    """Return one file's row: thumbnail, label, probabilities, reasons for doubt, remarks, notes.

    Parameters
    ----------
    row : Row
        The file and its answer.
    share : Share or None
        The set that the answer is told for, with words for the classes; None where no model is installed.
    asides : sequence of Aside
        Remarks under the doubts.
    room : bool
        Whether room is kept under it for the details that are drawn later, so that nothing jumps then.
    """
    arrival, picture = row.arrival, row.arrival.picture
    if picture is None:
        thumb = '<div class="leuk-thumb leuk-none" aria-hidden="true">×</div>'
        size = ""
    else:
        uri = thumbnail_uri(picture, THUMBNAIL_SIDE)
        thumb = f'<img class="leuk-thumb" alt="picture {arrival.number}" src="{uri}">'
        size = f" · <span>{picture.width} × {picture.height} px</span>"
    notes = "".join(f'<div class="leuk-note">{escape(note.text)}</div>' for note in (picture.notes if picture else ()))
    file = f'<div class="leuk-file">picture {arrival.number} · <bdi>{shown_name(arrival.name)}</bdi>{size}</div>'
    rule = f' title="{escape(share.rule)}"' if share and row.state == "answered" else ""
    label = f'<div class="leuk-label"{rule}>{escape(_label(row, share))}</div>'
    says = f'<div class="leuk-says">{label}{file}{notes}</div>'
    kind = f"leuk-row leuk-{row.state}" + (" leuk-room" if room and picture is not None else "")
    return f'<div class="{kind}" role="group">{thumb}{says}{_evidence(row, share, asides)}</div>'


def _label(row: Row, share: Share | None) -> str:
    if row.state == "answered" and share:
        return share.task.words(row.label)
    return {"waiting": "waiting" if share else "no model to ask", "failed": "no answer"}.get(row.state, row.state)


def _evidence(row: Row, share: Share | None, asides: Sequence[Aside]) -> str:
    prediction = row.answer.prediction if row.answer else None
    if prediction is not None and share is not None:
        return f"{bars_html(prediction, share)}<div>{doubts_html(prediction.doubts)}{asides_html(asides)}</div>"
    return f'<div class="leuk-why">{escape(row.sentence)}</div>' if row.sentence else ""
