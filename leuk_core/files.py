"""One file on disk as one answer: read, decoded, answered about, or refused with the reason in its row."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leuk_core.errors import LeukError, RejectedPicture
from leuk_core.images import SmearImage, decode
from leuk_core.images.refusals import check_bytes

if TYPE_CHECKING:
    from leuk_core.prediction import Predictor

Row = dict[str, Any]


def open_file(path: str) -> SmearImage:
    """Read and decode one file; every reason why that fails is a `RejectedPicture` that names the file."""
    file = Path(path)
    try:
        return decode(_bytes_of(file), file.name)
    except RejectedPicture as error:
        refusal = error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        refusal = RejectedPicture(f"This file could not be read (received {reason!r}): check the path and its rights.")
    raise RejectedPicture(refusal.about(shown(file.name or path))) from refusal


def shown(path: str) -> str:
    """Return a path as text, read as UTF-8 even where the locale made Python read it as ASCII."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")


def _bytes_of(file: Path) -> bytes:
    """Return the bytes of a file whose size was looked at first."""
    if not file.is_file():
        what = "a folder" if file.is_dir() else "something that is not a file" if file.exists() else "no such file"
        raise RejectedPicture(f"This path does not lead to a picture (received {what}): give the path of a file.")
    check_bytes(file.stat().st_size)
    return file.read_bytes()


def predict_row(path: str, predictor: Predictor, microns_per_pixel: float | None) -> Row:
    """Return the `predict` row of one file."""
    row: Row = {
        "file": shown(path),
        "ok": False,
        "pixels_sha256": None,
        "label": None,
        "probabilities": {},
        "doubts": [],
        "warning": "",
        "notes": [],
        "model": predictor.ref,
        "recipe_hash": predictor.recipe.hash,
        "error": None,
    }
    try:
        image = open_file(path)
        answer = predictor.predict(image, microns_per_pixel=microns_per_pixel)
    except LeukError as error:
        return row | {"error": str(error)}
    return row | {
        "ok": True,
        "pixels_sha256": answer.pixels_sha256,
        "label": answer.label,
        "probabilities": answer.probabilities,
        "doubts": [{"code": doubt.code, "text": doubt.text} for doubt in answer.doubts],
        "warning": answer.warning,
        "notes": [{"code": note.code, "text": note.text} for note in image.notes],
        "model": answer.model,
        "recipe_hash": answer.recipe_hash,
    }
