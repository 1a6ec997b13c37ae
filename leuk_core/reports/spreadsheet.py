"""Records as a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from leuk_core import RESEARCH_ONLY, __version__

BYTE_ORDER_MARK = "\ufeff"
_UNSEEN = r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
_FORMULA = re.compile(
    rf"^(?=[\t\r\n]|{_UNSEEN}[=+\-@＝＋－＠])"
    rf"|(?<=[;\t\r\n])(?={_UNSEEN}[=+\-@＝＋－＠])"  # a spreadsheet that parts cells at semicolons or tabs
)


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
        The file. A text that a spreadsheet would take for a formula gets an apostrophe in front, also behind a
        semicolon, where many spreadsheets begin another cell. What UTF-8 can't hold is written as an escape.

    Examples
    --------
    >>> print(to_csv([{"picture": "picture 1", "name": "=1+1"}]).decode("utf-8-sig").splitlines()[2])
    picture 1,'=1+1
    """
    out = io.StringIO(newline="")
    write_csv(out, table, about)
    return out.getvalue().encode("utf-8")


def write_csv(out: TextIO, table: Iterable[Mapping[str, Any]], about: str = "") -> None:
    """Write what `to_csv` returns to an open text file, record by record."""
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([_harmless(f"# {RESEARCH_ONLY} Leukemia smear workbench {__version__}. {about}".rstrip())])
    for number, record in enumerate(table):
        if number == 0:
            writer.writerow([_harmless(name) for name in record])
        writer.writerow([_harmless(value) for value in record.values()])


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return _FORMULA.sub("'", value).encode("utf-8", "backslashreplace").decode("utf-8")
    return "" if value is None else value
