"""The state of a training at the end of an epoch, in one file: whoever is killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from leuk_core.training.run import whole


def save(path: Path, lists: dict[str, list[np.ndarray]], facts: dict[str, Any]) -> None:
    """Write arrays and facts so that a reader sees the old file or the whole new one.

    Parameters
    ----------
    path : Path
        The file.
    lists : dict of str to list of ndarray
        Weights, the optimizer's state, averages.
    facts : dict
        Plain JSON types.
    """
    arrays = {
        f"{name}/{index:05d}": np.asarray(values, order="C")
        for name, found in lists.items()
        for index, values in enumerate(found)
    }
    with whole(path) as unfinished:
        save_file(arrays, unfinished, {"facts": json.dumps(facts)})


def load(path: Path) -> tuple[dict[str, list[np.ndarray]], dict[str, Any]] | None:
    """Return arrays and facts of a backup; None where there is no readable one."""
    lists: dict[str, list[np.ndarray]] = {}
    try:
        with safe_open(path, "numpy") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["facts"])
            for name in sorted(file.keys()):
                lists.setdefault(name.split("/")[0], []).append(file.get_tensor(name))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return lists, facts


def numbers(variables: Iterable[Any]) -> list[np.ndarray]:
    """Return copies of the values of variables."""
    # by way of a tensor: a variable on several devices has no other numbers
    return [np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable))) for variable in variables]


def assign(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    """Put each value into its variable."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def state_of(model: keras.Model) -> list[Any]:
    """Return the weights of a network and the states of its random generators."""
    weights = list(model.weights)
    known = {id(variable) for variable in weights}
    random = [v for v in model.variables if id(v) not in known and "seed_generator" in v.path]
    return [*weights, *random]
