"""Share of cells called positive by subject: what a person's smear would have shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from leuk_core.data.groups import natural_key
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.judged import judged
from leuk_core.evaluation.resampling import Estimate


@dataclass(frozen=True, slots=True)
class SubjectShare:
    """One row of the table.

    Parameters
    ----------
    subject : str
        Name of the subject (joined ids).
    label : str
        Class that most of its cells have.
    n : int
        Number of its cells.
    called : int
        How many of them were called positive.
    share : Estimate
        Their share with the exact binomial interval.
    right : float
        Share of its cells that were called by their class.
    """

    subject: str
    label: str
    n: int
    called: int
    share: Estimate
    right: float

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON wants it."""
        return asdict(self)


def share_called_by_subject(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    positive: str,
    subjects: ArrayLike,
    level: float = 0.95,
) -> list[SubjectShare]:
    """Return how many cells of each subject were called `positive`, by class and then from the highest share down.

    Parameters
    ----------
    y_true, probabilities, classes, subjects
        As in `leuk_core.evaluation.metrics.evaluate`; subjects must be known.
    positive : str
        The class that is counted.
    level : float
        Confidence level of the exact binomial intervals.

    Raises
    ------
    InvalidParameter
        If `positive` is no class or the arguments don't fit each other.

    Examples
    --------
    >>> rows = share_called_by_subject([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]], ["all", "hem"], "all",
    ...                                ["1", "1", "H1"])
    >>> [(row.subject, row.called, row.n) for row in rows]
    [('1', 1, 2), ('H1', 0, 1)]
    """
    cells = judged(y_true, probabilities, classes, subjects)
    if positive not in cells.classes:
        raise InvalidParameter(f"`positive` must be one of {', '.join(cells.classes)}. Received: positive={positive!r}")
    if not cells.subject_names:
        raise InvalidParameter("`subjects` must name the subject of each cell. Received: subjects=None")
    is_called = cells.called == cells.classes.index(positive)
    columns = np.stack([np.ones(len(cells)), is_called, cells.called == cells.truth], axis=1)
    counts = cells.sums(columns).astype(int)
    rows = [
        SubjectShare(
            name, cells.classes[stratum], int(n), int(called), exact_interval(int(called), int(n), level), right / n
        )
        for name, stratum, (n, called, right) in zip(cells.subject_names, cells.strata, counts, strict=True)
    ]
    order = {label: position for position, label in enumerate(cells.classes)}
    return sorted(rows, key=lambda row: (order[row.label], -row.called / row.n, natural_key(row.subject)))
