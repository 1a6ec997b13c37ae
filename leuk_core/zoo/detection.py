"""What the two detectors share: boxes from outlines, overlaps, the best of overlapping boxes, and losses by place.

A target by place carries one channel more than the output it belongs to: whether the place counts. Each loss gives one
value a picture, so that a picture's weight works for labels and boxes alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from leuk_core.zoo import graph
from leuk_core.zoo.catalogue import Box

_SURE = 1e-6  # how near 0 or 1 a probability may come before its logarithm is taken


# Layers


def up_to(x: Any, like: Any, name: str) -> Any:
    """Double the map `x` and crop it to that of `like`: odd sides are rounded up on the way down.

    A map of no fixed size is not cropped: its picture's sides must then be multiples of the coarsest stride.
    """
    x = layers.UpSampling2D(2, name=f"{name}_up")(x)
    if None in (*x.shape[1:3], *like.shape[1:3]):
        return x
    rows, columns = x.shape[1] - like.shape[1], x.shape[2] - like.shape[2]
    return layers.Cropping2D(((0, rows), (0, columns)), name=f"{name}_crop")(x) if rows or columns else x


def pooled_label(maps: Iterable[Any], classes: int, dropout: float) -> Any:
    """Add the picture's softmax over the averages of several maps."""
    averages = [layers.GlobalAveragePooling2D(name=f"features{index}")(x) for index, x in enumerate(maps)]
    return graph.label(layers.Concatenate(name="features")(averages), classes, dropout)


# Boxes


def outline_boxes(masks: np.ndarray) -> np.ndarray:
    """Return the boxes around outlines.

    Parameters
    ----------
    masks : ndarray of shape (n, height, width), bool
        One cell a picture.

    Returns
    -------
    ndarray of shape (n, 4), float32
        left, top, right, bottom in pixels; NaN where the mask is empty.

    Examples
    --------
    >>> mask = np.zeros((1, 8, 8), bool)
    >>> mask[0, 2:5, 1:7] = True
    >>> outline_boxes(mask).tolist()
    [[1.0, 2.0, 7.0, 5.0]]
    """
    found = np.full((len(masks), 4), np.nan, np.float32)
    for index, mask in enumerate(masks):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            found[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return found


def overlaps(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes (n, 4) with one box (4,), as (n,)."""
    width = np.minimum(boxes[:, 2], box[2]) - np.maximum(boxes[:, 0], box[0])
    height = np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return shared / np.maximum(areas + area - shared, 1e-9)


def best_boxes(
    boxes: np.ndarray, scores: np.ndarray, size: int, least: float, overlap: float = 0.5, most: int = 20
) -> list[Box]:
    """Return the boxes that stand above all others which overlap them, best first.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4)
        left, top, right, bottom in pixels.
    scores : ndarray of shape (n, classes)
        In [0, 1].
    size : int
        Side of the picture, which boxes are cut to.
    least : float
        Smallest score that is shown.
    overlap : float
        Intersection over union from which two boxes are taken for one cell, whatever their classes.
    most : int
        Boxes at most.
    """
    best = scores.max(axis=1)
    order = [index for index in np.argsort(-best, kind="stable") if best[index] >= least]
    kept: list[int] = []
    for index in order:
        if len(kept) == most:
            break
        if not kept or overlaps(boxes[kept], boxes[index]).max() < overlap:
            kept.append(index)
    inside = np.clip(boxes, 0, size)
    return [
        (*(float(value) for value in inside[index]), float(best[index]), int(scores[index].argmax()))  # type: ignore[misc]
        for index in kept
    ]


# Losses


class SmoothL1(keras.losses.Loss):
    """Smooth L1 (equations 9 and 19) over the places that count, as a mean over them.

    Parameters
    ----------
    beta : float
        Error under which it is quadratic.
    name : str
        Of the loss.
    """

    def __init__(self, beta: float, name: str) -> None:
        super().__init__(name=name)
        self.beta = beta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value a picture: `y_true` (n, ..., k + 1), `y_pred` (n, ..., k)."""
        values, counts = y_true[..., :-1], y_true[..., -1]
        error = ops.abs(values - y_pred)
        loss = ops.where(error < self.beta, 0.5 * ops.square(error) / self.beta, error - 0.5 * self.beta)
        places = list(range(1, len(counts.shape)))
        total = ops.sum(ops.sum(loss, axis=-1) * counts, axis=places)
        return total / ops.maximum(ops.sum(counts, axis=places), 1.0)


class AnchorFocal(keras.losses.Loss):
    """Multi-class focal loss over anchors (equation 8), those of the background among them (Lin et al. 2017).

    p_t is p for the class of the anchor's cell and 1 - p for all others; an anchor of the background has no class.
    Equation 8 does not weigh rare positives; the original's `alpha` does, and is kept.

    Parameters
    ----------
    gamma, alpha : float
        Focusing parameter, and weight of positives (negatives: 1 - alpha).
    name : str
        Of the loss.
    """

    def __init__(self, gamma: float = 2.0, alpha: float = 0.25, name: str = "classes") -> None:
        super().__init__(name=name)
        self.gamma, self.alpha = gamma, alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value a picture: `y_true` (n, anchors, classes + 1), `y_pred` (n, anchors, classes)."""
        positive, counts = y_true[..., :-1], y_true[..., -1]
        p = ops.clip(y_pred, _SURE, 1 - _SURE)
        right = positive * p + (1 - positive) * (1 - p)
        weight = positive * self.alpha + (1 - positive) * (1 - self.alpha)
        loss = -weight * ops.power(1 - right, self.gamma) * ops.log(right)
        total = ops.sum(ops.sum(loss, axis=-1) * counts, axis=1)
        return total / ops.maximum(ops.sum(ops.sum(positive, axis=-1) * counts, axis=1), 1.0)


class PenaltyReducedFocal(keras.losses.Loss):
    """CenterNet's focal loss of the heat map (Zhou et al. 2019, equation 1; Law and Deng 2018).

    Equation 18 of Haque et al. has no term for places without a centre: a map that is 1 everywhere would make it zero.
    So the published loss of CenterNet is used: its second term pulls all other places down, less near a centre.

    Parameters
    ----------
    alpha, beta : float
        Focusing parameter, and how much less places near a centre count.
    name : str
        Of the loss.
    """

    def __init__(self, alpha: float = 2.0, beta: float = 4.0, name: str = "heat") -> None:
        super().__init__(name=name)
        self.alpha, self.beta = alpha, beta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value a picture: both (n, rows, columns, classes); `y_true` is 1 at a centre only."""
        p = ops.clip(y_pred, _SURE, 1 - _SURE)
        centre = ops.cast(y_true > 1 - 1e-4, p.dtype)
        at = centre * ops.power(1 - p, self.alpha) * ops.log(p)
        away = (1 - centre) * ops.power(1 - y_true, self.beta) * ops.power(p, self.alpha) * ops.log(1 - p)
        return -ops.sum(at + away, axis=[1, 2, 3]) / ops.maximum(ops.sum(centre, axis=[1, 2, 3]), 1.0)
