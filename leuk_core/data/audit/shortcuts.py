"""Shortcuts: how well the class can be told from things that are not morphology."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from leuk_core.data.audit.look import Look
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.splits import Protocol, group_folds, image_folds, possible_folds
from leuk_core.errors import InvalidData
from leuk_core.evaluation.metrics import evaluate
from leuk_core.evaluation.resampling import Estimate

FOLDS = 5
RED, AMBER = 0.85, 0.60
"""AUROC from which a shortcut is red and from which it is amber; neither where the interval reaches one half."""


@dataclass(frozen=True)
class Trait:
    """Something about a picture that is not morphology (or, for the area, not only).

    Parameters
    ----------
    key, words : str
        Its name in JSON, and as people read it.
    measure : callable
        From a look to numbers.
    meaning : str
        What it means if the class can be told from it.
    morphology : bool
        Whether a difference may be real: such a trait is never red.
    """

    key: str
    words: str
    measure: Callable[[Look], Sequence[float]]
    meaning: str
    morphology: bool = False


TRAITS = (
    Trait(
        "border_colour",
        "the colour of the picture's border",
        lambda look: look.border.tolist(),
        "the classes come from different microscopes, stains or programs, and a model would learn those",
    ),
    Trait(
        "mean_colour",
        "the mean colour",
        lambda look: look.colour.tolist(),
        "stain or light differ between the classes; some of it may be the cells' own, but it won't hold elsewhere",
    ),
    Trait(
        "sharpness",
        "the sharpness (around the cell, in raw crops)",
        lambda look: look.sharpness.tolist(),
        "focus, camera or re-encoding differ between the classes, and a model would learn those",
    ),
    Trait(
        "file",
        "the file's format and bytes a pixel",
        lambda look: [
            np.log(max(look.file_bytes, 1) / look.photographed),
            *(float(look.format == name) for name in ("PNG", "JPEG", "TIFF", "BMP", "WebP")),
        ],
        "files were written by different programs, or (cells on black) small cells simply cost more bytes a pixel",
    ),
    Trait(
        "picture_size",
        "the picture's width and height",
        lambda look: [look.width, look.height, look.width / look.height],
        "the pictures were cropped differently in each class, and resizing would carry that into the cells' size",
    ),
    Trait(
        "cell_area",
        "the area of the cell (of its nucleus, in raw crops)",
        lambda look: [np.log(look.area)],
        "size is morphology at one known scale only: a model must beat it, and another magnification would break it",
        morphology=True,
    ),
)


@dataclass(frozen=True)
class Shortcut:
    """How well one trait tells the classes apart.

    Parameters
    ----------
    trait : Trait
        Which.
    auroc, balanced_accuracy : Estimate
        Out of fold, with 95 % intervals; of several classes, the mean of each against the rest.
    protocol : Protocol
        How cells were kept apart.
    n, n_groups : int
        Cells and groups judged.
    chance : float
        Balanced accuracy of guessing.
    note : str
        Why it was not measured; empty where it was.
    """

    trait: Trait
    auroc: Estimate
    balanced_accuracy: Estimate
    protocol: Protocol
    n: int
    n_groups: int
    chance: float
    note: str = ""

    @property
    def grade(self) -> Grade:
        """How bad it is."""
        value, low = self.auroc.value, self.auroc.low
        if value is None or value < AMBER or (low is not None and low <= 0.5):
            return Grade.GREEN
        return Grade.RED if value >= RED and not self.trait.morphology else Grade.AMBER

    @property
    def text(self) -> str:
        """What was found and what it means, in one sentence."""
        if self.note:
            return f"From {self.trait.words} alone nothing can be told: {self.note}."
        found = (
            f"From {self.trait.words} alone a simple model tells the classes apart with AUROC {self.auroc} and "
            f"balanced accuracy {self.balanced_accuracy} (guessing: {self.chance:.2f})"
        )
        if self.grade is Grade.GREEN:
            return f"{found}: not better than chance, or hardly."
        return f"{found}: {self.trait.meaning}."

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON wants it."""
        return {
            "trait": self.trait.key,
            "auroc": self.auroc.to_dict(),
            "balanced_accuracy": self.balanced_accuracy.to_dict(),
            "chance": self.chance,
            "protocol": self.protocol.value,
            "n": self.n,
            "n_groups": self.n_groups,
            "grade": self.grade.value,
            "text": self.text,
        }


def find_shortcuts(
    looks: Sequence[Look], labels: Sequence[str], groups: np.ndarray, protocol: Protocol, seed: int
) -> list[Shortcut]:
    """Fit a simple model on each trait in turn and judge it on groups that it has not seen.

    Parameters
    ----------
    looks, labels, groups : sequences of length n
        What was seen of each cell, its class and its group.
    protocol : Protocol
        What the groups are.
    seed : int
        Of the folds and intervals.

    Notes
    -----
    The model is a logistic regression on the trait's numbers, their squares and products. Where folds by group are not
    possible (a class with one group), folds are by image and the protocol says so.
    """
    y = np.asarray(labels)
    folds, protocol = _folds(y, groups, protocol, seed)
    units = groups if protocol is not Protocol.BY_IMAGE else None
    return [_judge(trait, looks, y, folds, protocol, units, seed) for trait in TRAITS]


def _folds(
    y: np.ndarray, groups: np.ndarray, protocol: Protocol, seed: int
) -> tuple[list[tuple[np.ndarray, np.ndarray]], Protocol]:
    most = possible_folds(y, groups)
    if most >= 2:
        try:
            return group_folds(y, groups, min(FOLDS, most), seed), protocol
        except InvalidData:  # no folds found that hold each class: fall back to images
            pass
    smallest = int(np.unique(y, return_counts=True)[1].min())
    if smallest < 2:
        return [], Protocol.BY_IMAGE
    return image_folds(y, min(FOLDS, smallest), seed), Protocol.BY_IMAGE


def _judge(
    trait: Trait,
    looks: Sequence[Look],
    y: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    protocol: Protocol,
    units: np.ndarray | None,
    seed: int,
) -> Shortcut:
    values = np.array([trait.measure(look) for look in looks], np.float64)
    values = values[:, np.ptp(values, axis=0) > 1e-9]
    classes = sorted(set(y.tolist()))
    n_groups = len(y) if units is None else len(np.unique(units))
    nothing = Estimate(None)
    if values.shape[1] == 0:
        note = "it is the same in every picture"
        return Shortcut(trait, nothing, nothing, protocol, len(y), n_groups, 1 / len(classes), note)
    if not folds:
        note = "a class has a single picture"
        return Shortcut(trait, nothing, nothing, protocol, len(y), n_groups, 1 / len(classes), note)
    probabilities = np.zeros((len(y), len(classes)))
    for train, test in folds:
        model = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False),
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=500),
        )
        model.fit(values[train], y[train])
        probabilities[test] = model.predict_proba(values[test])
    result = evaluate(y, probabilities, classes, units, seed=seed, n_bootstrap=200, protocol=protocol)
    return Shortcut(
        trait,
        result.figure("auroc"),
        result.figure("balanced_accuracy"),
        protocol,
        len(y),
        n_groups,
        1 / len(classes),
    )
