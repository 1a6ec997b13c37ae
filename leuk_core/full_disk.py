"""A full disk, told as what it is wherever something is kept."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from leuk_core.errors import InvalidData

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Error numbers of a full disk, or of a share of it that is used up."""


@contextlib.contextmanager
def space_for(what: str) -> Iterator[None]:
    """Say in one sentence that there is no space left for something.

    Parameters
    ----------
    what : str
        What is written inside this context, for a person.

    Raises
    ------
    InvalidData
        If the disk is full; other errors pass as they are.

    Examples
    --------
    >>> with space_for("this set"):
    ...     raise OSError(errno.ENOSPC, "disk full")
    Traceback (most recent call last):
    leuk_core.errors.InvalidData: There is no space left for this set: free some and try again. Received: disk full
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InvalidData(
            f"There is no space left for {what}: free some and try again. Received: {error.strerror}"
        ) from error
