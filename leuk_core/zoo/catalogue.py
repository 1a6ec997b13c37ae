"""The networks of section 3.5.2 (Haque et al. 2024) and the compact one, each a module of its own and one line here.

Nothing here imports Keras before a network is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from leuk_core.errors import InvalidParameter

if TYPE_CHECKING:
    import keras

Box = tuple[float, float, float, float, float, int]
"""left, top, right, bottom in pixels, score in [0, 1], index of the class."""

STAGES = ("head", "tail", "all")


@dataclass(frozen=True, slots=True)
class Entry:
    """One network of the zoo.

    Parameters
    ----------
    name, title : str
        As it is called everywhere, and for people.
    module : str
        Where it is built: `build`, `heat_map_layer`, `stages`, and for detectors `targets`, `losses`, `loss_weights`
        and `boxes`.
    scaling : {"unit", "signed", "lite"}
        Range that its start weights expect, for the recipe.
    size : int
        Side of the picture where nothing else is asked for, in pixels.
    starts : tuple of str
        Kinds of start weights that need no file of one's own, best first.
    paper : mapping
        Parameters of `build` in the paper's preset.
    detector : bool
        Learns boxes from cell outlines beside the label.
    paper_size : int
        Side of the picture in the paper's preset, in pixels.
    """

    name: str
    title: str
    module: str
    scaling: str
    size: int
    starts: tuple[str, ...] = ("imagenet",)
    paper: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    detector: bool = False
    paper_size: int = 227


ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("efficientnet-lite", "EfficientNet-Lite0", "leuk_core.zoo.efficientnet_lite", "lite", 144),
        Entry(
            "alexnet",
            "AlexNet",
            "leuk_core.zoo.alexnet",
            "unit",
            227,
            starts=("in-domain",),
            paper={"dense_units": 4096},
        ),
        Entry("xception", "Xception", "leuk_core.zoo.xception", "signed", 96),
        Entry("inception-resnet", "Inception-ResNet-v2", "leuk_core.zoo.inception_resnet", "signed", 96),
        Entry(
            "retinanet",
            "RetinaNet",
            "leuk_core.zoo.retinanet",
            "lite",
            96,
            paper={"channels": 256, "depth": 4},
            detector=True,
        ),
        Entry("centernet", "CenterNet", "leuk_core.zoo.centernet", "lite", 96, detector=True),
    )
}


def entry(name: str) -> Entry:
    """Return the catalogue's line of a network.

    Raises
    ------
    InvalidParameter
        If there is none of this name.

    Examples
    --------
    >>> entry("alexnet").scaling
    'unit'
    """
    if name not in ENTRIES:
        raise InvalidParameter(f"`name` must be one of {', '.join(ENTRIES)}. Received: name={name!r}")
    return ENTRIES[name]


def module(name: str) -> Any:
    """Return the module of a network; imports Keras."""
    return importlib.import_module(entry(name).module)


def build(name: str, classes: int, size: int, **parameters: Any) -> keras.Model:
    """Build a network with random weights.

    Parameters
    ----------
    name : str
        One of `ENTRIES`.
    classes : int
        At least 2.
    size : int
        Side of the square picture, in pixels.
    **parameters
        What else the module's `build` takes, such as `dropout`.

    Returns
    -------
    keras.Model
        A flat functional graph from (n, size, size, 3) to the softmax named "label" (n, classes) and, for a detector,
        its further outputs.

    Raises
    ------
    InvalidParameter
        If a parameter is unknown or out of its range.
    """
    if classes < 2:
        raise InvalidParameter(f"`classes` must be at least 2. Received: classes={classes}")
    builder = module(name).build
    known = set(builder.__kwdefaults__ or {})
    if not 0 <= parameters.get("dropout", 0.0) < 1:
        raise InvalidParameter(f"`dropout` must be from 0 to under 1. Received: dropout={parameters['dropout']}")
    if unknown := sorted(set(parameters) - known):
        raise InvalidParameter(f"{name} has the parameters {', '.join(sorted(known))}. Received also: {unknown}")
    return builder(classes, size, **parameters)


def outputs_of(model: keras.Model, pictures: Any, training: bool = False) -> list[Any]:
    """Return all outputs of a network as a list, label first, also where there is only one."""
    found = model(pictures, training=training)
    return list(found) if isinstance(found, list | tuple) else [found]


def label_model(model: keras.Model) -> keras.Model:
    """Return a network of the same layers that gives the label only, (n, classes)."""
    return _part(model, "label")


def logits_model(model: keras.Model) -> keras.Model:
    """Return a network of the same layers that gives what the label's softmax is taken of, (n, classes)."""
    return _part(model, "logits")


def heat_map_layer(name: str, model: keras.Model) -> str:
    """Return the deepest layer whose map, 3 x 3 at least, shows where the label's evidence lies."""
    return str(module(name).heat_map_layer(model))


def stages(name: str, model: keras.Model) -> dict[str, list[str]]:
    """Return the names of the layers that have weights, each once, under "trunk", "tail" and "head"."""
    found: dict[str, list[str]] = module(name).stages(model)
    return found


def set_trainable(name: str, model: keras.Model, stage: str, statistics: bool | None = None) -> None:
    """Free the weights of one stage of training and freeze all others; compile the network after it.

    Parameters
    ----------
    name : str
        One of `ENTRIES`.
    model : keras.Model
        Its network.
    stage : {"head", "tail", "all"}
        "tail" frees the last block and the head.
    statistics : bool or None
        Whether batch normalisation learns: its scale, shift and moving averages. None: in the stage "all" only. Frozen,
        it works as in inference, so that a few steps can't spoil its averages.
    """
    if stage not in STAGES:
        raise InvalidParameter(f"`stage` must be one of {', '.join(STAGES)}. Received: stage={stage!r}")
    learns = stage == "all" if statistics is None else statistics
    for part, names in stages(name, model).items():
        for layer in map(model.get_layer, names):
            normalises = type(layer).__name__ == "BatchNormalization"
            free = stage == "all" or part == "head" or (part == "tail" and stage == "tail")
            layer.trainable = free and (learns or not normalises)


def losses(name: str, classes: int) -> list[Any]:
    """Return one loss for each output; each gives one value a picture."""
    if entry(name).detector:
        return list(module(name).losses(classes))
    import keras  # noqa: PLC0415 - only where a network is trained

    return [keras.losses.SparseCategoricalCrossentropy(name="label")]


def loss_weights(name: str) -> list[float]:
    """Return what each output's loss counts."""
    return list(module(name).loss_weights()) if entry(name).detector else [1.0]


def targets(
    name: str, masks: np.ndarray | None, labels: Sequence[int] | np.ndarray, classes: int, size: int
) -> list[np.ndarray]:
    """Return what each output should give.

    Parameters
    ----------
    name : str
        One of `ENTRIES`.
    masks : ndarray of shape (n, size, size), bool, or None
        The cells' outlines, changed as the pictures were. Only detectors look at them.
    labels : sequence of int
        Index of each picture's class.
    classes, size : int
        As the network was built.

    Returns
    -------
    list of ndarray
        Labels (n,) int32 first.
    """
    if not entry(name).detector:
        return [np.asarray(labels, np.int32)]
    if masks is None:
        raise InvalidParameter(f"`masks` must be given for {name}: it learns boxes from outlines. Received: None")
    return list(module(name).targets(masks, np.asarray(labels, np.int32), classes, size))


def boxes(name: str, outputs: Sequence[np.ndarray], size: int) -> list[list[Box]]:
    """Return the boxes that a detector found on each picture, best first; none for other networks.

    Parameters
    ----------
    name : str
        One of `ENTRIES`.
    outputs : sequence of ndarray
        As `outputs_of` gives them.
    size : int
        Side of the pictures, in pixels.
    """
    if entry(name).detector:
        found: list[list[Box]] = module(name).boxes(outputs, size)
        return found
    return [[] for _ in range(len(outputs[0]))]


def _part(model: keras.Model, layer: str) -> keras.Model:
    import keras  # noqa: PLC0415

    return keras.Model(model.input, model.get_layer(layer).output, name=f"{model.name}_{layer}")
