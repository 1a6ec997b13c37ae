"""All cells of the session by all models: one row a cell, disagreements first, and the same as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.all_models import Said
from components.cards import two_digits
from components.compare import Comparison
from components.compare_rows import common_doubts
from components.pictures import thumbnail_uri

SIDE = 96
THUMBNAIL, PICTURE, APART, AGREEMENT, MEAN = "cell", "picture", "apart", "labels", "mean"
DOUBTS = "doubts of every model"


def disagreements_first(found: Sequence[Comparison]) -> list[Comparison]:
    """Return the cells about which models differ most before the others.

    Parameters
    ----------
    found : sequence of Comparison
        All cells.

    Returns
    -------
    list of Comparison
        By how many models find another class likeliest than most do, then by how many are undecided, then by how near
        the ensemble is to the middle; cells that no model could answer stand last.
    """
    return sorted(found, key=_key)


def _key(one: Comparison) -> tuple[int, int, int, float, int]:
    undecided = dict(one.said.counts)["undecided"]
    mean = one.together.prediction if one.together else None
    top = max(mean.probabilities.values(), default=1.0) if mean else 1.0
    nothing = int(not any(count for _, count in one.leans))
    return (nothing, -one.apart, -undecided, top, one.arrival.number)


def shown_table(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the table as it is shown: a thumbnail, the agreement, the mean, and label and probability a model.

    Parameters
    ----------
    found : sequence of Comparison
        All cells, in the order wanted.
    """
    return [_shown(one) for one in found]


def _shown(one: Comparison) -> dict[str, Any]:
    picture = one.arrival.picture
    record: dict[str, Any] = {
        THUMBNAIL: thumbnail_uri(picture, SIDE) if picture else None,
        PICTURE: one.arrival.number,
        APART: f"{one.apart} of {len(one.said.counted)}" if one.apart else "",
        AGREEMENT: one.said.agreement if one.said.complete else "waiting …",
        MEAN: _mean_words(one),
    }
    record |= {entry.version.model: _words(entry, one) for entry in one.said.said}
    return record | {DOUBTS: " ".join(common_doubts(one))}


def _mean_words(one: Comparison) -> str:
    mean = one.together.prediction if one.together else None
    if mean is None:
        return "" if one.together is None else one.together.waiting
    return _label_and_figure(mean.label, mean.probabilities, one)


def _words(entry: Said, one: Comparison) -> str:
    prediction = entry.prediction
    if prediction is None:
        return "failed" if entry.answer else "…"
    return _label_and_figure(prediction.label, prediction.probabilities, one)


def _label_and_figure(label: str | None, probabilities: dict[str, float], one: Comparison) -> str:
    task = one.said.share.task
    short = {item.id: item.short for item in task.classes}
    if not probabilities:
        return "undecided"
    shown = task.positive or max(probabilities, key=probabilities.__getitem__)
    if label is None and task.positive is None:
        return f"undecided ({short[shown]} {two_digits(probabilities[shown])})"
    return f"{short[label] if label else 'undecided'} {two_digits(probabilities[shown])}"


def batch_records(found: Sequence[Comparison], *, with_names: bool = False) -> list[dict[str, Any]]:
    """Return the table as it leaves the program: one flat record a cell, the same columns in each.

    Parameters
    ----------
    found : sequence of Comparison
        All cells, in the order wanted.
    with_names : bool
        Whether file names are given; otherwise a picture is called by its number alone.
    """
    return [_record(one, with_names=with_names) for one in found]


def _record(one: Comparison, *, with_names: bool) -> dict[str, Any]:
    share, picture, mean = one.said.share, one.arrival.picture, one.together
    short = {item.id: item.short for item in share.task.classes}
    record: dict[str, Any] = {"picture": f"picture {one.arrival.number}"}
    if with_names:
        record["name"] = one.arrival.name
    record |= {
        "likeliest": one.verdict,
        "labels": one.said.agreement,
        "models apart": one.apart,
        "in a set with": share.words or None,
    }
    answer = mean.prediction if mean else None
    record["mean: models"] = len(mean.members) if mean and answer else None
    record["mean: label"] = short.get(answer.label or "", "undecided") if answer else None
    record["mean: judged by subject"] = ("yes" if mean and mean.by_subject else "no") if answer else None
    for item in share.task.classes:
        if share.task.positive in (None, item.id):
            record[f"mean: probability {item.short}"] = _figure(answer.probabilities, item.id) if answer else None
    for entry in one.said.said:
        prediction, name = entry.prediction, entry.version.model
        record[f"{name}: label"] = short.get(prediction.label or "", "undecided") if prediction else None
        for item in share.task.classes:
            if share.task.positive in (None, item.id):
                value = _figure(prediction.probabilities, item.id) if prediction else None
                record[f"{name}: probability {item.short}"] = value
        record[f"{name}: doubts"] = "; ".join(doubt.text for doubt in prediction.doubts) if prediction else None
        record[f"{name}: version"] = entry.version.version
    record["error"] = "; ".join(
        f"{entry.version.model}: {entry.answer.sentence}"
        for entry in one.said.said
        if entry.answer and entry.answer.sentence
    )
    first = next((entry.prediction for entry in one.said.said if entry.prediction), None)
    record["micrometres per pixel"] = first.microns_per_pixel if first else None
    record["scale from"] = first.scale_source if first else None
    record["pixels_sha256"] = picture.pixels_sha256 if picture else None
    answers = [entry.answer.at for entry in one.said.said if entry.answer]
    record["answered at (UTC)"] = max(answers).isoformat(timespec="seconds") if answers else None
    return record


def _figure(probabilities: dict[str, float], label: str) -> float | None:
    value = probabilities.get(label)
    return None if value is None else round(value, 4)


def summary(found: Sequence[Comparison]) -> str:
    """Return the line over the table: "12 cells: all models find the same class likeliest in 9, they part in 3".

    Parameters
    ----------
    found : sequence of Comparison
        All cells.
    """
    done = [one for one in found if one.said.complete and any(count for _, count in one.leans)]
    cells = "1 cell" if len(found) == 1 else f"{len(found)} cells"
    if not done:
        return cells
    apart = sum(one.apart > 0 for one in done)
    if not apart:
        return f"{cells}: all models find the same class likeliest"
    return f"{cells}: all models find the same class likeliest in {len(done) - apart}, they part in {apart}"
