"""From what a person asks for, in place of a preset's own settings, to a schedule and a network's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leuk_core.training.networks.changes import Changes
from leuk_core.training.networks.schedule import Schedule, preset
from leuk_core.zoo import catalogue

GIVEN = (
    "epochs", "head_epochs", "batch", "free", "cached", "tail_from", "rate", "head_rate", "weight_decay", "dropout",
    "averaging", "weigh", "validation", "patience", "copies", "seed", "statistics",
)  # fmt: skip
"""Settings of a schedule that may be asked for."""


def asked_schedule(
    name: str | None, given: Mapping[str, Any], *, random_start: bool = False, stain_jitter: float | None = None
) -> Schedule:
    """Return a preset with what was asked for in place of its own.

    Parameters
    ----------
    name : str or None
        The preset; None is "cpu".
    given : mapping
        By names out of `GIVEN`; None or absent leaves a setting as it is.
    random_start : bool
        Whether the network starts from random weights: then everything is freed, as a frozen random trunk sees nothing.
    stain_jitter : float or None
        Range of gain and offset of the optical density.
    """
    asked = {setting: given.get(setting) for setting in GIVEN}
    if random_start and asked["free"] is None:
        asked |= {"free": "all", "cached": False, "head_epochs": asked["head_epochs"] or 0}
        asked["statistics"] = asked["statistics"] is None or asked["statistics"]
    elif asked["free"] == "all" and asked["cached"] is None:
        asked["cached"] = False
    found = preset(name or "cpu", **asked)
    if stain_jitter is not None:
        jitter = Changes(found.changes.augmentation, stain_gain=stain_jitter, stain_offset=stain_jitter)
        found = replace(found, changes=jitter)
    return found


def size_and_parameters(
    model: str, schedule: Schedule, size: int | None = None, given: Mapping[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return the side of the picture and the parameters of `catalogue.build` that a schedule leads to.

    Parameters
    ----------
    model : str
        In the catalogue.
    schedule : Schedule
        Its preset and dropout count.
    size : int or None
        What was asked for; None takes the catalogue's.
    given : mapping or None
        Parameters that were asked for.
    """
    entry = catalogue.entry(model)
    paper = schedule.preset == "paper"
    parameters: dict[str, Any] = {**(entry.paper if paper else {}), **(given or {})}
    if schedule.dropout is not None:
        parameters["dropout"] = schedule.dropout
    return size or (entry.paper_size if paper else entry.size), parameters
