"""The comparison of one cell as a file to take away: what the page shows, brought to a sheet of paper."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from components.all_models import Said
from components.cards import two_digits
from components.compare import Comparison, followed
from components.compare_crop import Window, crop
from components.compare_rows import common_doubts
from components.heat import Found, drawn
from components.models import model_title
from leuk_core.images import SmearImage

if TYPE_CHECKING:
    from leuk_core.prediction import Prediction
    from leuk_core.reports.compare import ComparisonSheet, Line

CELL_SIDE, MAP_SIDE = 840, 460


def sheet_of(found: Comparison, sort: str, window: Window, maps: dict[str, Found], opacity: float) -> ComparisonSheet:
    """Return what stands on the sheet; a picture is called by its number, never by its file's name.

    Parameters
    ----------
    found : Comparison
        The cell and all answers.
    sort : str
        The order of the models on the page.
    window : tuple of float
        What of the picture is shown.
    maps : dict of str to Found
        Heat maps by reference; empty where none are wanted.
    opacity : float
        Of the hottest places, from 0 to 1.

    Raises
    ------
    ValueError
        If the file was no picture.
    """
    from leuk_core.reports.compare import ComparisonSheet  # noqa: PLC0415 only where a sheet is made

    picture, share = found.arrival.picture, found.said.share
    if picture is None:
        raise ValueError(f"`found` must be about a picture. Received: file {found.arrival.number}")
    positive = next((item.short for item in share.task.classes if item.id == share.task.positive), "likeliest class")
    mean = found.together
    return ComparisonSheet(
        number=found.arrival.number,
        picture=crop(picture, window, CELL_SIDE),
        facts=tuple(_facts(found, picture)),
        followed=f"probability of {positive}",
        counts=tuple(found.said.counts),
        left_out="; ".join(part for part in (found.verdict, found.said.left_out) if part),
        common=tuple(common_doubts(found)),
        lines=tuple(_line(entry, found, window, maps, opacity) for entry in found.ordered(sort)),
        together=_together(found) if mean and mean.prediction else None,
        evidence=f"Of {', '.join(mean.members.values())}. {mean.words} {mean.beats}".strip() if mean else "",
        at=datetime.now(UTC).astimezone(),
    )


def _facts(found: Comparison, picture: SmearImage) -> list[tuple[str, str]]:
    share = found.said.share
    first = next((entry.prediction for entry in found.said.said if entry.prediction), None)
    facts = [
        ("picture", picture.pixels_sha256),
        ("size", f"{picture.width} x {picture.height} pixels"),
        ("task", share.task.title),
    ]
    if first is not None:
        known = first.microns_per_pixel
        facts.append(("scale", "unknown" if known is None else f"{known:.3g} µm per pixel ({first.scale_source})"))
    facts.append(("probabilities", f"calibrated, in a set with {share.words}" if share.words else "calibrated"))
    answers = [entry.answer.at for entry in found.said.said if entry.answer]
    if answers:
        facts.append(("answered", f"{max(answers).astimezone():%Y-%m-%d %H:%M:%S %Z}"))
    recipes = sorted({entry.prediction.recipe_hash for entry in found.said.said if entry.prediction})
    facts.append(("recipe" if len(recipes) == 1 else "recipes", ", ".join(recipes)))
    return facts


def _line(entry: Said, found: Comparison, window: Window, maps: dict[str, Found], opacity: float) -> Line:
    from leuk_core.reports.compare import Line  # noqa: PLC0415 only where a sheet is made

    version, prediction, picture = entry.version, entry.prediction, found.arrival.picture
    ref = f"{version.model}, version {version.version}"
    if entry.under_trained:
        ref += "; under-trained, not counted"
    if prediction is None:
        why = entry.answer.sentence if entry.answer else "was not asked"
        return Line(model_title(version), ref, "no answer", None, "", decided=False, doubts=(why,))
    common = common_doubts(found)
    doubts = tuple(doubt.text for doubt in prediction.doubts if doubt.text not in common)
    value = followed(entry, found.said.share)
    own = maps.get(version.ref)
    heat = drawn(own, picture, window, MAP_SIDE, opacity) if own and own.heat and picture else None
    return Line(
        title=model_title(version),
        ref=ref,
        label=_short(found, prediction.label),
        probability=value[1] if value else None,
        said=two_digits(value[1]) if value else "",
        decided=prediction.label is not None,
        doubts=(*_leaning(found, prediction), *doubts, *((prediction.warning,) if prediction.warning else ())),
        milliseconds=prediction.milliseconds,
        heat=heat,
        caption=own.caption if own else "",
    )


def _together(found: Comparison) -> Line | None:
    from leuk_core.reports.compare import Line  # noqa: PLC0415 only where a sheet is made

    mean = found.together
    if mean is None or mean.prediction is None:
        return None
    prediction, share = mean.prediction, found.said.share
    label = share.task.positive or max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    value = prediction.probabilities[label]
    return Line(
        title=mean.title,
        ref="",
        label=_short(found, prediction.label),
        probability=value,
        said=two_digits(value),
        decided=prediction.label is not None,
        doubts=(
            *_leaning(found, prediction),
            *(doubt.text for doubt in prediction.doubts if doubt.text not in common_doubts(found)),
        ),
    )


def _leaning(found: Comparison, prediction: Prediction) -> tuple[str, ...]:
    """Return whose probability the bar shows, where neither the head of the column nor the label says so."""
    if found.said.share.task.positive is not None or prediction.label is not None or not prediction.probabilities:
        return ()
    top = max(prediction.probabilities, key=prediction.probabilities.__getitem__)
    return (f"Likeliest: {_short(found, top)}.",)


def _short(found: Comparison, label: str | None) -> str:
    return next((item.short for item in found.said.share.task.classes if item.id == label), "undecided")
