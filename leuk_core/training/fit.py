"""From a cross-validated recipe of training to a version that can be installed: weights, recipe, card, decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leuk_core.errors import InvalidData
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import sha256_of
from leuk_core.registry.weights import save_classifier
from leuk_core.training.run import environment, today, write_json


def store_version(
    folder: Path, classifier: Any, recipe: Recipe, card: dict[str, Any], extractor: str, reference: str | None
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
    facts = {"created": today(), "extractor": extractor, "environment": environment()}
    if reference:
        facts["reference"] = reference
    write_json(folder / "card.json", {**card, **facts, "files": files})
