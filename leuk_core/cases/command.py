"""`python -m leuk_core cases list | show | export | read | agreement | check`: the rows that it writes."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leuk_core.cases import BLASTS, CaseState, agreements, check_case, list_classes, read_cells, search_cases, trail
from leuk_core.cases.export import export_case
from leuk_core.cases.gathered import gather
from leuk_core.errors import InvalidParameter, LeukError
from leuk_core.reports.case_tables import class_rows

Row = dict[str, Any]
_PAGE = 200


def case_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Give the rows of one of the words behind `cases`."""
    words = {
        "list": _list, "show": _show, "export": _export, "read": _read, "agreement": _agreement, "check": _check,
    }  # fmt: skip
    return words[options.what](options)


def case_text(row: Row) -> str:
    """Return a row for a person."""
    if not row["ok"]:
        return f"refused  {row['error']}"
    return str(row["text"])


def _list(options: argparse.Namespace) -> Iterator[Row]:
    classes, seen = list_classes(), 0
    blasts = {entry.code for entry in classes if entry.kind in BLASTS}
    while page := search_cases(options.name or "", limit=_PAGE, offset=seen):
        seen += len(page)
        for entry in page:
            case = entry.case
            called = sum(n for code, n in entry.called.items() if code in blasts)
            row = {
                "id": case.id, "name": case.name, "state": str(case.state), "specimen": str(case.specimen),
                "changed": case.changed.isoformat(timespec="seconds"), "fields": entry.fields, "cells": entry.cells,
                "open": entry.open, "blasts_called": called or None, "confirmed_by": case.confirmed_by or None,
            }  # fmt: skip
            text = f"{case.name:<24}{case.state:<11}{entry.cells:>6} cells, {entry.open} open  {case.confirmed_by}"
            yield {"ok": True, "error": None, **row, "text": text.rstrip()}


def _show(options: argparse.Namespace) -> Iterator[Row]:
    found = gather(_find(options.name))
    count = found.count
    yield {
        "ok": True, "error": None, "name": found.case.name, "state": str(found.case.state), "cells": count.n,
        "reviewed": count.n_reviewed, "blasts": count.blast_words, "lines": count.lines.words if count.lines else None,
        "text": f"{found.case.name}, {found.case.state}: {count.n_reviewed} of {count.n} cells reviewed; blasts: "
        f"{count.blast_words}{f'; {count.lines.words}' if count.lines else ''}",
    }  # fmt: skip
    for row in class_rows(count, found.classes):
        share = row.share
        yield {
            "ok": True, "error": None, "class": row.code, "reviewed": row.n, "machine": row.machine,
            "share": share and share.value, "low": share and share.low, "high": share and share.high,
            "text": f"    {row.name:<26}{row.words:<36}machine: {row.machine}",
        }  # fmt: skip


def _export(options: argparse.Namespace) -> Iterator[Row]:
    made = export_case(_find(options.name), options.by, options.form)
    target = options.out / made.name if options.out.is_dir() else options.out
    try:
        target.write_bytes(made.data)
    except OSError as error:
        reason = f"This file could not be written: choose another path. Received: {target} ({error.strerror})"
        yield {"ok": False, "error": reason}
        return
    yield {"ok": True, "error": None, "out": str(target), "bytes": len(made.data), "text": str(target)}


def _read(options: argparse.Namespace) -> Iterator[Row]:
    case_id, calls = _find(options.name), _calls(options.calls)
    total = read_cells(case_id, options.by, calls)
    text = f"{options.by}: {len(calls)} calls kept, {total} cells called so far"
    yield {"ok": True, "error": None, "kept": len(calls), "called": total, "text": text}


def _calls(path: Path) -> dict[int, str]:
    """Read which class a person calls which cell; classes by code or by name."""
    codes = {entry.name.casefold(): entry.code for entry in list_classes()} | {"not counted": "not-counted"}
    calls: dict[int, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(line for line in file if not line.startswith(("#", '"#'))):
                said = (row["class"] or "").strip()
                calls[int(row["cell"])] = codes.get(said.casefold(), said)
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InvalidParameter(
            "`calls` must be a CSV file with the columns cell (a number) and class. "
            f"Received: {path.name}, {type(error).__name__}: {error}"
        ) from error
    return calls


def _agreement(options: argparse.Namespace) -> Iterator[Row]:
    found = agreements(_find(options.name))
    if not found:
        yield {"ok": True, "error": None, "text": "Nobody has read this case a second time."}
    for one in found:
        told = "".join(f"\n    {n:>4} first {first}, second {second}" for first, second, n in one.differences)
        yield {
            "ok": True, "error": None, "second": one.second, "n": one.n, "same": one.same.to_dict(),
            "kappa": one.kappa.to_dict(), "differences": [list(each) for each in one.differences],
            "text": one.words + told,
        }  # fmt: skip


def _check(options: argparse.Namespace) -> Iterator[Row]:
    checked = trail.check(options.known)
    text = f"trail: {checked.n} rows, {'whole' if checked.whole else 'NOT WHOLE'}, mark {checked.mark}"
    yield {"ok": checked.whole, "error": " ".join(checked.faults) or None, "mark": checked.mark, "text": text}
    seen = 0
    while page := search_cases(state=CaseState.CONFIRMED, limit=_PAGE, offset=seen):
        seen += len(page)
        for entry in page:
            try:
                faults = check_case(entry.case.id)
            except LeukError as error:
                faults = [str(error)]
            found = " ".join(faults)
            text = f"{entry.case.name}: as it was confirmed"
            row = {"case": entry.case.name, "text": text, "error": f"{entry.case.name}: {found}" if found else None}
            yield {"ok": not faults, **row}


def _find(name: str) -> str:
    """Return the id of the case of a name, or of an id."""
    for entry in search_cases(name, limit=_PAGE):
        if entry.case.name == name:
            return entry.case.id
    if name.startswith("c-"):
        return name
    raise InvalidParameter(f"There is no case of this name: `cases list` shows them. Received: {name!r}")
