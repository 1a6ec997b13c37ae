"""A check that refuses tables which no classifier can have produced."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.errors import InvalidData, InvalidParameter

HALF_UNIT = Decimal("0.5")


class ImpossibleTable(InvalidData):
    """A table with rows that can't be; `rows` holds their positions."""

    def __init__(self, message: str, rows: Sequence[int]) -> None:
        super().__init__(message)
        self.rows = tuple(rows)


def excess_in_units(precision: ArrayLike, recall: ArrayLike, f1: ArrayLike, digits: int) -> list[Decimal]:
    """Return by how many units of the last digit F1 lies above the mean of precision and recall, for each row.

    Parameters
    ----------
    precision, recall, f1 : array-like of shape (rows,)
        As printed, all as shares or all in percent.
    digits : int
        Digits after the point that the table prints.

    Raises
    ------
    InvalidParameter
        If lengths differ, `digits` is negative, or a value isn't a number of 0 or more.

    Examples
    --------
    >>> excess_in_units([92.59], [92.38], [92.81], digits=2)
    [Decimal('32.5')]
    """
    if digits < 0:
        raise InvalidParameter(f"`digits` must be at least 0. Received: digits={digits}")
    columns = [np.atleast_1d(np.asarray(column, np.float64)) for column in (precision, recall, f1)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InvalidParameter(
            "`precision`, `recall` and `f1` must hold one value a row. "
            f"Received: shapes {', '.join(str(column.shape) for column in columns)}"
        )
    values = np.stack(columns)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InvalidParameter(f"`precision`, `recall` and `f1` must be 0 or more. Received: {values.min()}")
    # in units of the last digit the printed numbers are whole, and the arithmetic is exact
    unit = Decimal(1).scaleb(-digits)
    p, r, f = ([Decimal(repr(v)).quantize(unit, ROUND_HALF_EVEN) / unit for v in c.tolist()] for c in columns)
    return [third - (first + second) / 2 for first, second, third in zip(p, r, f, strict=True)]


def impossible_rows(precision: ArrayLike, recall: ArrayLike, f1: ArrayLike, digits: int) -> list[int]:
    """Return the positions of rows whose F1 exceeds the mean of precision and recall by more than half a unit.

    Notes
    -----
    F1 is the harmonic mean of precision and recall, which is never above their mean; averages over classes, weighted or
    not, keep that. Rounding can lift the printed F1 above the mean of the printed two by half a unit of the last digit
    (0.84 and 0.85 rounded from 0.8449 and 0.8549 have the mean 0.8499, printed 0.85), never by a whole one: precision
    and recall are each below their printed value plus half a unit, hence so is F1's bound.
    """
    excess = excess_in_units(precision, recall, f1, digits)
    return [row for row, units in enumerate(excess) if units > HALF_UNIT]


def check_table(precision: ArrayLike, recall: ArrayLike, f1: ArrayLike, digits: int) -> None:
    """Refuse a table that no classifier can have produced.

    Parameters
    ----------
    precision, recall, f1 : array-like of shape (rows,)
        As printed, all as shares or all in percent.
    digits : int
        Digits after the point that the table prints.

    Raises
    ------
    ImpossibleTable
        If F1 exceeds the mean of precision and recall by more than half a unit of the last digit in any row.

    Examples
    --------
    >>> check_table([0.90], [0.80], [0.85], digits=2)
    >>> check_table([0.90], [0.80], [0.86], digits=2)
    Traceback (most recent call last):
    ...
    leuk_core.evaluation.plausibility.ImpossibleTable: F1 can't exceed the mean of precision and recall: check how the
    table was made. Received: row 1: F1 0.86, precision 0.90, recall 0.80
    """
    rows = impossible_rows(precision, recall, f1, digits)
    if rows:
        p, r, f = (np.atleast_1d(np.asarray(column, np.float64)) for column in (precision, recall, f1))
        found = "; ".join(
            f"row {i + 1}: F1 {f[i]:.{digits}f}, precision {p[i]:.{digits}f}, recall {r[i]:.{digits}f}" for i in rows
        )
        raise ImpossibleTable(
            f"F1 can't exceed the mean of precision and recall: check how the table was made. Received: {found}", rows
        )
