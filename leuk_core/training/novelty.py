"""Fit what tells cells apart that are unlike a task's training cells, and judge each cell without its own person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from leuk_core.errors import InvalidData
from leuk_core.novelty import Novelty, look, pooled
from leuk_core.registry.versions import sha256_of
from leuk_core.training.run import today, write_json

SHARE_WITHIN = 0.97
"""Share of training cells, each judged without its own person, that lies within each of the two limits."""

_C = 0.1  # inverse strength of the penalty: of 0.001 and 0.1 the one that let fewer of PBC's other cells (small) pass


@dataclass(frozen=True)
class Measured:
    """What novelty is measured on, one entry a cell.

    Parameters
    ----------
    areas : ndarray of shape (n,)
        Square micrometres.
    colours : ndarray of shape (n, 3)
        Mean red, green, blue on the original picture.
    features : ndarray of shape (n, positions * 256)
        DCNN features.
    """

    areas: np.ndarray
    colours: np.ndarray
    features: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> Measured:
        """Return the chosen cells."""
        return Measured(self.areas[chosen], self.colours[chosen], self.features[chosen])


@dataclass(frozen=True)
class Fitted:
    """A fitted novelty with what it says about the training cells.

    Parameters
    ----------
    novelty : Novelty
        Fitted on all cells, with limits from the cells judged without their own person.
    unlike : ndarray of shape (n,), bool
        Training cells beyond a limit when judged without their own person.
    """

    novelty: Novelty
    unlike: np.ndarray


def fit_novelty(
    cells: Measured,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    like: np.ndarray,
    unlike: np.ndarray,
    extractor: str,
    seed: int = 0,
) -> Fitted:
    """Fit both distances and choose their limits.

    Parameters
    ----------
    cells : Measured
        The training cells.
    folds : iterable of (train, test)
        Positions, split by person.
    like : ndarray of shape (m, positions * 256)
        Features of cells of the same kind from another source, so that the kind is learnt rather than the camera.
    unlike : ndarray of shape (k, positions * 256)
        Features of cells of other kinds, from that other source.
    extractor : str
        Reference of the network that made the features.
    seed : int
        Seed of the solver.

    Raises
    ------
    InvalidData
        If there are no cells of other kinds.
    """
    if not len(unlike):
        raise InvalidData("Cells of other kinds are needed to tell them apart. Received: none")
    distance, score = np.empty(len(cells.areas)), np.empty(len(cells.areas))
    for train, test in folds:
        found = _fit(cells[train], like, unlike, extractor, seed)
        distance[test] = found.look_distance(cells.areas[test], cells.colours[test])
        score[test] = found.kind_score(cells.features[test])
    look_limit, kind_limit = (float(np.quantile(values, SHARE_WITHIN)) for values in (distance, score))
    whole = _fit(cells, like, unlike, extractor, seed)
    novelty = replace(whole, look_limit=look_limit, kind_limit=kind_limit)
    return Fitted(novelty, (distance > look_limit) | (score > kind_limit))


def _fit(cells: Measured, like: np.ndarray, unlike: np.ndarray, extractor: str, seed: int) -> Novelty:
    seen = look(cells.areas, cells.colours)
    known = np.concatenate([pooled(cells.features), pooled(like)]) if len(like) else pooled(cells.features)
    kinds = np.concatenate([known, pooled(unlike)])
    target = np.repeat([0, 1], [len(known), len(unlike)])
    scaler = StandardScaler().fit(kinds)
    linear = LogisticRegression(C=_C, max_iter=500, class_weight="balanced", random_state=seed)
    linear.fit(scaler.transform(kinds), target)
    weights = linear.coef_[0] / scaler.scale_
    return Novelty(
        look_mean=seen.mean(axis=0),
        look_covariance=np.cov(seen.T),
        look_limit=np.inf,
        kind_weights=weights,
        kind_bias=float(linear.intercept_[0] - scaler.mean_ @ weights),
        kind_limit=np.inf,
        extractor=extractor,
    )


def store_novelty(folder: Path, novelty: Novelty, facts: dict[str, Any]) -> None:
    """Write a reference folder; an existing one is never written over.

    Raises
    ------
    InvalidData
        If it exists.
    """
    if folder.exists():
        raise InvalidData(f"A version is never changed: give `--version` another name. Received: {folder.name}")
    folder.mkdir(parents=True)
    arrays = {
        "look_mean": novelty.look_mean.astype(np.float64),
        "look_covariance": novelty.look_covariance.astype(np.float64),
        "kind_weights": novelty.kind_weights.astype(np.float64),
        "kind_bias": np.array([novelty.kind_bias]),
    }
    save_file(arrays, folder / "reference.safetensors")
    card = {
        **facts,
        "created": today(),
        "extractor": novelty.extractor,
        "limits": {"look": novelty.look_limit, "kind": novelty.kind_limit},
        "share_within": SHARE_WITHIN,
        "files": {"reference.safetensors": sha256_of(folder / "reference.safetensors")},
    }
    write_json(folder / "card.json", card)
