"""`python -m leuk_core smear`: the rows that it writes, one a field."""

from __future__ import annotations

from typing import Any

from leuk_core.cells.detect import SCALE_UNKNOWN, find_cells
from leuk_core.cells.detectors import detector_ref
from leuk_core.cells.differential import NOT_ASSESSED
from leuk_core.cells.large import cells_in_parts, large_scale
from leuk_core.cells.sort import SortedCell, sort_cells
from leuk_core.images import Note, SmearImage, TiledImage
from leuk_core.prediction import Predictor

IN_PARTS = Note("in-parts", "the picture is large and was read a part at a time")


def empty_row(file: str) -> dict[str, Any]:
    """Return the row of a field about which nothing is known yet."""
    return {
        "file": file,
        "ok": False,
        "pixels_sha256": None,
        "width": None,
        "height": None,
        "microns_per_pixel": None,
        "scale_source": None,
        "detector": None,
        "model": None,
        "recipe_hash": None,
        "cells": [],
        "blasts": NOT_ASSESSED,
        "notes": [],
        "warning": "",
        "error": None,
    }


def smear_row(
    file: str, image: SmearImage, predictor: Predictor, microns_per_pixel: float | None, detector: str | None
) -> dict[str, Any]:
    """Return the row of one field: its cells with boxes, types, probabilities and doubts."""
    field = find_cells(image, microns_per_pixel, detector)
    cells = sort_cells(image, field, predictor)
    notes = (*image.notes, *field.notes)
    return empty_row(file) | {
        "ok": True,
        "pixels_sha256": image.pixels_sha256,
        "width": image.width,
        "height": image.height,
        "microns_per_pixel": field.microns_per_pixel,
        "scale_source": field.scale_source,
        "detector": field.detector,
        "model": predictor.ref,
        "recipe_hash": predictor.recipe.hash,
        "cells": [_cell(entry) for entry in cells],
        "notes": [{"code": note.code, "text": note.text} for note in notes],
        "warning": predictor.version.card.get("warning", ""),
    }


def large_row(
    file: str, picture: TiledImage, predictor: Predictor, microns_per_pixel: float | None, detector: str | None
) -> dict[str, Any]:
    """Return the row of a picture that is too large to be decoded whole; it has no `pixels_sha256`."""
    scale, source = large_scale(picture, microns_per_pixel)
    cells = list(cells_in_parts(picture, predictor, scale, detector))
    notes = [IN_PARTS, SCALE_UNKNOWN] if source == "unknown" else [IN_PARTS]
    return empty_row(file) | {
        "ok": True,
        "width": picture.width,
        "height": picture.height,
        "microns_per_pixel": scale,
        "scale_source": source,
        "detector": detector_ref(detector),
        "model": predictor.ref,
        "recipe_hash": predictor.recipe.hash,
        "cells": [_cell(entry) for entry in cells],
        "notes": [{"code": note.code, "text": note.text} for note in notes],
        "warning": predictor.version.card.get("warning", ""),
    }


def _cell(entry: SortedCell) -> dict[str, Any]:
    """Return one cell as JSON wants it."""
    return {
        "box": [round(value, 1) for value in entry.cell.box],
        "score": round(entry.cell.score, 3),
        "touching_edge": entry.cell.touching_edge,
        "type": entry.type,
        "probabilities": entry.probabilities,
        "doubts": [{"code": doubt.code, "text": doubt.text} for doubt in entry.doubts],
    }


def smear_text(row: dict[str, Any]) -> str:
    """Return a row for a person."""
    if not row["ok"]:
        return f"{'refused':<30}{row['error']}"
    scale = f"{row['microns_per_pixel']:.3f} um/pixel by {row['scale_source']}" if row["microns_per_pixel"] else "?"
    lines = [f"{row['file']}: {len(row['cells'])} white cells, scale {scale}; blasts {row['blasts']}"]
    lines += [f"    {note['text']}" for note in row["notes"]]
    for cell in row["cells"]:
        said = cell["type"] or "undecided"
        doubts = ", ".join(doubt["code"] for doubt in cell["doubts"])
        lines.append(f"    {said:<14}{' '.join(f'{value:.0f}' for value in cell['box']):<24}{doubts}")
    return "\n".join(lines)
