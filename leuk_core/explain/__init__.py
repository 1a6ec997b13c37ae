"""Why: which parts of a picture an answer rests on. Importing it loads no TensorFlow."""

from leuk_core.explain.heat_map import HeatMap
from leuk_core.explain.maker import METHODS, forget_maps, heat_map, methods
from leuk_core.explain.overlay import COLOURS, overlay, to_png

__all__ = [
    "COLOURS",
    "METHODS",
    "HeatMap",
    "forget_maps",
    "heat_map",
    "methods",
    "overlay",
    "to_png",
]
