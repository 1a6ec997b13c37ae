"""The part of a picture that a model was shown, cut from the original: the cell fills it, maps lie on it exactly."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from components.scale import Scale
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion

Window = tuple[float, float, float, float]


def window_of(version: ModelVersion, picture: SmearImage, scale: Scale) -> Window:
    """Return where a model looks on a picture: left, top, right, bottom, in pixels, perhaps beyond its edges.

    Parameters
    ----------
    version : ModelVersion
        The model.
    picture : SmearImage
        The picture.
    scale : Scale
        What its scale is taken to be.

    Returns
    -------
    tuple of float
        The whole picture, as a square, where no cell was found.
    """
    from leuk_core.preprocessing.kept import kept_stages  # noqa: PLC0415 only where there is a cell

    stages = kept_stages().of(version.recipe, picture, scale.of(picture))
    if stages.cutout.found:
        return stages.window
    side = max(picture.width, picture.height)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return left, top, left + side, top + side


def microns_across(version: ModelVersion) -> float | None:
    """Return how many micrometres a model's window spans; None where its recipe doesn't fix it."""
    recipe = version.recipe
    return None if recipe.microns_per_pixel is None else recipe.size * recipe.microns_per_pixel


def crop(picture: SmearImage, window: Window, side: int) -> np.ndarray:
    """Return a window of a picture as a square; what lies beyond the picture is black.

    Parameters
    ----------
    picture : SmearImage
        The picture.
    window : tuple of float
        As `window_of` gives it.
    side : int
        Side of the result, in pixels.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
    """
    left, top = round(window[0]), round(window[1])
    width = max(1, round(window[2] - window[0]))
    image = Image.fromarray(picture.pixels).crop((left, top, left + width, top + width))
    return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))


def as_uri(pixels: np.ndarray) -> str:
    """Return a picture (height, width, 3; uint8) as a data address that an `img` element takes."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
