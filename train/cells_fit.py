"""The training of the detector of white cells: epochs that can be killed and gone on with."""

from __future__ import annotations

import json
import time
from pathlib import Path

import keras
import numpy as np

from leuk_core.cells import network
from leuk_core.registry.weights import save_network
from leuk_core.settings import settings
from leuk_core.training.networks import backup
from train.cells_crops import SIDE, Material, batch

STATE, WEIGHTS, LOG = "state.safetensors", "network.safetensors", "epochs.jsonl"
START = Path("start") / "efficientnet-lite0" / "trunk.safetensors"


def start(model: keras.Model) -> int:
    """Fill the trunk with the shipped ImageNet weights; return how many numbers were filled."""
    from safetensors.numpy import load_file  # noqa: PLC0415

    arrays = load_file(settings().models_dir / START)
    filled = 0
    for variable in model.weights:
        if variable.path in arrays:
            variable.assign(arrays[variable.path].astype(np.float32))
            filled += arrays[variable.path].size
    return filled


def fit(
    fields: list[Material], folder: Path, *, epochs: int, steps: int, size: int, rate: float, seed: int, minutes: float
) -> keras.Model:
    """Train, and go on where an earlier call was stopped.

    Parameters
    ----------
    fields : list of Material
        What is learnt from.
    folder : Path
        State, log and, at the end, averaged weights.
    epochs, steps, size : int
        Epochs, steps of each and crops a step.
    rate : float
        Highest learning rate; it falls to nothing on a cosine.
    seed : int
        Of the crops; each epoch has its own.
    minutes : float
        No epoch begins after so long a time of training in all.
    """
    keras.utils.set_random_seed(seed)
    model = network.build()
    start(model)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # so small a set would spoil its averages
    schedule = keras.optimizers.schedules.CosineDecay(0.0, epochs * steps, warmup_target=rate, warmup_steps=steps // 2)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=5.0, use_ema=True, ema_momentum=0.995)
    model.compile(optimizer, network.losses(), loss_weights=network.LOSS_WEIGHTS)
    optimizer.build(model.trainable_variables)
    folder.mkdir(parents=True, exist_ok=True)
    first, spent = 0, 0.0
    if (kept := backup.load(folder / STATE)) is not None:
        lists, facts = kept
        backup.assign(model.weights, lists["weights"])
        backup.assign(optimizer.variables, lists["optimizer"])
        first, spent = facts["epochs"], facts["seconds"]
    for epoch in range(first, epochs):
        if spent > 60 * minutes:
            break
        began = time.monotonic()
        losses = _epoch(model, fields, np.random.default_rng((seed, epoch)), steps, size)
        spent += time.monotonic() - began
        facts = {"epochs": epoch + 1, "seconds": spent}
        lists = {"weights": backup.numbers(model.weights), "optimizer": backup.numbers(optimizer.variables)}
        backup.save(folder / STATE, lists, facts)
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({**facts, "loss": losses}) + "\n")
    optimizer.finalize_variable_values(model.trainable_variables)
    save_network(model, folder / WEIGHTS)
    return model


def _epoch(model: keras.Model, fields: list[Material], rng: np.random.Generator, steps: int, size: int) -> list[float]:
    """Train one epoch; return the mean of all losses: total, heat, extent, offset."""
    losses = []
    for _ in range(steps):
        pictures, boxes = batch(fields, size, rng)
        losses.append(model.train_on_batch(pictures, network.targets(boxes, SIDE, SIDE)))
    return [round(float(value), 5) for value in np.mean(np.array(losses), axis=0)]
