"""The rows of the page Compare as HTML: agreement, the ensemble set apart, one row a model."""

from __future__ import annotations

from html import escape

from components.all_models import Said
from components.cards import track_html, two_digits
from components.classes import part_kind
from components.compare import Comparison, followed
from components.compare_ensemble import OF_ONE_MODEL, Together
from components.expected import row_sentence
from components.models import model_title, threshold_of
from components.share import Share
from leuk_core.registry import Task

UNDER_TRAINED = "under-trained"
ZONE = "Between the dashed lines a model gives no label."
MS = (
    "Milliseconds from the decoded picture to the answer. What one model has prepared is not prepared again for the "
    "next, so that the first one asked takes longest."
)


def agreement_html(found: Comparison) -> str:
    """Return how many models give each label as a single bar, with what they find likeliest under it.

    Parameters
    ----------
    found : Comparison
        The answers so far.
    """
    said = found.said
    if said.complete:
        verdict, counts = found.verdict, said.counts
    else:
        asked = sum(entry.answer is not None for entry in said.said)
        verdict, counts = f"{asked} of {len(said.said)} models asked", said.counts
    parts = "".join(
        f'<span class="leuk-part leuk-part-{part_kind(place, counts)}" style="flex-grow:{count}"><b>{count}</b> '
        f"{escape(name)}</span>"
        for place, (name, count) in enumerate(counts)
        if count
    )
    waiting = len(said.said) - sum(entry.answer is not None for entry in said.said)
    if waiting:
        parts += f'<span class="leuk-part leuk-cmp-waiting" style="flex-grow:{waiting}">…</span>'
    words = f"{verdict}; {said.left_out}" if said.left_out else verdict
    return (
        f'<div class="leuk-cmp-agreement"><span class="leuk-parts" role="img" aria-label="{escape(said.agreement)}">'
        f'{parts}</span><span class="leuk-quiet">{escape(words)}</span></div>'
    )


def together_html(found: Comparison) -> str:
    """Return the ensemble's row with its evidence; empty where there is no ensemble.

    Parameters
    ----------
    found : Comparison
        The answers so far.
    """
    mean = found.together
    if mean is None:
        return ""
    members = ", ".join(mean.members.values())
    name = f"<b>{escape(mean.title)}</b>"
    if mean.prediction is None:
        return (
            f'<div class="leuk-cmp-row leuk-cmp-together" title="{escape(members)}"><div>{name}</div>'
            f'<div class="leuk-cmp-wide leuk-quiet">{escape(mean.waiting)}</div></div>'
        )
    share = found.said.share
    prediction = mean.prediction
    threshold = mean.evidence.threshold if mean.evidence else 0.0
    top = max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    shown = share.task.positive or top
    common = common_doubts(found)
    doubts = [_short(doubt.code, doubt.text, threshold) for doubt in prediction.doubts if doubt.text not in common]
    return (
        f'<div class="leuk-cmp-row leuk-cmp-together" title="{escape(members)}"><div>{name}</div>'
        f"<div>{_label(prediction.label, share.task)}</div>"
        f"<div>{_meter(shown, prediction.probabilities[shown], share, threshold, decided=prediction.label is not None)}"
        f'</div><div class="leuk-cmp-doubts">{_doubts(doubts, shared=bool(common))}</div><div></div>'
        f'<div class="leuk-cmp-evidence" title="{escape(mean.beats)}">{escape(_evidence(mean, share))}</div></div>'
    )


def _evidence(mean: Together, share: Share) -> str:
    also = mean.also_called(share.task)
    sentence = f" Of its label: {row_sentence(also, moved=share.moved)}." if also else ""
    return mean.words + sentence


def head_html(share: Share) -> str:
    """Return the heads of the columns.

    Parameters
    ----------
    share : Share
        The set that probabilities are told for.
    """
    task = share.task
    positive = next((item.short for item in task.classes if item.id == task.positive), "likeliest class")
    words = f"{positive}, in a set with {share.words}" if share.words else positive
    cells = (("model", ""), ("label", ""), (words, f"{ZONE} {share.rule}"), ("doubt", ""), ("ms", MS))
    inside = "".join(f'<div title="{escape(title)}">{escape(text)}</div>' for text, title in cells)
    return f'<div class="leuk-cmp-row leuk-cmp-head">{inside}</div>'


def common_html(found: Comparison) -> str:
    """Return the doubts that every model has, said once above the rows; empty where there is none."""
    lines = "".join(f'<div role="listitem">{escape(text)}</div>' for text in common_doubts(found))
    return f'<div class="leuk-doubts leuk-cmp-common" role="list">{lines}</div>' if lines else ""


def row_html(entry: Said, found: Comparison) -> str:
    """Return one model's row: name, label, probability, doubts, milliseconds.

    Parameters
    ----------
    entry : Said
        The model and its answer.
    found : Comparison
        What all say: doubts that every model has are not repeated.
    """
    share, version = found.said.share, entry.version
    mark = f' <span class="leuk-mark">{UNDER_TRAINED}</span>' if entry.under_trained else ""
    name = f'<div title="{escape(version.ref)}"><b>{escape(model_title(version))}</b>{mark}</div>'
    prediction = entry.prediction
    if prediction is None:
        why = entry.answer.sentence if entry.answer else "waiting …"
        return f'<div class="leuk-cmp-row">{name}<div class="leuk-cmp-wide leuk-quiet">{escape(why)}</div></div>'
    threshold = threshold_of(version)
    meter = "–"
    if (value := followed(entry, share)) is not None:
        meter = _meter(*value, share, threshold, decided=prediction.label is not None)
    common = common_doubts(found)
    doubts = [_short(doubt.code, doubt.text, threshold) for doubt in prediction.doubts if doubt.text not in common]
    if prediction.warning:
        doubts.append((prediction.warning, "Holds for every answer of this model."))
    return (
        f'<div class="leuk-cmp-row">{name}<div>{_label(prediction.label, share.task)}</div><div>{meter}</div>'
        f'<div class="leuk-cmp-doubts">{_doubts(doubts, shared=bool(common))}</div>'
        f'<div class="leuk-cmp-ms">{prediction.milliseconds:.0f}</div></div>'
    )


def common_doubts(found: Comparison) -> list[str]:
    """Return the doubts that every answer carries, in order; none until all models were asked."""
    answers = [entry.prediction for entry in found.said.said if entry.prediction is not None]
    if len(answers) < 2 or not found.said.complete:
        return []
    every = [{doubt.text for doubt in prediction.doubts} for prediction in answers]
    return [doubt.text for doubt in answers[0].doubts if all(doubt.text in one for one in every)]


def _short(code: str, text: str, threshold: float) -> tuple[str, str]:
    """Return a doubt in few words, and the whole sentence for hover."""
    if code == OF_ONE_MODEL:
        return f"under its threshold, {threshold:.2f}", text
    return text, ""


def _doubts(doubts: list[tuple[str, str]], *, shared: bool) -> str:
    if not doubts:
        return f'<span class="leuk-quiet">{"only those above" if shared else "no doubt found"}</span>'
    lines = "".join(
        f'<div role="listitem" title="{escape(title or text)}">{escape(text)}</div>' for text, title in doubts
    )
    return f'<div class="leuk-doubts" role="list">{lines}</div>'


def _label(label: str | None, task: Task) -> str:
    short = next((item.short for item in task.classes if item.id == label), None)
    if short is None:
        return '<i class="leuk-cmp-label">undecided</i>'
    return f'<b class="leuk-cmp-label" title="{escape(task.words(label))}">{escape(short)}</b>'


def _meter(label: str, value: float, share: Share, threshold: float, *, decided: bool) -> str:
    """Return a bar from 0 to 1 with the figure; between the thresholds, where no label is given, it is marked."""
    kind = "leuk-top" if decided else "leuk-other"
    named = "" if share.task.positive else next(item.short for item in share.task.classes if item.id == label) + " "
    zone = ""
    if len(share.task.classes) == 2 and threshold > 0.5 and not share.moved:
        words = f"No label from {1 - threshold:.2f} to {threshold:.2f}"
        zone = (
            f'<span class="leuk-cmp-zone" title="{words}" style="left:{100 * (1 - threshold):.1f}%;'
            f'width:{100 * (2 * threshold - 1):.1f}%"></span>'
        )
    return (
        f'<span class="leuk-meter {kind}"><span class="leuk-cmp-track">{track_html(value)}{zone}</span>'
        f"<b>{escape(named)}{escape(two_digits(value))}</b></span>"
    )
