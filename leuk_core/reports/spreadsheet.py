"""Records as a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from leuk_core import RESEARCH_ONLY, __version__

BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: Sequence[Mapping[str, Any]], about: str = "") -> bytes:
    """Return records as a CSV file: UTF-8 with a byte order mark, a research-only line first.

    Parameters
    ----------
    table : sequence of mapping
        Column name to value; the same columns in each.
    about : str
        What else the first line says.

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
    writer.writerow([f"# {RESEARCH_ONLY} Leukemia smear workbench {__version__}. {about}".rstrip()])
    if table:
        writer.writerow(table[0].keys())
        writer.writerows([_harmless(value) for value in record.values()] for record in table)
    return (BYTE_ORDER_MARK + out.getvalue()).encode("utf-8")


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
