"""Turned and mirrored views of a picture: a network's answer is steadier when it is the mean over several.

A cell has no upper side. Quarter turns and mirror images change no value of a picture, so nothing is resampled.
"""

from __future__ import annotations

import numpy as np

from leuk_core.errors import InvalidParameter

COUNTS = (1, 4, 8)


def views_of(pictures: np.ndarray, count: int) -> np.ndarray:
    """Return the views of square pictures, the pictures as they are first.

    Parameters
    ----------
    pictures : ndarray of shape (n, size, size, channels)
        Any values.
    count : {1, 4, 8}
        As it is; in four quarter turns; and their mirror images too.

    Returns
    -------
    ndarray of shape (count * n, size, size, channels)
        View by view, in each the pictures in their order.

    Raises
    ------
    InvalidParameter
        If `count` is another number.
    """
    if count not in COUNTS:
        raise InvalidParameter(f"`count` must be one of {COUNTS}. Received: count={count}")
    turned = [np.rot90(pictures, turn, axes=(1, 2)) for turn in range(min(count, 4))]
    if count == 8:
        turned += [view[:, :, ::-1] for view in turned]
    return np.ascontiguousarray(np.concatenate(turned))


def mean_of(values: np.ndarray, count: int) -> np.ndarray:
    """Return the mean over views, (n, ...), of values (count * n, ...) in the order of `views_of`."""
    found: np.ndarray = values.reshape(count, -1, *values.shape[1:]).mean(axis=0)
    return found
