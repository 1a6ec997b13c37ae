"""The schedule of a network that learns from all cells: for as many epochs as the folds of its run took."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path

from leuk_core.training.networks.schedule import Schedule


def settled(schedule: Schedule, run: Path) -> tuple[Schedule, str]:
    """Return a run's schedule without a validation part, for as many epochs as its folds took in the median.

    Parameters
    ----------
    schedule : Schedule
        Of the run.
    run : Path
        The run folder.

    Returns
    -------
    (Schedule, str)
        And a line that says so; empty where the schedule left nothing to decide.
    """
    found = [json.loads(path.read_text("utf-8"))["epochs"] for path in sorted(run.glob("fold_*.json"))]
    if not schedule.validation or not found:
        return replace(schedule, validation=0.0), ""

    def median(part: str) -> int:
        return round(statistics.median(entry.get(part, 0) for entry in found))

    parts = [free for free, _ in schedule.parts]
    head = median("head") if "head" in parts[:-1] or schedule.epochs == 0 else 0
    longer = replace(schedule, validation=0.0, head_epochs=head, epochs=median(schedule.free) if schedule.epochs else 0)
    return longer, f"Epochs by {len(found)} folds: {longer.head_epochs} head, {longer.epochs} {longer.free}.\n"
