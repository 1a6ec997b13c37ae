"""Where a network starts from: ImageNet, white cells (in-domain), a file of one's own, or random numbers.

Everything but the head is filled. Shipped start weights lie in `models/start/<name>/` with a card that names their
source, licence and SHA-256; `convert_efficientnet_lite` made the one of EfficientNet-Lite0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

from leuk_core import PROJECT_ROOT
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.registry.eight_bits import unpacked
from leuk_core.registry.versions import check_files, sha256_of
from leuk_core.settings import settings
from leuk_core.zoo import catalogue

STARTS = ("imagenet", "in-domain", "file", "random")

RANDOM = (
    "This network started from random weights: it has probably learnt less than one that started from other pictures."
)

SHIPPED: dict[tuple[str, str], tuple[str, str]] = {
    ("alexnet", "in-domain"): ("extractors/dcnn", "dcnn.safetensors"),
    ("efficientnet-lite", "imagenet"): ("start/efficientnet-lite0", "trunk.safetensors"),
    ("retinanet", "imagenet"): ("start/efficientnet-lite0", "trunk.safetensors"),
    ("centernet", "imagenet"): ("start/efficientnet-lite0", "trunk.safetensors"),
}
"""Folder below models/ and file, by network and kind of start."""

PUBLISHED: dict[str, str] = {"xception": "Xception", "inception-resnet": "InceptionResNetV2"}
"""Network of keras.applications whose ImageNet weights fit, layer by layer in order of building, by our name."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a network started from, for the run's record and the model's card.

    Parameters
    ----------
    kind : {"imagenet", "in-domain", "file", "random"}
        As asked for.
    source, licence : str
        Of the weights; never a path of this machine.
    sha256 : str
        Of the file; empty where there is none.
    loaded : int
        Weights (numbers) that were filled.
    warning : str
        Sentence that must stay visible on each result; empty where there is none.
    """

    kind: str
    source: str
    licence: str
    sha256: str
    loaded: int
    warning: str

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain JSON types."""
        return asdict(self)


def load(
    name: str, model: keras.Model, start: str = "imagenet", path: Path | None = None, sha256: str | None = None
) -> Start:
    """Fill a freshly built network before its head, and return what was done.

    Parameters
    ----------
    name : str
        One of the catalogue.
    model : keras.Model
        Its network; changed in place.
    start : {"imagenet", "in-domain", "file", "random"}
        "file" fills the head too, where it fits.
    path : Path or None
        A safetensors file by variable path, for every kind but "random"; None takes the shipped one or, for
        "imagenet", the download of keras.applications.
    sha256 : str or None
        What the file must have.

    Raises
    ------
    InvalidParameter
        If `start` is unknown, or `path` is needed or not allowed.
    ModelUnavailable
        If the weights can't be had, were changed, or don't fit. The network is then as it was.
    """
    if start not in STARTS:
        raise InvalidParameter(f"`start` must be one of {', '.join(STARTS)}. Received: start={start!r}")
    if start == "random":
        if path is not None:
            raise InvalidParameter('`path` must be left out when `start` is "random". Received: a path')
        return Start("random", "random numbers", "", "", 0, RANDOM)
    if path is not None:
        return _from_file(name, model, start, path, sha256)
    if (name, start) in SHIPPED:
        return _from_shipped(name, model, start)
    if start == "imagenet" and name in PUBLISHED:
        return _from_download(name, model)
    offered = [kind for kind in ("imagenet", "in-domain") if (name, kind) in SHIPPED]
    known = f"without a file {name} can start from {', '.join([*offered, 'random'])}"
    raise InvalidParameter(f"`path` must name a weights file: {known}. Received: start={start!r}, path=None")


def save_trunk(name: str, model: keras.Model, path: Path) -> str:
    """Write all weights before the head in half precision, as start weights for another task; return the SHA-256."""
    arrays = {
        variable.path: np.ascontiguousarray(keras.ops.convert_to_numpy(variable), np.float16)
        for variable in _before_head(name, model)
    }
    save_file(arrays, path)
    return sha256_of(path)


# Where they come from


def _from_file(name: str, model: keras.Model, start: str, path: Path, sha256: str | None) -> Start:
    if not path.is_file():
        raise ModelUnavailable(f"The weights file of {name} is missing. Received: {path.name}")
    digest = sha256_of(path)
    if sha256 is not None and digest != sha256:
        raise ModelUnavailable(f"{path.name} is not the file that was asked for. Received: SHA-256 {digest}")
    loaded = _fill(name, model, _arrays(path), path.name, head=start == "file")
    return Start(start, path.name, "", digest, loaded, "")


def _from_shipped(name: str, model: keras.Model, start: str) -> Start:
    place, file = SHIPPED[name, start]
    folder = _shipped_folder(place)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    if wrong := check_files(folder, card["files"]):
        raise ModelUnavailable(f"The start weights can't be used: {' '.join(wrong)} Received: {place}")
    loaded = _fill(name, model, _arrays(folder / file), place, head=False)
    data = card.get("data", [{}])[0]
    licence = card.get("licence", data.get("licence", ""))
    return Start(start, f"{card['title']} ({card.get('source', place)})", licence, card["files"][file], loaded, "")


def _from_download(name: str, model: keras.Model) -> Start:
    """Copy what keras.applications downloads into our network, layer by layer."""
    application: Callable[..., keras.Model] = getattr(keras.applications, PUBLISHED[name])
    try:
        published = application(include_top=False, weights="imagenet", input_shape=model.inputs[0].shape[1:])
    except Exception as error:  # Keras lets whatever the network says through
        raise ModelUnavailable(
            f"The ImageNet weights of {name} could not be downloaded. Give a file of them as `path`, start from cells "
            f'(start="in-domain") or from random weights. Received: {error}'
        ) from error
    loaded = _fill(name, model, from_published(name, model, published), PUBLISHED[name], head=False)
    return Start("imagenet", f"keras.applications.{PUBLISHED[name]}", "Apache-2.0", "", loaded, "")


def from_published(name: str, model: keras.Model, published: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a network of keras.applications by the paths of ours; their layers have the same order."""
    ours = _before_head(name, model)
    if [tuple(variable.shape) for variable in ours] != [tuple(variable.shape) for variable in published.weights]:
        raise ModelUnavailable(f"{name} must be of the published size for ImageNet weights. Received: another one")
    pairs = zip(ours, published.weights, strict=True)
    return {variable.path: keras.ops.convert_to_numpy(values) for variable, values in pairs}


def _shipped_folder(place: str) -> Path:
    """Return a folder below the models of the settings, else of the project; of several versions the newest."""
    for root in (settings().models_dir, PROJECT_ROOT / "models"):
        cards = [root / place / "card.json", *sorted((root / place).glob("*/card.json"), reverse=True)]
        if found := next((card for card in cards if card.is_file()), None):
            return found.parent
    raise ModelUnavailable(f"The start weights are missing: install the models anew. Received: {place}")


# Filling


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        found: dict[str, np.ndarray] = unpacked(load_file(path))
    except Exception as error:  # safetensors has its own kind
        raise ModelUnavailable(f"{path.name} is not a readable safetensors file. Received: {error}") from error
    return found


def _before_head(name: str, model: keras.Model) -> list[Any]:
    """Return the variables of trunk and tail, in the order of building."""
    layers = map(model.get_layer, catalogue.stages(name, model)["head"])
    head = {variable.path for layer in layers for variable in layer.weights}
    return [variable for variable in model.weights if variable.path not in head]


def _fill(name: str, model: keras.Model, arrays: dict[str, np.ndarray], source: str, head: bool) -> int:
    """Assign what fits and count it; refuse where a layer before the head is missing or has another shape."""
    before = _before_head(name, model)
    for variable in before:
        values = arrays.get(variable.path)
        if values is None or values.shape != tuple(variable.shape):
            received = "nothing" if values is None else str(values.shape)
            raise ModelUnavailable(
                f"{source} doesn't fit {name}: {variable.path} needs {tuple(variable.shape)}. Received: {received}"
            )
    chosen = list(before)
    if head:
        known = {variable.path for variable in before}
        rest = [variable for variable in model.weights if variable.path not in known]
        chosen += [v for v in rest if v.path in arrays and arrays[v.path].shape == tuple(v.shape)]
    for variable in chosen:
        variable.assign(arrays[variable.path].astype(np.float32))
    return sum(math.prod(variable.shape) for variable in chosen)
