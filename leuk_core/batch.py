"""Answers about a hundred thousand files: a manifest in parts, each written whole, so that any stop is gone on from.

A part holds the rows of so many lines of the manifest, one line of JSON each, also for a refused file. Processes and
machines that share the folder may work at the same time, each on its own parts (a shard), or on parts that a Dask
scheduler hands out; a part that stands is never made again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from leuk_core.cluster import dask_client
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.files import Row, predict_row
from leuk_core.registry import find_version, load_task
from leuk_core.reports.spreadsheet import write_csv
from leuk_core.training.run import sweep, whole, write_json

ABOUT, TABLE = "batch.json", "answers.csv"
PART = 500
"""Lines of the manifest in a part."""

Line = tuple[str, float | None]
"""Path as the manifest writes it, and micrometres a pixel where it gives them."""


@dataclass(frozen=True)
class Batch:
    """One manifest asked of one model.

    Parameters
    ----------
    manifest : Path
        CSV with a column `path`, relative to the manifest, and maybe `microns_per_pixel`; or a folder of pictures.
    out : Path
        Folder of parts, of what was asked for (batch.json), and of the table.
    model : str
        Full reference, `<task>/<model>@<version>`.
    microns_per_pixel : float or None
        Scale of files for which the manifest gives none.
    part : int
        Lines in a part.
    n : int
        Lines of the manifest.
    """

    manifest: Path
    out: Path
    model: str
    microns_per_pixel: float | None
    part: int
    n: int

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-self.n // self.part)

    def path(self, number: int) -> Path:
        """Return the file of a part, which stands whole or not at all."""
        return self.out / "parts" / f"{number:06d}.jsonl"


@dataclass(frozen=True)
class Answered:
    """What a part came to: its number, rows, and how many of them are refusals."""

    number: int
    rows: int
    refused: int


def open_batch(
    manifest: Path, out: Path, model: str | None = None, microns_per_pixel: float | None = None, part: int = PART
) -> Batch:
    """Begin a batch, or go on with one that was begun in this folder.

    Parameters
    ----------
    manifest, out, microns_per_pixel, part
        As in `Batch`.
    model : str or None
        Reference of a version; None is the default model.

    Raises
    ------
    InvalidData
        If the manifest can't be read, or the folder holds a batch of something else.
    InvalidParameter
        If `part` is under 1.
    ModelUnavailable
        If the reference names nothing usable.
    """
    if part < 1:
        raise InvalidParameter(f"`part` must be at least 1. Received: part={part}")
    lines = read_lines(manifest)
    batch = Batch(manifest.resolve(), out.resolve(), find_version(model).ref, microns_per_pixel, part, len(lines))
    digest = hashlib.sha256("\n".join(f"{path}\t{scale}" for path, scale in lines).encode("utf-8", "surrogateescape"))
    asked = {
        "model": batch.model, "microns_per_pixel": microns_per_pixel, "part": part, "n": batch.n,
        "manifest_sha256": digest.hexdigest(),
    }  # fmt: skip
    about = batch.out / ABOUT
    if not about.is_file():
        write_json(about, asked)
    began = json.loads(about.read_text("utf-8"))
    if other := [name for name, value in asked.items() if began.get(name) != value]:
        raise InvalidData(
            f"This folder holds another batch: give an empty one. Received: {out.name}, whose {', '.join(other)} differ"
        )
    return batch


def shard(batch: Batch, words: str = "1/1") -> list[int]:
    """Return the numbers of the parts that a shard has.

    Parameters
    ----------
    batch : Batch
        The batch.
    words : str
        "i/n": the i-th of n processes, from 1. Every part is in one shard.

    Raises
    ------
    InvalidParameter
        If it is not of that form.
    """
    own, _, of = words.partition("/")
    if not (own.isascii() and own.isdecimal() and of.isascii() and of.isdecimal() and 1 <= int(own) <= int(of)):
        raise InvalidParameter(f"`shard` must be i/n with i from 1 to n, such as 2/8. Received: shard={words!r}")
    return list(range(int(own) - 1, batch.parts, int(of)))


def answer_part(batch: Batch, number: int) -> Answered:
    """Answer about the lines of one part and write it; one that stands already is only counted."""
    from leuk_core.prediction import load_predictor  # noqa: PLC0415 - a batch can be planned without a model

    path = batch.path(number)
    if not path.is_file():
        sweep(path)
        predictor = load_predictor(batch.model)
        first = number * batch.part
        with whole(path) as unfinished, unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file:
            for at, (name, scale) in enumerate(_lines(batch.manifest)[first : first + batch.part], first):
                found = predict_row(str(_place(batch.manifest) / name), predictor, scale or batch.microns_per_pixel)
                row = {"line": at, **found, "file": name}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    rows = refused = 0
    for row in _rows(path):
        rows, refused = rows + 1, refused + (not row["ok"])
    return Answered(number, rows, refused)


def answer(batch: Batch, numbers: Sequence[int]) -> Iterator[Answered]:
    """Answer about parts one after another in this process."""
    return (answer_part(batch, number) for number in numbers)


def answer_on_dask(batch: Batch, numbers: Sequence[int], scheduler: str) -> Iterator[Answered]:
    """Answer about parts on the workers of a Dask cluster, which see the same folders; in the order they end.

    Parameters
    ----------
    batch, numbers
        As in `answer`.
    scheduler : str
        Address, such as tcp://10.0.0.5:8786. A part whose worker dies is given to another.

    Raises
    ------
    InvalidData
        If the cluster can't be reached, or Dask isn't installed.
    """
    with dask_client(scheduler) as client:
        from distributed import as_completed  # noqa: PLC0415 - optional

        futures = client.map(lambda number: answer_part(batch, number), list(numbers), pure=False)
        for future in as_completed(futures, loop=client.loop):
            yield future.result()


def write_table(batch: Batch) -> Path | None:
    """Write all rows as one CSV table; None while parts are missing."""
    paths = [batch.path(number) for number in range(batch.parts)]
    if not all(path.is_file() for path in paths):
        return None
    classes = [entry.id for entry in load_task(batch.model.partition("/")[0]).classes]
    with whole(batch.out / TABLE) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        rows = (_record(row, classes) for path in paths for row in _rows(path))
        write_csv(file, rows, f"Answers of {batch.model}.")
    return batch.out / TABLE


def read_lines(manifest: Path) -> list[Line]:
    """Return the lines of a manifest, or the files of a folder and of the folders in it, by name.

    Raises
    ------
    InvalidData
        If there is no such table, no line or no file.
    """
    if manifest.is_dir():
        found: list[Line] = sorted(
            (str(path.relative_to(manifest)), None)
            for path in manifest.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )
    else:
        try:
            text = manifest.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise InvalidData(f"The manifest can't be read. Received: {manifest.name}, {reason}") from error
        header = text.partition("\n")[0]
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", restval="")
        try:
            columns, lines = table.fieldnames or (), list(enumerate(table, 2))
        except csv.Error as error:
            raise InvalidData(f"The manifest can't be read. Received: {manifest.name}, {error}") from error
        if "path" not in columns:
            raise InvalidData(
                f"A manifest needs the column `path`. Received: {manifest.name} with {header.strip()[:120]!r}"
            )
        found = [(row["path"].strip(), _scale(row.get("microns_per_pixel", ""), at)) for at, row in lines]
    if not found:
        raise InvalidData(f"There is nothing to answer about. Received: {manifest.name} with no files")
    return found


def _scale(written: str, line: int) -> float | None:
    try:
        scale = float(written) if written.strip() else None
    except ValueError:
        scale = -1.0
    if scale is not None and not 0 < scale < 100:
        raise InvalidData(f"`microns_per_pixel` must be a number above 0. Received: {written!r} in line {line}")
    return scale


def _lines(manifest: Path) -> list[Line]:
    return _read_once(manifest, 0 if manifest.is_dir() else manifest.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read_once(manifest: Path, changed: int) -> list[Line]:  # noqa: ARG001 - a changed file is read anew
    return read_lines(manifest)


def _place(manifest: Path) -> Path:
    return manifest if manifest.is_dir() else manifest.parent


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _record(row: Row, classes: list[str]) -> Row:
    shares = {f"probability_{name}": row["probabilities"].get(name) for name in classes}
    return {
        "file": row["file"],
        "label": row["label"] or ("undecided" if row["ok"] else "refused"),
        **shares,
        "doubts": " ".join(doubt["code"] for doubt in row["doubts"]),
        "error": row["error"],
        "pixels_sha256": row["pixels_sha256"],
        "model": row["model"],
        "recipe_hash": row["recipe_hash"],
    }
