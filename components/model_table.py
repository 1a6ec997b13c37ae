"""All models' answers about one cell as a table, with their agreement as a single bar on top."""

from __future__ import annotations

from html import escape

from components.all_models import DISAGREE_RULE, Opinions, Said
from components.cards import Aside, track_html, two_digits
from components.classes import part_kind
from components.models import model_title, threshold_of
from components.share import Share

UNDER_TRAINED = "under-trained"


def aside(said: Opinions) -> Aside:
    """Return what all models say about a cell as one remark: "2 of 5 models disagree: 3 ALL, 2 normal, 0 undecided".

    Parameters
    ----------
    said : Opinions
        The answers so far.
    """
    if not said.complete:
        return Aside(f"{said.verdict} …")
    title = f"{DISAGREE_RULE} {said.left_out}.".strip(" .") + "."
    return Aside(f"{said.verdict}: {said.agreement}", title, strong=said.other > 0)


def table_html(said: Opinions) -> str:
    """Return the agreement as a bar and a table with a line a model; answers that are waited for are said to be.

    Parameters
    ----------
    said : Opinions
        The answers so far.
    """
    common = _common(said)
    under = "".join(f"<div>All models: {escape(text)}</div>" for text in common)
    heads = ("model", "label", _followed(said.share), "doubts", "threshold", "ms")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    lines = "".join(_line(entry, said.share, common) for entry in said.said)
    return (
        f'<div class="leuk-all">{_agreement(said)}<table class="leuk-table"><thead><tr>{head}</tr></thead>'
        f'<tbody>{lines}</tbody></table><div class="leuk-quiet">{under}{escape(DISAGREE_RULE)}</div></div>'
    )


def _agreement(said: Opinions) -> str:
    parts = "".join(
        f'<span class="leuk-part leuk-part-{part_kind(place, said.counts)}" style="flex-grow:{count}">{count} '
        f"{escape(name)}</span>"
        for place, (name, count) in enumerate(said.counts)
        if count
    )
    left_out = f'<span class="leuk-quiet">{escape(said.left_out)}</span>' if said.left_out else ""
    return (
        f'<div class="leuk-agreement"><b>{escape(said.verdict)}</b>'
        f'<span class="leuk-parts" role="img" aria-label="{escape(said.agreement)}">{parts}</span>{left_out}</div>'
    )


def _followed(share: Share) -> str:
    """Return the head of the probabilities: whose they are, and in which set."""
    positive = next((item.short for item in share.task.classes if item.id == share.task.positive), "likeliest class")
    return f"{positive}, in a set with {share.words}" if share.words else positive


def _line(entry: Said, share: Share, common: list[str]) -> str:
    name = escape(model_title(entry.version))
    if entry.under_trained:
        name += f' <span class="leuk-mark">{UNDER_TRAINED}</span>'
    head = f'<th scope="row" title="{escape(entry.version.ref)}">{name}</th>'
    prediction = entry.prediction
    if prediction is None:
        why = entry.answer.sentence if entry.answer else "waiting"
        return f'<tr>{head}<td colspan="5">{escape(why)}</td></tr>'
    short = {item.id: item.short for item in share.task.classes}
    label = f"<b>{escape(short[prediction.label])}</b>" if prediction.label else "<i>undecided</i>"
    probability = "–"
    if prediction.probabilities:
        followed = share.task.positive or max(prediction.probabilities, key=prediction.probabilities.__getitem__)
        value = prediction.probabilities[followed]
        named = "" if share.task.positive else f"{escape(short[followed])} "
        kind = "leuk-top" if prediction.label is not None else "leuk-other"
        probability = f'<span class="leuk-meter {kind}">{track_html(value)}<b>{named}{two_digits(value)}</b></span>'
    own = [doubt.text for doubt in prediction.doubts if doubt.text not in common]
    doubts = "<br>".join(map(escape, own)) or ("as all" if common else "none")
    if prediction.warning:
        doubts += f"<br><i>{escape(prediction.warning)}</i>"
    return (
        f"<tr>{head}<td>{label}</td><td>{probability}</td><td>{doubts}</td>"
        f"<td>{threshold_of(entry.version):.2f}</td><td>{prediction.milliseconds:.0f}</td></tr>"
    )


def _common(said: Opinions) -> list[str]:
    """Return the doubts that every model has, in order: said once, not in each line."""
    found = [entry.prediction for entry in said.said if entry.prediction is not None]
    if len(found) < 2 or not said.complete:
        return []
    return [
        doubt.text
        for doubt in found[0].doubts
        if all(doubt.text in [other.text for other in prediction.doubts] for prediction in found)
    ]
