"""The command line, `python -m leuk_core`: decode, predict, explain, smear, cases, backup, restore, models, doctor.

With `--json` each answer is one line of JSON on standard output, UTF-8 whatever the locale, in the order given and
written as soon as it stands. Logs go to standard error. Exit status: 0 all answered, 1 some refused, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.errors import InvalidParameter, LeukError, ModelUnavailable, RejectedPicture
from leuk_core.files import Row, open_file, predict_row, shown
from leuk_core.images import open_tiled

ANSWERED, REFUSED, WRONG_USE = 0, 1, 2
MAP_METHODS = ("grad-cam", "grad-cam++", "score-cam", "saliency", "occlusion")
_PIPE_CLOSED, _INTERRUPTED = 128 + 13, 128 + 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status.

    Parameters
    ----------
    arguments : sequence of str or None
        Words behind `python -m leuk_core`; None takes them from the command line.
    """
    # A file name that is not valid UTF-8 comes out as a JSON escape rather than as an error.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except (InvalidParameter, ModelUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    except BrokenPipeError:
        # Whoever read our lines has closed the pipe; without this Python complains once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def run_decode(options: argparse.Namespace) -> int:
    """Say of each file what it decodes to, or why it is refused."""
    return _write(map(_decoded, options.files), options, _decoded_text)


def run_predict(options: argparse.Namespace) -> int:
    """Let one model answer about each file."""
    from leuk_core.prediction import load_predictor  # noqa: PLC0415 (`decode` needs no model)

    predictor = load_predictor(options.model)
    sys.stderr.write(f"{RESEARCH_ONLY}\n")
    rows = (predict_row(path, predictor, options.microns_per_pixel) for path in options.files)
    return _write(rows, options, _predicted_text)


def run_explain(options: argparse.Namespace) -> int:
    """Draw which parts of one picture a model's answer rests on."""
    from leuk_core.prediction import load_predictor  # noqa: PLC0415 (`decode` needs no model)

    predictor = load_predictor(options.model)
    sys.stderr.write(f"{RESEARCH_ONLY}\n")
    return _write(map(partial(_explained, predictor=predictor, options=options), [options.file]), options, _map_text)


def run_smear(options: argparse.Namespace) -> int:
    """Find and sort the white cells of each field."""
    from leuk_core.cells.command import smear_text  # noqa: PLC0415 (`decode` needs no model)
    from leuk_core.cells.sort import load_sorter  # noqa: PLC0415

    predictor = load_sorter(options.model)
    sys.stderr.write(f"{RESEARCH_ONLY}\n")
    return _write(map(partial(_smeared, predictor=predictor, options=options), options.files), options, smear_text)


def run_cases(options: argparse.Namespace) -> int:
    """List, show, export or check saved cases, keep second readings and compare them."""
    from leuk_core.cases.command import case_rows, case_text  # noqa: PLC0415 (`decode` needs no database)

    sys.stderr.write(f"{RESEARCH_ONLY}\n")
    try:
        return _write(case_rows(options), options, case_text)
    except InvalidParameter:
        raise
    except LeukError as error:  # the database, or a picture that is gone
        sys.stderr.write(f"{error}\n")
        return REFUSED


def run_models(options: argparse.Namespace) -> int:
    """List the installed model versions."""
    from leuk_core.registry import list_versions  # noqa: PLC0415 (`decode` needs no model)

    rows = (
        {
            "ok": True,
            "model": entry.ref,
            "task": entry.task,
            "name": entry.model,
            "version": entry.version,
            "default": bool(entry.card.get("default")),
            "card": entry.card,
            "error": None,
        }
        for entry in list_versions()
    )
    return _write(rows, options, lambda row: f"{row['model']}{'  (default)' if row['default'] else ''}")


def run_backup(options: argparse.Namespace) -> int:
    """Copy the data folder."""
    from leuk_core.backup import back_up  # noqa: PLC0415 (`decode` needs no database)

    return _kept(lambda: back_up(options.folder), options, f"backed up into {options.folder}")


def run_restore(options: argparse.Namespace) -> int:
    """Bring a backup back."""
    from leuk_core.backup import restore  # noqa: PLC0415

    return _kept(lambda: restore(options.folder, options.into), options, f"restored into {options.into}")


def _kept(work: Callable[[], Any], options: argparse.Namespace, words: str) -> int:
    """Write one row about a backup or its return."""
    row: Row = {"ok": False, "made": None, "files": None, "bytes": None, "database": None, "error": None}
    try:
        found = work()
        row |= {"ok": True, "made": found.made, "files": found.files, "bytes": found.size, "database": found.database}
    except LeukError as error:
        row["error"] = str(error)
    return _write(iter([row]), options, lambda row: row["error"] or f"{row['files']} files of {row['made']} {words}")


def run_doctor(options: argparse.Namespace) -> int:
    """Look at everything that must be in place."""
    from leuk_core.doctor import checks  # noqa: PLC0415 (it loads TensorFlow)

    rows = ({"ok": check.ok, "check": check.name, "found": check.found, "error": check.error} for check in checks())
    return _write(rows, options, _doctor_text)


def _write(rows: Iterator[Row], options: argparse.Namespace, text: Callable[[Row], str]) -> int:
    """Write each row as soon as it stands, as JSON or as text, and return the exit status."""
    refused = False
    for row in rows:
        refused |= not row["ok"]
        line = json.dumps(row, ensure_ascii=False, default=str) if options.json else text(row)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return REFUSED if refused else ANSWERED


def _decoded(path: str) -> Row:
    """Return the `decode` row of one file."""
    row: Row = dict.fromkeys(
        (
            "file",
            "ok",
            "width",
            "height",
            "format",
            "notes",
            "file_sha256",
            "pixels_sha256",
            "microns_per_pixel",
            "error",
        )
    )
    row |= {"file": shown(path), "ok": False, "notes": []}
    try:
        image = open_file(path)
    except RejectedPicture as error:
        return row | {"error": str(error)}
    return row | {
        "ok": True,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "notes": [{"code": note.code, "text": note.text} for note in image.notes],
        "file_sha256": image.file_sha256,
        "pixels_sha256": image.pixels_sha256,
        "microns_per_pixel": image.microns_per_pixel,
    }


def _smeared(path: str, predictor: Any, options: argparse.Namespace) -> Row:
    """Return the `smear` row of one field."""
    from leuk_core.cells.command import empty_row, large_row, smear_row  # noqa: PLC0415 (`decode` needs no model)

    how = (predictor, options.microns_per_pixel, options.detector)
    try:
        return smear_row(shown(path), open_file(path), *how)
    except RejectedPicture as error:
        refusal = error
    try:
        return large_row(shown(path), open_tiled(Path(path), Path(path).name), *how)
    except RejectedPicture:  # neither small enough nor readable in parts
        return empty_row(shown(path)) | {"error": str(refusal)}


def _explained(path: str, predictor: Any, options: argparse.Namespace) -> Row:
    """Return the `explain` row of one file and write its pictures."""
    from leuk_core.explain import heat_map, overlay, to_png  # noqa: PLC0415 (`decode` needs no model)

    row: Row = {
        "file": shown(path),
        "ok": False,
        "pixels_sha256": None,
        "model": predictor.ref,
        "recipe_hash": predictor.recipe.hash,
        "method": options.method,
        "where": None,
        "label": options.label,
        "probability": None,
        "empty": None,
        "caption": None,
        "note": None,
        "out": None,
        "raw": None,
        "milliseconds": None,
        "error": None,
    }
    try:
        image = open_file(path)
    except RejectedPicture as error:
        return row | {"error": str(error)}
    found = heat_map(predictor, image, options.microns_per_pixel, options.method, options.label)
    drawn = image.pixels if found.empty else overlay(image.pixels, found.on_original(), options.opacity)
    row |= {"pixels_sha256": image.pixels_sha256, "method": found.method, "where": found.where, "label": found.label}
    try:
        options.out.write_bytes(to_png(drawn, found.caption))
        if options.raw:
            options.raw.write_bytes(found.npy())
    except OSError as error:
        where = shown(str(error.filename))
        return row | {
            "error": f"This file could not be written: choose another path. Received: {where} ({error.strerror})"
        }
    return row | {
        "ok": True,
        "probability": found.probability,
        "empty": found.empty,
        "caption": found.caption,
        "note": found.note,
        "out": shown(str(options.out)),
        "raw": shown(str(options.raw)) if options.raw else None,
        "milliseconds": round(found.milliseconds, 1),
    }


def _decoded_text(row: Row) -> str:
    """Return a `decode` row for a person."""
    if not row["ok"]:
        return f"{'refused':<30}{row['error']}"
    notes = "".join(f"\n{'':30}{note['text']}" for note in row["notes"])
    return f"{row['format']:<10}{row['width']:>6} x {row['height']:<6}     {row['file']}{notes}"


def _predicted_text(row: Row) -> str:
    """Return a `predict` row for a person."""
    if not row["ok"]:
        return f"{'refused':<40}{row['error']}"
    shares = "  ".join(f"{label} {share:.2f}" for label, share in row["probabilities"].items())
    doubts = "".join(f"\n{'':40}{doubt['text']}" for doubt in row["doubts"])
    warning = f"\n{'':40}{row['warning']}" if row["warning"] else ""
    return f"{row['label'] or 'undecided':<12}{shares:<28}{row['file']}{doubts}{warning}"


def _map_text(row: Row) -> str:
    """Return an `explain` row for a person."""
    if not row["ok"]:
        return f"{'refused':<30}{row['error']}"
    return "\n".join(filter(None, (row["out"], row["caption"], row["note"])))


def _doctor_text(row: Row) -> str:
    """Return a `doctor` row for a person."""
    state = "ok" if row["ok"] else "BROKEN"
    return f"{state:<8}{row['check']:<28}{row['found']}  {row['error'] or ''}".rstrip()


def _parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="python -m leuk_core", description=f"Leukemia smear workbench. {RESEARCH_ONLY}"
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("decode", help="what each picture file decodes to, or why it is refused")
    verb.add_argument("files", nargs="+", metavar="FILE")
    verb.set_defaults(run=run_decode)

    verb = verbs.add_parser("predict", help="what a model answers about each picture file")
    verb.add_argument("files", nargs="+", metavar="FILE")
    verb.add_argument("--model", metavar="REF", help="<task>/<model>[@version]; without it, the default model")
    verb.add_argument("--microns-per-pixel", type=_scale, metavar="X", help="scale of all these pictures")
    verb.set_defaults(run=run_predict)

    verb = verbs.add_parser("explain", help="draw which parts of a picture a model's answer rests on")
    verb.add_argument("file", metavar="FILE")
    verb.add_argument("--model", metavar="REF", help="<task>/<model>[@version]; without it, the default model")
    verb.add_argument("--method", choices=MAP_METHODS, help="without it, grad-cam for networks, occlusion for others")
    verb.add_argument("--class", dest="label", metavar="ID", help="class to explain; without it, the most probable one")
    verb.add_argument("--opacity", type=_share, default=0.5, metavar="X", help="of the hottest places, 0 to 1 (0.5)")
    verb.add_argument("--out", type=Path, required=True, metavar="PNG", help="the picture with the map over it")
    verb.add_argument("--raw", type=Path, metavar="NPY", help="the bare map, as a NumPy file")
    verb.add_argument("--microns-per-pixel", type=_scale, metavar="X", help="scale of the picture")
    verb.set_defaults(run=run_explain)

    verb = verbs.add_parser("smear", help="the white cells of each field: where, and what each resembles")
    verb.add_argument("files", nargs="+", metavar="FIELD")
    verb.add_argument("--model", metavar="REF", help="wbc-types/<model>[@version]; without it, the default one")
    verb.add_argument(
        "--detector", metavar="NAME", help="what finds the cells; without it, the one that was best on held-out fields"
    )
    verb.add_argument("--microns-per-pixel", type=_scale, metavar="X", help="scale of all these fields")
    verb.set_defaults(run=run_smear)

    _add_cases(verbs.add_parser("cases", help="saved cases: list, show, export or check them"))

    verb = verbs.add_parser("backup", help="copy all that this installation keeps, also while it is in use")
    verb.add_argument("folder", type=Path, metavar="NEW_FOLDER")
    verb.set_defaults(run=run_backup)
    verb = verbs.add_parser("restore", help="bring a backup back into a new data folder")
    verb.add_argument("folder", type=Path, metavar="BACKUP")
    verb.add_argument("--into", type=Path, required=True, metavar="NEW_DATA_FOLDER")
    verb.set_defaults(run=run_restore)

    verbs.add_parser("models", help="the installed model versions").set_defaults(run=run_models)
    verbs.add_parser("doctor", help="is everything in place?").set_defaults(run=run_doctor)
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="one line of JSON for each answer")
    return parser


def _add_cases(verb: argparse.ArgumentParser) -> None:
    """Add what stands behind `cases`."""
    words = verb.add_subparsers(required=True, dest="what", metavar="list | show | export | read | agreement | check")
    word = words.add_parser("list", help="every case, the last changed first")
    word.add_argument("name", nargs="?", metavar="TEXT", help="part of its name, stain, microscope or specimen")
    word = words.add_parser("show", help="the differential of one case")
    word.add_argument("name", metavar="CASE")
    word = words.add_parser("export", help="one file about a case; told in the trail")
    word.add_argument("name", metavar="CASE")
    forms = ("pdf", "differential", "csv", "parquet", "gallery", "fhir-r5", "fhir-r4b", "dicom-gallery", "dicom-fields")
    word.add_argument("--form", "--as", choices=forms, default="pdf", help="what it holds")
    word.add_argument("--by", required=True, metavar="NAME", help="who takes it")
    word.add_argument("--out", type=Path, required=True, metavar="PATH", help="file or folder")
    word = words.add_parser("read", help="keep what a second reader calls the cells of a case")
    word.add_argument("name", metavar="CASE")
    word.add_argument("--by", required=True, metavar="NAME", help="the second reader")
    word.add_argument("--calls", type=Path, required=True, metavar="FILE", help="CSV with the columns cell, class")
    word = words.add_parser("agreement", help="how far second readers agree with the case: Cohen's kappa")
    word.add_argument("name", metavar="CASE")
    word = words.add_parser("check", help="is the trail whole, and each confirmed case as it was confirmed?")
    word.add_argument("--known", nargs="*", default=(), metavar="MARK", help="marks that exports carry, as 12:ab34...")
    for word in words.choices.values():
        word.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one line of JSON a row")
    verb.set_defaults(run=run_cases)


def _scale(text: str) -> float:
    """Return micrometres a pixel from a word on the command line."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0. Received: {text}")
    return value


def _share(text: str) -> float:
    """Return a number from 0 to 1 from a word on the command line."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1. Received: {text}")
    return value
