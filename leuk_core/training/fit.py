"""From a cross-validated recipe of training to a version that can be installed: weights, recipe, card, decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.errors import InvalidData
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import sha256_of
from leuk_core.registry.weights import in_half_precision, save_classifier
from leuk_core.training.run import environment, today, write_json
from leuk_core.zoo import classical

CHANGED_LABELS, SEEN = 0.02, 500
"""Storing may change the label of this share of so many cells."""


def store_version(
    folder: Path, classifier: Any, recipe: Recipe, card: dict[str, Any], extractor: str, reference: str | None,
    seen: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Write a classifier's version folder; an existing one is never written over.

    Parameters
    ----------
    folder : Path
        New.
    classifier : sklearn Pipeline
        Fitted.
    recipe : Recipe
        By which cells are brought to form.
    card : dict
        Facts fixed at training.
    extractor, reference : str
        Version of the extractor, and of what tells cells that are unlike these.
    seen : ndarray of shape (n, features), or None
        Cells by which the classifier in half precision is compared with its own; None, or more than `CHANGED_LABELS`
        of them with another label, stores it as it is.

    Raises
    ------
    InvalidData
        If the version exists.
    """
    if folder.exists():
        raise InvalidData(f"A version is never changed: give `--version` another name. Received: {folder.name}")
    storage = {}
    if seen is not None:
        halved = in_half_precision(classifier)
        changed = int((classifier.predict(seen) != halved.predict(seen)).sum())
        if changed <= max(1.0, CHANGED_LABELS * len(seen)):
            classifier, storage = halved, {"storage": {"bits": 16, "labels_changed": changed, "of": len(seen)}}
    folder.mkdir(parents=True)
    save_classifier(classifier, folder / "classifier.skops")
    write_json(folder / "recipe.json", recipe.to_dict())
    files = {name: sha256_of(folder / name) for name in ("classifier.skops", "recipe.json")}
    facts = {"created": today(), "extractor": extractor, "environment": environment()}
    if reference:
        facts["reference"] = reference
    write_json(folder / "card.json", {**card, **facts, **storage, "files": files})


def about(
    labels: np.ndarray, groups: np.ndarray, data: dict[str, Any], *, aliases_known: bool, subjects_known: bool
) -> dict[str, Any]:
    """Return what a card says of the cells that were learnt from; of persons nothing where they aren't known.

    Parameters
    ----------
    labels, groups : ndarray of shape (n,), str
        Class and person of each cell.
    data : dict
        A data card: "about" describes the set, "limits" holds sentences.
    aliases_known, subjects_known : bool
        Whether ids of one person were joined, and whether every cell names its subject.
    """
    names = np.unique(labels)
    cells = {str(name): int((labels == name).sum()) for name in names}
    persons = {str(name): len(np.unique(groups[labels == name])) for name in names}
    known = {"subjects": persons} if subjects_known else {}
    return {
        "data": [{**data.get("about", {}), "cells": cells, **known}],
        "aliases_joined": aliases_known,
        "limits": data.get("limits", []),
    }


def classifier_facts(
    model: str, classifier: Any, copies: int, seed: int, microns_per_pixel: float | None
) -> dict[str, Any]:
    """Return the part of a card that tells how a classifier was fitted."""
    reduced = f"{classifier[0].n_components_} principal components" if model in classical.REDUCED else "none"
    return {
        "title": f"{model.upper()} on DCNN features",
        "training": {
            "parameters": "section 3.5.1 of Haque et al. 2024",
            "reduction": reduced,
            "copies": copies,
            "seed": seed,
            "microns_per_pixel": microns_per_pixel,
        },
    }
