"""Cut a flat network in two at a layer: the frozen trunk runs once over all cells, the tail learns from its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leuk_core.errors import InvalidParameter
from leuk_core.zoo import catalogue

if TYPE_CHECKING:
    import keras


def split(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Return trunk (picture to the layer's output) and tail (that output to all outputs of the network).

    Both share their layers with `model`: what the tail learns, the whole network knows.

    Parameters
    ----------
    model : keras.Model
        A flat functional graph.
    layer : str
        Name of the last layer of the trunk. Nothing but its output may pass from trunk to tail.

    Raises
    ------
    InvalidParameter
        If the network has no such layer, or can't be cut there.
    """
    import keras  # noqa: PLC0415 - only where a network is trained

    if layer not in (known := cut_points(model)):
        some = ", ".join(known[-6:])
        raise InvalidParameter(f"`layer` must be one at which the network can be cut ({some}). Received: {layer!r}")
    between = model.get_layer(layer).output
    trunk = keras.Model(model.input, between, name=f"{model.name}_trunk")
    return trunk, keras.Model(between, model.outputs, name=f"{model.name}_tail")


def cut_points(model: keras.Model) -> list[str]:
    """Return the layers whose output alone everything after them depends on, in the order of the graph."""
    order, needs = _graph(model)
    found = []
    for place, name in enumerate(order[1:-1], start=1):
        after = order[place + 1 :]
        behind = {name}
        for later in after:
            if needs[later] & behind:
                behind.add(later)
        # whatever does not hang on this layer must not be needed by what does
        rest = set(order) - behind
        crossing = any(needs[later] & rest for later in behind - {name})
        if not crossing and all(later in behind for later in _outputs(model)):
            found.append(name)
    return found


def tail_start(name: str, model: keras.Model) -> str:
    """Return the last layer at which the network can be cut so that its tail and head lie behind the cut."""
    order, _ = _graph(model)
    parts = catalogue.stages(name, model)
    first = min(order.index(layer) for layer in (*parts["tail"], *parts["head"]))
    before = [layer for layer in cut_points(model) if order.index(layer) < first]
    if not before:
        raise InvalidParameter(f"`model` must be a network that can be cut before its tail. Received: {name}")
    return before[-1]


def _graph(model: keras.Model) -> tuple[list[str], dict[str, set[str]]]:
    """Return the layers' names in an order in which each follows what it needs, and what each needs."""
    needs: dict[str, set[str]] = {}
    depth: dict[str, int] = {}
    for operation in model.operations:
        node = operation._inbound_nodes[0]  # noqa: SLF001 - Keras shows the graph in no other way
        parents = {tensor._keras_history.operation.name for tensor in node.input_tensors}  # noqa: SLF001
        needs[operation.name] = parents & set(needs)
        depth[operation.name] = 1 + max((depth[parent] for parent in needs[operation.name]), default=-1)
    return list(needs), needs


def _outputs(model: keras.Model) -> set[Any]:
    return {tensor._keras_history.operation.name for tensor in model.outputs}  # noqa: SLF001
