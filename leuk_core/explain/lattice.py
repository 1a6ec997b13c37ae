"""Where the places of a coarse map lie on the picture that a model saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Lattice:
    """Evenly spaced places on a picture.

    Parameters
    ----------
    left, top : float
        Middle of the first place, in pixels; the middle of the first pixel is 0.
    step_x, step_y : float
        From one place to the next, in pixels.
    """

    left: float
    top: float
    step_x: float
    step_y: float

    @classmethod
    def stretched(cls, shape: tuple[int, int], size: int) -> Lattice:
        """Return the lattice whose (rows, columns) share a square picture of `size` pixels evenly."""
        step_y, step_x = size / shape[0], size / shape[1]
        return cls((step_x - 1) / 2, (step_y - 1) / 2, step_x, step_y)

    def spread(self, values: np.ndarray, size: int) -> np.ndarray:
        """Return values (rows, columns) or (rows, columns, n) between the places by bilinear interpolation.

        Returns
        -------
        ndarray of shape (size, size) or (size, size, n), float32
            Beyond the outermost middles the value of the nearest place.
        """
        pixel = np.arange(size)
        rows, columns, *_ = values.shape
        down = _weights((pixel - self.top) / self.step_y, rows)
        across = _weights((pixel - self.left) / self.step_x, columns)
        return np.einsum("yr,rc...,xc->yx...", down, values.astype(np.float32), across, optimize=True)


def of_layer(model: keras.Model, name: str) -> Lattice:
    """Return where the receptive fields of a layer's places have their middles on the picture.

    Parameters
    ----------
    model : keras.Model
        A flat graph with one picture as its input.
    name : str
        A layer whose output is (n, rows, columns, channels).

    Notes
    -----
    Follows convolutions and poolings back to the picture: a step of stride s multiplies the distance between places,
    and without padding the first middle moves inwards. Where ways part (residuals, concatenations) their middles agree
    in all our networks, so that the first one is followed. A layer that changes the map in another way makes it an
    even division of the picture.
    """
    came_from = {id(operation.output): operation for operation in model.operations if _single(operation)}
    output = model.get_layer(name).output
    size, (rows, columns) = model.inputs[0].shape[1], output.shape[1:3]
    chain, tensor = [], output
    while (operation := came_from[id(tensor)]).input is not tensor and type(operation).__name__ != "InputLayer":
        chain.append(operation)
        given = operation.input
        tensor = given[0] if isinstance(given, list | tuple) else given
    left = top = 0.0
    step_x = step_y = 1.0
    for operation in reversed(chain):
        given = operation.input[0] if isinstance(operation.input, list | tuple) else operation.input
        before, after = given.shape[1:3], operation.output.shape[1:3]
        kernel = getattr(operation, "kernel_size", None) or getattr(operation, "pool_size", None)
        if kernel is None:
            if tuple(before) != tuple(after):
                return Lattice.stretched((rows, columns), size)
            continue
        strides, same = operation.strides, operation.padding == "same"
        top += step_y * _first_middle(before[0], after[0], kernel[0], strides[0], same)
        left += step_x * _first_middle(before[1], after[1], kernel[1], strides[1], same)
        step_y, step_x = step_y * strides[0], step_x * strides[1]
    return Lattice(left, top, step_x, step_y)


def _single(operation: Any) -> bool:
    return not isinstance(operation.output, list | tuple)


def _first_middle(before: int, after: int, kernel: int, stride: int, same: bool) -> float:
    padding = max((after - 1) * stride + kernel - before, 0) // 2 if same else 0
    return (kernel - 1) / 2 - padding


def _weights(positions: np.ndarray, places: int) -> np.ndarray:
    """Return the share (positions, places) of each place at positions counted in places."""
    clipped = np.clip(positions, 0, places - 1)
    return np.maximum(0, 1 - np.abs(clipped[:, None] - np.arange(places))).astype(np.float32)


def onto_original(
    on_seen: np.ndarray,
    window: tuple[float, float, float, float],
    original: tuple[int, int],
    shape: tuple[int, int],
) -> np.ndarray:
    """Lay a map of the square final picture back on the original.

    Parameters
    ----------
    on_seen : ndarray of shape (size, size), float32
        The map.
    window : tuple of float
        (left, top, right, bottom) of the final picture on the original, in pixels, as `Stages.window`.
    original : tuple of int
        Height and width of the original.
    shape : tuple of int
        Height and width of the result: the original's, or those of a copy of another size.

    Returns
    -------
    ndarray of shape `shape`, float32
        0 where the model saw nothing.
    """
    left, top, right, bottom = window
    size = on_seen.shape[0]
    shrink_y, shrink_x = original[0] / shape[0], original[1] / shape[1]
    zoom_x, zoom_y = size / (right - left), size / (bottom - top)
    # middles of pixels: x on the map + 0.5 = ((x on the copy + 0.5) * shrink - left) * zoom
    matrix = np.array(
        [
            [shrink_x * zoom_x, 0, (0.5 * shrink_x - left) * zoom_x - 0.5],
            [0, shrink_y * zoom_y, (0.5 * shrink_y - top) * zoom_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    finer = max(shrink_x * zoom_x, shrink_y * zoom_y)
    if finer > 1:  # several of its pixels fall on one: single ones would get lost between the sampled places
        on_seen = cv2.GaussianBlur(on_seen, (0, 0), 0.4 * finer)
    return cv2.warpAffine(on_seen, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_CONSTANT)
