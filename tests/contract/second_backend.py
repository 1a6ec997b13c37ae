"""Run by a test in a process of its own, with KERAS_BACKEND set: build each network, load it, write what it answers."""

import sys
from pathlib import Path

import keras
import numpy as np

from leuk_core.registry.weights import load_network
from leuk_core.zoo import catalogue


def answer(folder: Path, name: str, classes: int) -> None:
    """Write all outputs of a network for the pictures that lie there."""
    pictures = np.load(folder / f"{name}.npy")
    model = load_network(catalogue.build(name, classes, pictures.shape[1]), folder / f"{name}.safetensors")
    np.savez(folder / f"{name}.npz", *map(keras.ops.convert_to_numpy, catalogue.outputs_of(model, pictures)))


if __name__ == "__main__":
    for each in sys.argv[2:]:
        answer(Path(sys.argv[1]), each, classes=2)
