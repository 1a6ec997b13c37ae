"""Which layer of a network a map is read off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leuk_core.explain.lattice import of_layer

if TYPE_CHECKING:
    import keras

WIDEST_STEP = 16
"""Pixels between the places of a map that still tells the parts of a cell apart."""


def fine_layer(model: keras.Model, deepest: str) -> str:
    """Return the layer for maps by gradients: the deepest that is not too coarse.

    Parameters
    ----------
    model : keras.Model
        A flat graph.
    deepest : str
        The layer to start from, as `catalogue.heat_map_layer` names it.

    Returns
    -------
    str
        A layer that all ways to `deepest` lead through, with places `WIDEST_STEP` pixels apart at most; the last
        rectified one of its size where there is one. `deepest` itself where it is fine enough, or where nothing is.

    Notes
    -----
    Measured on EfficientNet-Lite0 at 227 pixels, cells of C-NMC: without the hottest tenth by Grad-CAM of its last
    layer (8 x 8 places, 32 pixels apart) the class fell no further than without a random tenth; by that of the last
    rectified layer 16 pixels apart it did. Each place of a deep layer sees the whole cell.
    """
    if _step(model, deepest) <= WIDEST_STEP:
        return deepest
    passed = _passed(model, deepest)
    fine = [layer for layer in passed if 1 < _step(model, layer.name) <= WIDEST_STEP]
    if not fine:
        return deepest
    coarsest = max(_step(model, layer.name) for layer in fine)
    last = [layer for layer in fine if _step(model, layer.name) == coarsest]
    return str(next((layer for layer in reversed(last) if _rectifies(layer)), last[-1]).name)


def _step(model: keras.Model, layer: str) -> float:
    lattice = of_layer(model, layer)
    return max(lattice.step_x, lattice.step_y)


def _passed(model: keras.Model, end: str) -> list[Any]:
    """Return the layers that every way from the picture to `end` leads through, in this order."""
    came_from: dict[int, int] = {}
    through: list[set[int]] = []
    for index, operation in enumerate(model.operations):  # each stands behind those that it needs
        given = operation.input if isinstance(operation.input, list | tuple) else [operation.input]
        before = [through[came_from[id(tensor)]] for tensor in given if id(tensor) in came_from]
        through.append({index} | (set.intersection(*before) if before else set()))
        output = operation.output if isinstance(operation.output, list | tuple) else [operation.output]
        came_from.update(dict.fromkeys(map(id, output), index))
        if operation.name == end:
            return [model.operations[position] for position in sorted(through[index]) if position != index]
    return []


def _rectifies(layer: Any) -> bool:
    name = type(layer).__name__.lower()
    return name == "relu" or getattr(getattr(layer, "activation", None), "__name__", "").startswith("relu")
