"""A small network as an installed version, and cells drawn for it."""

import json
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from leuk_core.images import SmearImage
from leuk_core.prediction import Predictor
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import ModelVersion
from leuk_core.registry.weights import save_network
from leuk_core.zoo import catalogue

SIZE = 96


@pytest.fixture(scope="session")
def network_predictor(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Predictor]:
    """Return a function that stores a network with start weights (if wanted) as a version and loads it, once."""
    import keras

    from leuk_core.zoo import start_weights

    @cache
    def make(name: str = "efficientnet-lite", seed: int = 7, start: bool = True) -> Predictor:
        folder = tmp_path_factory.mktemp("version")
        keras.utils.set_random_seed(seed)
        model = catalogue.build(name, 2, SIZE)
        if start:
            start_weights.load(name, model, catalogue.entry(name).starts[0])
        save_network(model, folder / "network.safetensors")
        recipe = Recipe(size=SIZE, microns_per_pixel=0.2, logmh=None, scaling=catalogue.entry(name).scaling)
        (folder / "recipe.json").write_text(json.dumps(recipe.to_dict()), "utf-8")
        card = {
            "kind": "network",
            "model": name,
            "size": SIZE,
            "classes": ["all", "hem"],
            "parameters": {},
            "files": {},
        }
        return Predictor(ModelVersion("all-vs-normal", name, f"test-{seed}", folder, card))

    return make


@pytest.fixture(scope="session")
def drawn_cell() -> SmearImage:
    """A cell on black in the form of C-NMC, off the middle, with a lobed nucleus."""
    rng = np.random.default_rng(3)
    pixels = np.zeros((450, 450, 3), np.uint8)
    cv2.ellipse(pixels, (250, 200), (110, 90), 20, 0, 360, (190, 150, 200), -1)
    cv2.circle(pixels, (270, 190), 60, (90, 40, 130), -1)
    cv2.circle(pixels, (220, 230), 40, (100, 50, 140), -1)
    grain = rng.normal(0, 8, pixels.shape)
    pixels = np.where(pixels.any(axis=2, keepdims=True), np.clip(pixels + grain, 20, 255), 0).astype(np.uint8)
    return SmearImage(pixels, "", "")
