"""A network made ready for heat maps: tf-keras-vis on its logits, compiled once; Score-CAM of our own.

Imports TensorFlow.

Notes
-----
tf-keras-vis 0.8.7 runs a network layer by layer at each call, several times as long as the compiled graph kept here
(benchmarks/explain.py). Its Score-CAM stays unused: it multiplies the scaled picture by each mask, so that in the
ranges "signed" and "lite" what is masked turns grey rather than black as the ground is; it weighs a channel that lowers
the class nearly as one that raises it; and it calls `model.predict`, which leaks and prints.
"""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.saliency import Saliency

from leuk_core.explain.lattice import Lattice, of_layer
from leuk_core.explain.layers import fine_layer
from leuk_core.zoo import catalogue

CHANNELS = 64
"""Channels that Score-CAM weighs: those that vary most (Faster Score-CAM), as each costs a run of the network."""

SMOOTH = 1 / 40
"""Standard deviation of the smoothing of saliency, as a share of the picture's side."""

_BATCH = 16


class _GraphGradcam(Gradcam):
    """Grad-CAM whose last step is TensorFlow's, so that it can be compiled."""

    def _calculate_cam(self, grads: Any, penultimate_output: Any, *_: Any) -> Any:
        weights = tf.reduce_mean(grads, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(penultimate_output * weights, axis=-1))


class Wrapped:
    """One network with everything that its maps need; callers hold its lock.

    Parameters
    ----------
    name : str
        Of the catalogue.
    model : keras.Model
        Its network; the layers are used, not copied.
    """

    def __init__(self, name: str, model: keras.Model) -> None:
        self.deep = catalogue.heat_map_layer(name, model)
        self.fine = fine_layer(model, self.deep)
        self.deep_lattice, self.fine_lattice = of_layer(model, self.deep), of_layer(model, self.fine)
        self.channels: int = model.get_layer(self.deep).output.shape[-1]
        self.size: int = model.inputs[0].shape[1]
        logits = keras.Model([model.input], model.get_layer("logits").output)  # a list, as tf-keras-vis calls it
        options = {
            "penultimate_layer": self.fine,
            "seek_penultimate_conv_layer": False,
            "expand_cam": False,
            "normalize_cam": False,
        }
        gradcam, plus_plus, saliency = _GraphGradcam(logits), GradcamPlusPlus(logits), Saliency(logits)
        bare = {"keepdims": True, "normalize_map": False, "gradient_modifier": None}
        self.grad_cam = self._compiled(lambda x, index: gradcam(_margin(index), x, **options), 1)
        self.grad_cam_plus_plus = self._compiled(lambda x, index: plus_plus(_level(index), x, **options), 1)
        self.gradients = self._compiled(lambda x, index: saliency(_margin(index), x, **bare), 1)
        inner = keras.Model(model.input, [model.get_layer("logits").output, model.get_layer(self.deep).output])

        def look(x: Any, index: Any) -> tuple[Any, Any]:
            found, maps = inner(x, training=False)
            return _margin(index)(found), maps

        self.look = self._compiled(look)

    def cam(self, method: str, picture: np.ndarray, index: int) -> np.ndarray:
        """Return Grad-CAM or Grad-CAM++ (rows, columns) of a scaled picture (size, size, 3)."""
        run = self.grad_cam if method == "grad-cam" else self.grad_cam_plus_plus
        return np.asarray(run(picture[None], index))[0]

    def saliency(self, seen: np.ndarray, mask: np.ndarray, scale: Any, index: int) -> np.ndarray:
        """Return the gradient times the picture's difference from the cell's mean colour, (size, size), smoothed.

        Parameters
        ----------
        seen : ndarray of shape (size, size, 3), float32
            The final picture, in [0, 1].
        mask : ndarray of shape (size, size), bool
            The cell; elsewhere the result is 0 before smoothing.
        scale : callable
            From [0, 1] to the network's range.
        index : int
            Of the class.

        Notes
        -----
        To first order this is how far the class falls when a pixel takes the cell's mean colour (gradient times input,
        Shrikumar et al. 2017). The size of the gradient alone has no sign: it looks much the same for each class.
        """
        scaled = scale(seen)
        difference = (scaled - scaled[mask].mean(axis=0)) * mask[..., None]
        fall = (np.asarray(self.gradients(scaled[None], index))[0] * difference).sum(axis=-1)
        return np.asarray(cv2.GaussianBlur(fall.astype(np.float32), (0, 0), SMOOTH * self.size))

    def score_cam(self, seen: np.ndarray, scale: Any, index: int) -> np.ndarray:
        """Return Score-CAM (rows, columns) of a picture in [0, 1] (Wang et al. 2020, algorithm 1).

        Parameters
        ----------
        seen : ndarray of shape (size, size, 3), float32
            The final picture.
        scale : callable
            From [0, 1] to the network's range.
        index : int
            Of the class.

        Notes
        -----
        Each channel, brought to [0, 1], masks the picture; its weight is the softmax over channels of how far the class
        rises above its level on a black picture.
        """
        _, maps = self.look(scale(seen[None]), index)
        activity = np.asarray(maps)[0]
        spread = activity.std(axis=(0, 1))
        chosen = np.argsort(-spread, kind="stable")[:CHANNELS]
        chosen = chosen[spread[chosen] > 0]
        if not chosen.size:
            return np.zeros(activity.shape[:2], np.float32)
        activity = activity[..., chosen]
        masks = self.deep_lattice.spread(activity, self.size)
        masks -= masks.min(axis=(0, 1))
        masks /= np.maximum(masks.max(axis=(0, 1)), np.finfo(np.float32).tiny)
        rise = []
        for start in range(0, len(chosen), _BATCH):
            part = np.moveaxis(masks[..., start : start + _BATCH], -1, 0)
            rise.append(np.asarray(self.look(scale(seen * part[..., None]), index)[0]))
        above = np.concatenate(rise) - float(self.look(scale(np.zeros_like(seen)[None]), index)[0][0])
        weights = np.exp(above - above.max())
        return np.asarray(np.maximum(activity @ (weights / weights.sum()), 0))

    def _compiled(self, run: Any, pictures: int | None = None) -> Any:
        shape = tf.TensorSpec((pictures, self.size, self.size, 3), tf.float32)
        return tf.function(run, input_signature=[shape, tf.TensorSpec((), tf.int32)], autograph=False)


def _margin(index: Any) -> Any:
    """Return the score that maps explain: a class's logit less the mean of the others'.

    A softmax doesn't change when all logits rise alike: what speaks for all classes speaks for none.
    """

    def score(logits: Any) -> Any:
        own = tf.gather(logits, index, axis=1)
        classes = logits.shape[-1]
        return own - (tf.reduce_sum(logits, axis=1) - own) / (classes - 1)

    return score


def _level(index: Any) -> Any:
    """Return `_margin` less its own value: Grad-CAM++ takes its exponential, which must not overflow."""
    margin = _margin(index)

    def score(logits: Any) -> Any:
        found = margin(logits)
        return found - tf.stop_gradient(found)

    return score


def pixels(size: int) -> Lattice:
    """Return the lattice of single pixels."""
    return Lattice.stretched((size, size), size)
