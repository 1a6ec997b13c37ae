"""Answers as a table: shown on the page, and as a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.all_models import Opinions
from components.answers import Row
from components.share import Share, set_share
from leuk_core.reports.spreadsheet import to_csv

if TYPE_CHECKING:  # importing it brings scikit-learn, which a page without answers has no need of
    from leuk_core.prediction import Prediction

__all__ = ["records", "set_share", "to_csv"]


def records(
    found: Sequence[Row],
    share: Share | None,
    *,
    with_names: bool = False,
    said: Mapping[int, Opinions] | None = None,
) -> list[dict[str, Any]]:
    """Return one flat record a row, the same columns in each.

    Parameters
    ----------
    found : sequence of Row
        The rows, in the order wanted.
    share : Share or None
        The set that the answers are told for, and words for the classes; None where no model is installed.
    with_names : bool
        Whether file names are given; otherwise a picture is called by its number alone.
    said : mapping of int to Opinions, or None
        What all models said, by picture number; None leaves their columns out.

    Returns
    -------
    list of dict
        Column name to value; None where there is nothing to say.
    """
    models = next((entry.said for entry in said.values()), ()) if said else ()
    names = [entry.version.model for entry in models]
    held = said or {}
    return [
        _record(row, share, _of_all(held.get(row.arrival.number), names, share), with_names=with_names) for row in found
    ]


def _record(row: Row, share: Share | None, of_all: dict[str, Any], *, with_names: bool) -> dict[str, Any]:
    arrival, picture = row.arrival, row.arrival.picture
    prediction = row.answer.prediction if row.answer else None
    called = f"picture {arrival.number}"

    record: dict[str, Any] = {"picture": called}
    if with_names:
        record["name"] = arrival.name
    record["state"] = row.state
    if share:
        record["label"] = share.task.words(row.label) if row.label else None
        for item in share.task.classes:
            record[f"probability {item.short}"] = _probability(prediction, item.id)
        record["in a set with"] = share.words or None
    record |= of_all
    record["doubts"] = "; ".join(doubt.text for doubt in prediction.doubts) if prediction else None
    record["notes"] = "; ".join(note.text for note in picture.notes) if picture else None
    record["error"] = row.sentence or None
    record["width"] = picture.width if picture else None
    record["height"] = picture.height if picture else None
    record["micrometres per pixel"] = prediction.microns_per_pixel if prediction else None
    record["scale from"] = prediction.scale_source if prediction else None
    record["pixels_sha256"] = picture.pixels_sha256 if picture else None
    record["model"] = prediction.model if prediction else None
    record["recipe_hash"] = prediction.recipe_hash if prediction else None
    record["answered at (UTC)"] = row.answer.at.isoformat(timespec="seconds") if row.answer else None
    return record


def _of_all(said: Opinions | None, names: Sequence[str], share: Share | None) -> dict[str, Any]:
    """Return how far the models agree, and the label and the probability of each."""
    if not names or share is None:
        return {}
    short = {item.id: item.short for item in share.task.classes}
    followed = [item for item in share.task.classes if share.task.positive in (None, item.id)]
    record: dict[str, Any] = {"models": said.verdict if said else None, "labels": said.agreement if said else None}
    by_name = {entry.version.model: entry for entry in said.said} if said else {}
    for name in names:
        prediction = by_name[name].prediction if name in by_name else None
        record[f"{name}: label"] = short.get(prediction.label or "", "undecided") if prediction else None
        for item in followed:
            record[f"{name}: probability {item.short}"] = _probability(prediction, item.id)
    return record


def _probability(prediction: Prediction | None, label: str) -> float | None:
    value = prediction.probabilities.get(label) if prediction else None
    return None if value is None else round(value, 4)
