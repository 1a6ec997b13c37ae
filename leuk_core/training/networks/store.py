"""From a trained network to a version that can be installed: weights, recipe, card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuk_core.errors import InvalidData
from leuk_core.network import WEIGHTS
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import sha256_of
from leuk_core.registry.weights import load_network, save_network
from leuk_core.training.networks.fit import logits_of
from leuk_core.training.networks.inference import compiled
from leuk_core.training.networks.pipeline import Batches
from leuk_core.training.networks.schedule import Schedule
from leuk_core.training.run import environment, today, write_json
from leuk_core.zoo import catalogue

ENOUGH_EPOCHS = 20
"""Passes over the cells under which a network that did not start from ImageNet counts as under-trained."""


CHANGED_LABELS = 0.02
"""Largest share of cells whose label may change when the weights are stored in fewer bits; one may always."""


def store_network(
    folder: Path, network: keras.Model, recipe: Recipe, card: dict[str, Any], seen: Batches, bits: int = 16
) -> None:
    """Write a network's version folder; an existing one is never written over.

    Parameters
    ----------
    folder : Path
        The version's.
    network : keras.Model
        Trained.
    recipe : Recipe
        What its pictures go through.
    card : dict
        Facts fixed at training.
    seen : Batches
        Pictures by which the stored weights are compared with the network's own.
    bits : {16, 8}
        Half precision, or 8 bits by channel.

    Raises
    ------
    InvalidData
        If the version exists, or storing changes the label of more than `CHANGED_LABELS` of the pictures.
    """
    if (folder / "card.json").exists():
        raise InvalidData(f"A version is never changed: give `--version` another name. Received: {folder.name}")
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network, folder / WEIGHTS, eight_bits=bits == 8)
    (folder / WEIGHTS).chmod(0o644)
    own = logits_of(compiled(catalogue.logits_model(network)), seen).argmax(axis=1)
    load_network(network, folder / WEIGHTS)
    stored = logits_of(compiled(catalogue.logits_model(network)), seen).argmax(axis=1)
    storage = {"bits": bits, "labels_changed": int((own != stored).sum()), "of": len(own)}
    if storage["labels_changed"] > max(1.0, CHANGED_LABELS * len(own)):
        (folder / WEIGHTS).unlink()
        raise InvalidData(f"`bits` must be more: too many labels change. Received: {storage}")
    write_json(folder / "recipe.json", recipe.to_dict())
    files = {name: sha256_of(folder / name) for name in (WEIGHTS, "recipe.json")}
    write_json(
        folder / "card.json",
        {**card, "created": today(), "environment": environment(), "storage": storage, "files": files},
    )


def network_card(
    name: str, recipe: Recipe, classes: tuple[str, ...], parameters: dict[str, Any], schedule: Schedule,
    start: dict[str, Any], epochs: dict[str, int], history: dict[str, list[Any]],
) -> dict[str, Any]:  # fmt: skip
    """Return the part of a card that tells how a network was built and trained.

    Parameters
    ----------
    name : str
        In the catalogue.
    recipe : Recipe
        What its pictures go through.
    classes : tuple of str
        Class ids in the order of the logits.
    parameters : dict
        Of `catalogue.build`.
    schedule : Schedule
        How it was trained.
    start : dict
        `leuk_core.zoo.start_weights.Start.to_dict()`.
    epochs : dict of str to int
        Epochs taken by part.
    history : dict of str to list
        See `leuk_core.training.networks.fit.train`.
    """
    words = under_trained(schedule, start, epochs, history)
    return {
        "title": catalogue.entry(name).title,
        "model": name,
        "kind": "network",
        "default": False,
        "size": recipe.size,
        "classes": list(classes),
        "parameters": parameters,
        "start": start,
        "warning": " ".join(filter(None, (start["warning"], words))),
        "epochs": epochs,
        "under_trained": bool(words),
        "training": {**schedule.to_dict(), "curve": {key: values for key, values in history.items() if key != "part"}},
    }


def under_trained(
    schedule: Schedule, start: dict[str, Any], epochs: dict[str, int], history: dict[str, list[Any]]
) -> str:
    """Return the words for a network that would very likely get better with more epochs; empty for others.

    Such is one that learnt all its layers from other than ImageNet weights for fewer than `ENOUGH_EPOCHS` epochs, and
    one whose loss fell by more than a tenth in its last epoch.
    """
    total = sum(epochs.values())
    loss = history.get("val_loss") or history["loss"]
    falling = len(loss) > 1 and loss[-1] < 0.9 * min(loss[:-1])
    short = schedule.free == "all" and start["kind"] != "imagenet" and total < ENOUGH_EPOCHS
    return f"Under-trained, {total} epochs." if falling or short else ""


def fold_of_run(run: Path, number: int) -> dict[str, Any]:
    """Return what a finished fold left in a run folder: config, facts, history, places learnt from and judged.

    Raises
    ------
    InvalidData
        If the fold isn't finished.
    """
    try:
        config = json.loads((run / "config.json").read_text("utf-8"))
        facts = json.loads((run / f"fold_{number}.json").read_text("utf-8"))
        history = json.loads((run / f"history_fold_{number}.json").read_text("utf-8"))
        fold, labels, groups = (
            np.load(run / f"{name}.npy", allow_pickle=False) for name in ("fold", "labels", "groups")
        )
    except (OSError, ValueError) as error:
        raise InvalidData(f"`run` must hold the finished fold {number}. Received: {run.name} ({error})") from error
    return {
        "config": config, "facts": facts, "history": history, "labels": labels, "groups": groups,
        "judged": fold == number,
    }  # fmt: skip


def network_of_fold(run: Path, number: int, config: dict[str, Any]) -> keras.Model:
    """Return the network that a finished fold left, with its weights."""
    network = catalogue.build(config["model"], len(config["classes"]), config["size"], **config["parameters"])
    return load_network(network, run / f"fold_{number}.safetensors")
