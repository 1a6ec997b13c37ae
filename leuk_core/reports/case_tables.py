"""A case as tables: its cells as CSV and Parquet, its differential by the machine and by persons."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.cases.classes import BLASTS, CellClass
from leuk_core.cases.counting import CaseCount
from leuk_core.cases.gathered import Gathered
from leuk_core.cells.differential import Differential
from leuk_core.evaluation.resampling import Estimate
from leuk_core.reports.spreadsheet import to_csv


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in both counts.

    Parameters
    ----------
    code, name : str
        The class.
    blast : bool
        Whether it belongs to the blasts.
    machine : str
        What the machine counted, in words; "" where nothing.
    n : int or None
        Cells that persons gave this class; None where it was not assessed.
    share : Estimate or None
        Of the reviewed leukocytes, with its exact 95 % interval; None outside the denominator.
    words : str
        The persons' count in words.
    """

    code: str
    name: str
    blast: bool
    machine: str
    n: int | None
    share: Estimate | None
    words: str


def class_rows(count: CaseCount, classes: Iterable[CellClass]) -> list[ClassRow]:
    """Return both counts side by side: blasts first, then the most frequent class."""
    known = {entry.code: entry for entry in classes}
    blasts = {code for code, entry in known.items() if entry.kind in BLASTS}
    codes = dict.fromkeys(row.label for counted in (count.reviewed, count.machine) for row in counted.rows)
    if count.blasts:
        codes.pop("blast" if count.reviewed.row("blast") is None else "", None)
    rows = []
    for code in codes:
        row = count.reviewed.row(code)
        name = "blasts" if row is not None and row.n is None else known[code].name if code in known else code
        rows.append(
            ClassRow(
                code, name, code in blasts, _machine(count.machine, code, blast=code in blasts),
                row.n if row else 0, row.share if row else None, row.words if row else "0",
            )
        )  # fmt: skip
    outside = {row.label for row in count.reviewed.rows if row.n is not None and row.share is None}
    return sorted(rows, key=lambda row: (not row.blast, row.code in outside, -(row.n or 0)))


def cell_records(found: Gathered) -> list[dict[str, Any]]:
    """Return one flat record a cell: what the machine said, what a person decided, and by which versions."""
    fields, names = {field.number: field for field in found.fields}, found.names
    records = []
    for cell in found.cells:
        field, answer = fields[cell.field], cell.answer
        highest = max(answer.probabilities.values(), default=None)
        records.append({
            "case": found.case.name, "specimen": str(found.case.specimen), "case_state": str(found.case.state),
            "field": cell.field, "cell": cell.number,
            "x0": cell.box[0], "y0": cell.box[1], "x1": cell.box[2], "y1": cell.box[3],
            "found_by": cell.found_by, "detector": cell.detector, "detector_score": cell.score,
            "touching_edge": cell.touching_edge, "machine_type": answer.type, "machine_likeliest": answer.likeliest,
            "machine_probability": None if highest is None else round(highest, 4),
            "doubts": "; ".join(code for code, _ in answer.doubts), "model": answer.model,
            "recipe_hash": answer.recipe_hash, "state": str(cell.state), "reviewed_type": cell.reviewed_type,
            "reviewed_name": names.get(cell.reviewed_type or "", cell.reviewed_type), "reviewer": cell.reviewer,
            "pixels_sha256": field.pixels_sha256, "microns_per_pixel": field.microns_per_pixel,
            "scale_source": field.scale_source,
        })  # fmt: skip
    return records


def cells_csv(found: Gathered, mark: str) -> bytes:
    """Return the cells as a CSV file; its first line carries the mark of the trail."""
    return to_csv(cell_records(found), f"{_about(found)}, trail {mark}")


def cells_parquet(found: Gathered, mark: str) -> bytes:
    """Return the cells as a Parquet file; its metadata hold the warning and the mark of the trail."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    numbers = {"field": pa.int32(), "cell": pa.int32(), "touching_edge": pa.bool_()}
    decimals = ("x0", "y0", "x1", "y1", "detector_score", "machine_probability", "microns_per_pixel")
    numbers |= dict.fromkeys(decimals, pa.float64())
    records = cell_records(found)
    columns = list(records[0]) if records else ["case", "field", "cell"]
    about = {"warning": RESEARCH_ONLY, "program": __version__, "about": _about(found), "trail": mark}
    schema = pa.schema([(name, numbers.get(name, pa.string())) for name in columns], metadata=about)
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records, schema=schema), out)
    return out.getvalue()


def differential_csv(found: Gathered, mark: str) -> bytes:
    """Return both counts as a CSV file."""
    records = [
        {
            "class": row.name, "machine": row.machine, "reviewed": row.n,
            "of": found.count.reviewed.leukocytes if row.share else None,
            "percent": _percent(row.share.value if row.share else None),
            "low_95": _percent(row.share.low if row.share else None),
            "high_95": _percent(row.share.high if row.share else None),
            "in_words": row.words,
        }
        for row in class_rows(found.count, found.classes)
    ]  # fmt: skip
    return to_csv(records, f"{_about(found)}, trail {mark}")


def _about(found: Gathered) -> str:
    case = found.case
    by = f" by {case.confirmed_by}" if case.confirmed_by else ""
    amended = f", {case.amendments} amendments" if case.amendments else ""
    reviewed = f"{found.count.n_reviewed} of {found.count.n} cells reviewed"
    return f"{case.name}: {case.state}{by}{amended}, {reviewed}, read {found.at:%Y-%m-%d %H:%M:%S} UTC"


def _machine(counted: Differential, code: str, *, blast: bool) -> str:
    row = counted.row(code)
    if blast:
        return "not assessed"
    return row.words if row else "none"


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)
