"""Heat maps of any model: networks by gradients or scores, classifiers on DCNN features by occlusion."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from leuk_core.errors import InvalidParameter
from leuk_core.explain.heat_map import HeatMap
from leuk_core.explain.lattice import Lattice
from leuk_core.explain.occlusion import GRID, occlude
from leuk_core.images import SmearImage
from leuk_core.network import Network
from leuk_core.prediction import Predictor
from leuk_core.preprocessing.kept import kept_stages
from leuk_core.preprocessing.recipe import Stages

if TYPE_CHECKING:
    from leuk_core.explain.wrapped import Wrapped

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "grad-cam": "Grad-CAM",
        "grad-cam++": "Grad-CAM++",
        "score-cam": "Score-CAM",
        "saliency": "Saliency",
        "occlusion": "Occlusion",
    }
)
"""Methods and their names for people."""


@lru_cache(maxsize=1)
def _wrapped() -> WeakKeyDictionary[Network, Wrapped]:
    """Return the compiled graphs of the networks in memory, each held no longer than its network."""
    return WeakKeyDictionary()


def methods(predictor: Predictor) -> tuple[str, ...]:
    """Return the methods that can explain this model, the one that is taken by itself first."""
    return tuple(METHODS) if predictor.network is not None else ("occlusion",)


def heat_map(
    predictor: Predictor,
    image: SmearImage,
    microns_per_pixel: float | None = None,
    method: str | None = None,
    label: str | None = None,
) -> HeatMap:
    """Show which parts of a picture a model's answer rests on; the same each time.

    Parameters
    ----------
    predictor : Predictor
        The loaded model; may be used by several threads.
    image : SmearImage
        The decoded picture.
    microns_per_pixel : float or None
        Scale given by a person, as for the answer.
    method : str or None
        One of `methods(predictor)`; None takes the first: Grad-CAM for networks, occlusion for classifiers.
    label : str or None
        Class id to explain; None takes the one of the highest probability.

    Raises
    ------
    InvalidParameter
        If the method doesn't fit the model, or the class is unknown.
    """
    start = time.perf_counter()
    method = _checked_method(predictor, method)
    ids = [entry.id for entry in predictor.task.classes]
    if label is not None and label not in ids:
        raise InvalidParameter(f"`label` must be one of {', '.join(ids)}. Received: label={label!r}")
    stages = kept_stages().of(predictor.recipe, image, microns_per_pixel)
    facts: dict[str, Any] = {
        "window": stages.window,
        "original": (image.height, image.width),
        "model": predictor.ref,
        "method": method,
        "title": METHODS[method],
    }
    if not stages.cutout.found:
        size = predictor.recipe.size
        return HeatMap(
            raw=np.zeros((1, 1), np.float32),
            lattice=Lattice.stretched((1, 1), size),
            mask=np.zeros((size, size), bool),
            where="",
            label=None,
            words="",
            probability=None,
            milliseconds=1000 * (time.perf_counter() - start),
            problem=stages.cutout.problem or "No cell was found.",
            **facts,
        )
    probability = predictor.probabilities(stages.pictures["logmh"][None])[0]
    index = int(probability.argmax()) if label is None else ids.index(label)
    key = (image.pixels_sha256, predictor.recipe.hash, stages.microns_per_pixel)
    raw, lattice, where, mask = _made(predictor, method, stages, index, key)
    return HeatMap(
        raw=_positive(raw),
        lattice=lattice,
        mask=mask,
        where=where,
        label=ids[index],
        words=predictor.task.words(ids[index]),
        probability=float(probability[index]),
        milliseconds=1000 * (time.perf_counter() - start),
        **facts,
    )


def forget_maps() -> None:
    """Drop the compiled graphs; each shares its network's weights and would also go with it (`forget_models()`)."""
    _wrapped().clear()


def _checked_method(predictor: Predictor, method: str | None) -> str:
    allowed = methods(predictor)
    if method is None:
        return allowed[0]
    if method not in allowed:
        raise InvalidParameter(
            f"`method` must be one of {', '.join(allowed)} for {predictor.ref}. Received: method={method!r}"
        )
    return method


def _made(
    predictor: Predictor, method: str, stages: Stages, index: int, key: Hashable
) -> tuple[np.ndarray, Lattice, str, np.ndarray]:
    """Return the raw map, its places, where it was read off for people, and where it holds."""
    seen, scale, network = stages.pictures["logmh"], predictor.recipe.scale, predictor.network
    if method == "occlusion" or network is None:
        raw, lattice = occlude(seen, stages.mask, lambda pictures: predictor.probabilities(pictures, key)[:, index])
        return raw, lattice, f"{GRID} x {GRID} places on the cell", stages.mask
    everywhere = np.ones_like(stages.mask)
    from leuk_core.explain import wrapped as tools  # noqa: PLC0415 - imports TensorFlow

    with network.lock:
        wrapped = _wrapped().get(network)
        if wrapped is None:
            wrapped = _wrapped()[network] = tools.Wrapped(network.name, network.whole)
        if method == "saliency":
            raw = wrapped.saliency(seen, stages.mask, scale, index)
            where = f"gradient times difference from the cell's mean colour, {wrapped.size} x {wrapped.size} pixels"
            return raw, tools.pixels(wrapped.size), where, stages.mask
        if method == "score-cam":
            chosen = f" ({tools.CHANNELS} of {wrapped.channels} channels)" if wrapped.channels > tools.CHANNELS else ""
            where = f"layer {wrapped.deep}{chosen}"
            return wrapped.score_cam(seen, scale, index), wrapped.deep_lattice, where, everywhere
        return wrapped.cam(method, scale(seen), index), wrapped.fine_lattice, f"layer {wrapped.fine}", everywhere


def _positive(raw: np.ndarray) -> np.ndarray:
    """Return a map without anything negative or undefined, read-only."""
    found = np.maximum(np.nan_to_num(np.asarray(raw, np.float32), nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    found.setflags(write=False)
    return found
