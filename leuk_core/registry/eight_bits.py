"""Large weights in 8 bits, each output channel with a scale of its own: half the size of half precision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SCALE = "|scale"
"""Ending of the name under which the scales of an 8-bit array are stored."""

LEAST = 4096
"""Numbers in an array under which it stays in half precision: nothing would be gained."""


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return large kernels as int8 with their scales (float32), everything else in half precision.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Float weights by name. The channel of a kernel is its last axis, or the one before where that has length 1
        (depthwise convolutions).
    """
    found: dict[str, np.ndarray] = {}
    for name, values in arrays.items():
        if values.ndim < 2 or values.size < LEAST:
            found[name] = np.asarray(values, np.float16, order="C")
            continue
        channel = values.ndim - (1 if values.shape[-1] > 1 else 2)
        others = tuple(axis for axis in range(values.ndim) if axis != channel)
        scale = np.abs(values).max(axis=others, keepdims=True).astype(np.float32) / 127.0
        found[name] = np.rint(values / np.where(scale > 0, scale, 1.0)).astype(np.int8)
        found[name + SCALE] = scale
    return found


def unpacked(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return float32 arrays for what `packed` gave; arrays without a scale are only cast.

    Examples
    --------
    >>> values = np.linspace(-1, 1, 8192).reshape(64, 128)
    >>> bool(np.abs(unpacked(packed({"kernel": values}))["kernel"] - values).max() < 1 / 127)
    True
    """
    return {
        name: values.astype(np.float32) * arrays.get(name + SCALE, np.float32(1.0))
        for name, values in arrays.items()
        if not name.endswith(SCALE)
    }
