"""How a network is trained: what is free when, how fast it learns, what counts how much. Presets by machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.augment import Augmentation
from leuk_core.training.networks.changes import Changes

STAGES = ("head", "tail", "all")
OPTIMIZERS = ("adam", "adamw")
WEIGHTS = ("cells", "classes", "subjects")

LARGEST_WEIGHT = 5.0
"""A cell of a person with few cells counts at most so many times the mean of its class."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings of a training, recorded with each run.

    Parameters
    ----------
    preset : str
        Where the settings come from.
    batch : int
        Pictures a step; halved when the machine runs out of memory.
    head_epochs, epochs : int
        Passes over the cells with everything but the head frozen, then with `free` free.
    free : {"head", "tail", "all"}
        What learns in the second part.
    optimizer : {"adam", "adamw"}
        AdamW takes `weight_decay`.
    head_rate, rate : float
        Peak learning rates of the two parts. The second rises for `warm_up` of its steps, then falls as a cosine.
    weight_decay, warm_up : float
        See above.
    clip : float
        Largest norm of each gradient; 0 doesn't limit it.
    cached : bool
        Run the frozen trunk once over the cells and their copies and train on what it gives.
    tail_from : str or None
        Layer after which a cached trunk ends; None takes the catalogue's tail.
    copies : int
        Changed copies of each cell behind a cached trunk; without one every epoch draws its own.
    validation : float
        Share of the training persons (of the cells, by image) left aside to stop early; 0 trains all epochs on all.
    patience : int
        Epochs without a better validation loss after which a part ends. The best epoch's weights are taken.
    averaging : float
        Momentum of the running average of the weights, which is what is judged and kept, from 0 (off) to under 1.
    weigh : {"cells", "classes", "subjects"}
        What counts alike: every cell, every class, or in each class every person (at most `LARGEST_WEIGHT` times the
        mean) and every class.
    dropout : float or None
        Of the network; None leaves its own.
    statistics : bool
        Whether batch normalisation learns where everything is free. Frozen, it keeps the start weights' averages, which
        a few hundred steps would only spoil; random start weights have none to keep.
    mixed_precision : bool
        Half precision where a GPU is; never on a CPU.
    changes : Changes
        Augmentations.
    seed : int
        Of everything random.

    Raises
    ------
    InvalidParameter
        If a setting is out of its range.
    """

    preset: str = "cpu"
    batch: int = 64
    head_epochs: int = 1
    epochs: int = 8
    free: str = "tail"
    optimizer: str = "adamw"
    head_rate: float = 1e-3
    rate: float = 1e-4
    weight_decay: float = 1e-2
    warm_up: float = 0.1
    clip: float = 1.0
    cached: bool = False
    tail_from: str | None = None
    copies: int = 4
    validation: float = 0.0
    patience: int = 3
    averaging: float = 0.0
    weigh: str = "subjects"
    dropout: float | None = None
    statistics: bool = False
    mixed_precision: bool = False
    changes: Changes = field(default_factory=Changes)
    seed: int = 0

    def __post_init__(self) -> None:
        for what, allowed in (("free", STAGES), ("optimizer", OPTIMIZERS), ("weigh", WEIGHTS)):
            value = getattr(self, what)
            if value not in allowed:
                raise InvalidParameter(f"`{what}` must be one of {', '.join(allowed)}. Received: {what}={value!r}")
        for what, least in (("batch", 1), ("head_epochs", 0), ("epochs", 0), ("copies", 0), ("patience", 0)):
            if getattr(self, what) < least:
                raise InvalidParameter(f"`{what}` must be at least {least}. Received: {what}={getattr(self, what)}")
        for what, below in (("validation", 0.5), ("averaging", 1.0), ("warm_up", 1.0)):
            if not 0 <= getattr(self, what) < below:
                raise InvalidParameter(f"`{what}` must be from 0 to under {below}. Received: {getattr(self, what)}")
        if self.head_epochs + self.epochs < 1:
            raise InvalidParameter("`epochs` and `head_epochs` must not both be 0. Received: 0, 0")
        if self.cached and self.free == "all":
            raise InvalidParameter('`free` must be "tail" or "head" behind a cached trunk. Received: free=\'all\'')

    @property
    def parts(self) -> list[tuple[str, int]]:
        """What is free and for how many epochs, in order; parts of no epoch are left out."""
        return [(free, count) for free, count in (("head", self.head_epochs), (self.free, self.epochs)) if count]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Schedule:
        """Rebuild the settings from `to_dict`'s result, as a run's record holds it.

        Examples
        --------
        >>> Schedule.from_dict(PRESETS["gpu"].to_dict()) == PRESETS["gpu"]
        True
        """
        changes = dict(facts["changes"])
        changes["augmentation"] = Augmentation(**changes["augmentation"])
        return cls(**{**facts, "changes": Changes(**changes)})


_STRONG = Changes(Augmentation(), stain_gain=0.15, stain_offset=0.15)

PRESETS: dict[str, Schedule] = {
    # 50 epochs, Adam, batches of 256, every cell alike, the paper's augmentations (Haque et al. 2024, section 3.5.2)
    "paper": Schedule(
        preset="paper", batch=256, head_epochs=5, epochs=45, free="all", optimizer="adam", head_rate=1e-3, rate=1e-4,
        weight_decay=0.0, clip=0.0, validation=0.0625, patience=10, weigh="cells", mixed_precision=True,
    ),
    "cpu": Schedule(
        preset="cpu", batch=64, head_epochs=1, epochs=8, free="tail", averaging=0.99, changes=_STRONG, cached=True,
    ),
    "gpu": Schedule(
        preset="gpu", batch=128, head_epochs=2, epochs=28, free="all", rate=1e-4, averaging=0.999, validation=0.15,
        patience=8, mixed_precision=True, changes=_STRONG,
    ),
}  # fmt: skip


def preset(name: str, **changed: Any) -> Schedule:
    """Return a preset with the given settings in place of its own; None leaves a setting as it is.

    Examples
    --------
    >>> preset("cpu", epochs=3, batch=None).epochs
    3
    """
    if name not in PRESETS:
        raise InvalidParameter(f"`name` must be one of {', '.join(PRESETS)}. Received: name={name!r}")
    return replace(PRESETS[name], **{key: value for key, value in changed.items() if value is not None})


def cell_weights(target: np.ndarray, groups: np.ndarray, weigh: str) -> np.ndarray:
    """Return what each cell counts in the loss, (n,) float32 with mean 1.

    Parameters
    ----------
    target, groups : ndarray of shape (n,)
        Class and person of each cell that is learnt from.
    weigh : {"cells", "classes", "subjects"}
        See `Schedule`.

    Examples
    --------
    >>> cell_weights(np.array([0, 0, 1]), np.array(["a", "b", "c"]), "classes").tolist()
    [0.75, 0.75, 1.5]
    """
    weights = np.ones(len(target))
    if weigh == "cells":
        return weights.astype(np.float32)
    for name in np.unique(target):
        here = target == name
        if weigh == "subjects":
            _, person, cells = np.unique(groups[here], return_inverse=True, return_counts=True)
            alike = 1.0 / cells[person]
            weights[here] = np.minimum(alike / alike.mean(), LARGEST_WEIGHT)
        weights[here] /= weights[here].sum()
    return (weights / weights.mean()).astype(np.float32)
