"""The work of a job of kind "estimate": how long a retraining would take on the device that the job got."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leuk_core.training.retrain_estimate import estimate
from leuk_core.training.retrain_material import Tells

KIND = "estimate"
OF_PLAN = ("set", "task", "model", "start", "protocol", "preset", "settings")
"""What of a request decides how long it takes."""


def plan_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a request decides how long it takes; two requests of one plan have one estimate.

    Examples
    --------
    >>> plan_of({"set": "ward-1", "model": "svm", "by": "Dr. Lin"})
    {'set': 'ward-1', 'model': 'svm'}
    """
    return {name: request[name] for name in OF_PLAN if name in request}


def work(request: Mapping[str, Any], folder: Path, tell: Tells) -> dict[str, Any]:  # noqa: ARG001 - as every work
    """Measure a few real steps of a retraining.

    Parameters
    ----------
    request : mapping
        See `plan_of`.
    folder : Path
        The job's own; nothing is kept there.
    tell : Tells
        What it speaks through.

    Returns
    -------
    dict
        "seconds".
    """
    tell.step("measuring a few real steps")
    return {"seconds": estimate(request)}
