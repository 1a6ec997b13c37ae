"""From a cross-validated recipe of training to a version that can be installed: weights, recipe, card, decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sklearn.decomposition import PCA

from leuk_core.decision import Novelty
from leuk_core.errors import InvalidData
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import sha256_of
from leuk_core.registry.weights import save_classifier
from leuk_core.training.run import environment, today, write_json

NOVELTY_COMPONENTS = 32
NOVELTY_CELLS = 1500
NOVELTY_SHARE = 0.97
"""Share of training cells, each judged without its own person, that must count as like the others."""


def store_version(
    folder: Path, classifier: Any, recipe: Recipe, card: dict[str, Any], extractor: str, reference: str
) -> None:
    """Write a classifier's version folder; an existing one is never written over.

    Raises
    ------
    InvalidData
        If the version exists.
    """
    if folder.exists():
        raise InvalidData(f"A version is never changed: give `--version` another name. Received: {folder.name}")
    folder.mkdir(parents=True)
    save_classifier(classifier, folder / "classifier.skops")
    write_json(folder / "recipe.json", recipe.to_dict())
    files = {name: sha256_of(folder / name) for name in ("classifier.skops", "recipe.json")}
    facts = {"created": today(), "extractor": extractor, "reference": reference, "environment": environment()}
    write_json(folder / "card.json", {**card, **facts, "files": files})


def fit_novelty(features: np.ndarray, groups: np.ndarray, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Fit what tells pictures apart that are unlike the training cells.

    The limit is the distance under which `NOVELTY_SHARE` of the cells lie when each is compared with the stored cells
    of other persons.

    Parameters
    ----------
    features : ndarray of shape (n, features)
        The training cells as they are.
    groups : ndarray of shape (n,)
        Their persons.
    seed : int
        Seed of the sample.

    Returns
    -------
    (dict of arrays, float)
        `mean`, `components` and `cells` in half precision, and the limit.
    """
    principal = PCA(NOVELTY_COMPONENTS, whiten=True, svd_solver="randomized", random_state=seed).fit(features)
    components = principal.components_ / np.sqrt(principal.explained_variance_)[:, None]
    place = (features - principal.mean_) @ components.T
    chosen = np.random.default_rng(seed).permutation(len(features))[:NOVELTY_CELLS]
    distances = np.empty(len(features))
    for group in np.unique(groups):
        here = groups == group
        others = chosen[groups[chosen] != group]
        apart = Novelty(principal.mean_, components, place[others], np.inf).distance(features[here])
        distances[here] = apart
    arrays = {
        "mean": principal.mean_.astype(np.float16),
        "components": components.astype(np.float16),
        "cells": place[chosen].astype(np.float16),
    }
    return arrays, float(np.quantile(distances, NOVELTY_SHARE))


def store_reference(
    folder: Path, features: np.ndarray, groups: np.ndarray, facts: dict[str, Any], seed: int
) -> Sequence[str]:
    """Write the reference of a task's training cells beside its models; return its files' names."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays, limit = fit_novelty(features, groups, seed)
    save_file(arrays, folder / "reference.safetensors")
    digest = sha256_of(folder / "reference.safetensors")
    card = {
        **facts,
        "created": today(),
        "limit": limit,
        "share_within": NOVELTY_SHARE,
        "protocol": "by subject: each cell against cells of other persons",
        "n": len(features),
        "n_subjects": len(np.unique(groups)),
        "files": {"reference.safetensors": digest},
    }
    write_json(folder / "card.json", card)
    return list(card["files"])
