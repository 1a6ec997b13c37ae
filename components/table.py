"""Answers as a table: shown on the page, and as a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from components.answers import Row
from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.registry import Task

BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def records(found: Sequence[Row], classes: Task | None, *, with_names: bool = False) -> list[dict[str, Any]]:
    """Return one flat record a row, the same columns in each.

    Parameters
    ----------
    found : sequence of Row
        The rows, in the order wanted.
    classes : Task or None
        The task, for the words of its classes; None where no model is installed.
    with_names : bool
        Whether file names are given; otherwise a picture is called by its number alone.

    Returns
    -------
    list of dict
        Column name to value; None where there is nothing to say.
    """
    return [_record(row, classes, with_names=with_names) for row in found]


def _record(row: Row, classes: Task | None, *, with_names: bool) -> dict[str, Any]:
    arrival, picture = row.arrival, row.arrival.picture
    prediction = row.answer.prediction if row.answer else None
    called = f"picture {arrival.number}"

    record: dict[str, Any] = {"picture": called}
    if with_names:
        record["name"] = arrival.name
    record["state"] = row.state
    if classes:
        label = prediction.label if prediction else None
        record["label"] = classes.words(label) if label else None
        for item in classes.classes:
            value = prediction.probabilities.get(item.id) if prediction else None
            record[f"probability {item.short}"] = None if value is None else round(value, 4)
        record["in a set with"] = set_share(classes) or None
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


def set_share(classes: Task) -> str:
    """Return what a probability is relative to, such as "63 % ALL cells".

    Parameters
    ----------
    classes : Task
        A task with the share of each class in the data that its model learnt from.

    Returns
    -------
    str
        The positive class's share where the task has one, every class's otherwise; empty where it does not say.
    """
    shares = classes.training_share
    if not shares:
        return ""
    named = [item for item in classes.classes if classes.positive in (None, item.id)]
    return ", ".join(f"{100 * shares[item.id]:.0f} % {item.short}" for item in named if item.id in shares) + " cells"


def to_csv(table: Sequence[dict[str, Any]]) -> bytes:
    """Return records as a CSV file: UTF-8 with a byte order mark, a research-only line first.

    Parameters
    ----------
    table : sequence of dict
        What `records` returns.

    Returns
    -------
    bytes
        The file. A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Examples
    --------
    >>> print(to_csv([{"picture": "picture 1", "name": "=1+1"}]).decode("utf-8-sig").splitlines()[2])
    picture 1,'=1+1
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([f"# {RESEARCH_ONLY} Leukemia smear workbench {__version__}."])
    if table:
        writer.writerow(table[0].keys())
        writer.writerows([_harmless(value) for value in record.values()] for record in table)
    return (BYTE_ORDER_MARK + out.getvalue()).encode("utf-8")


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
