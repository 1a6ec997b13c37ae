"""Which work belongs to which kind of job. A request names a kind, never code."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leuk_core.errors import InvalidParameter
from leuk_core.settings import settings

if TYPE_CHECKING:
    from leuk_core.jobs.progress import Tell

Work = Callable[[dict[str, Any], Path, "Tell"], dict[str, Any]]
"""Takes the request, the job's folder and what to speak through; returns what goes to result.json."""

SHIPPED = {
    "retrain": "leuk_core.training.retrain:work",
    "estimate": "leuk_core.training.retrain_measured:work",
}


def works() -> dict[str, str]:
    """Return module and function of each kind: those of the program, and those of LEUK_JOB_WORKS."""
    return {**settings().job_works, **SHIPPED}


def work_of(kind: str) -> Work:
    """Return the work of a kind, imported.

    Raises
    ------
    InvalidParameter
        If there is no such kind.
    """
    if kind not in works():
        raise InvalidParameter(f"`kind` must be one of {', '.join(sorted(works()))}. Received: {kind!r}")
    module, _, name = works()[kind].partition(":")
    found: Work = getattr(importlib.import_module(module), name)
    return found
