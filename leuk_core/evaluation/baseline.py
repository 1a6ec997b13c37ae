"""The trivial baseline: what size and colour alone can tell. A model has learnt something only where it beats this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from leuk_core.data.splits import group_folds, image_folds
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.judged import positions
from leuk_core.images import SmearImage
from leuk_core.preprocessing.cutout import find_cell

FEATURES = ("area", "red", "green", "blue")


def baseline_features(
    pictures: Iterable[SmearImage | np.ndarray], microns_per_pixel: float | Sequence[float] | None = None
) -> np.ndarray:
    """Return area and mean colour of the cell on each picture.

    Parameters
    ----------
    pictures : iterable of SmearImage or ndarray of shape (height, width, 3), uint8
        RGB; cells cut out on black, or raw crops, in which the white cell nearest the middle is found.
    microns_per_pixel : float, sequence of float, or None
        Scale of all pictures, or of each: the area is then in square micrometres. None leaves it in pixels, which only
        says something where all pictures have one scale.

    Returns
    -------
    ndarray of shape (n, 4), float64
        The columns of `FEATURES`: area, and mean red, green and blue inside the cell (0 to 255). A row of NaN where no
        cell was found.

    Raises
    ------
    InvalidParameter
        If there isn't one scale for all or one for each picture, or a scale isn't above 0.
    """
    rows = np.array([_area_and_colour(picture) for picture in pictures], dtype=np.float64).reshape(-1, len(FEATURES))
    if microns_per_pixel is not None:
        scale = np.asarray(microns_per_pixel, np.float64)
        if scale.shape not in ((), (len(rows),)) or not (scale > 0).all():
            raise InvalidParameter(
                f"`microns_per_pixel` must be above 0, one for all or one for each of {len(rows)} pictures. "
                f"Received: {microns_per_pixel}"
            )
        rows[:, 0] *= scale**2
    return rows


def baseline_model() -> Pipeline:
    """Return the unfitted baseline: logistic regression on standardised area and mean colour.

    Notes
    -----
    Classes are not balanced (`class_weight=None`), so that its probabilities hold for the set as it is, like those of
    the calibrated models that stand beside it.
    """
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def baseline_probabilities(
    features: ArrayLike,
    y_true: ArrayLike,
    classes: Sequence[str],
    groups: ArrayLike | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    fold: ArrayLike | None = None,
) -> np.ndarray:
    """Return the baseline's probabilities of each cell from a fit that saw neither it nor its group.

    Parameters
    ----------
    features : array-like of shape (n, 4)
        From `baseline_features`, without rows of NaN.
    y_true : array-like of shape (n,)
        True classes: ids out of `classes`, or positions as integers.
    classes : sequence of str
        Class ids in the order of the columns to return.
    groups : array-like of shape (n,) or None
        Group (subject) of each cell; None splits by image.
    folds, seed : int
        Number and seed of the folds: the same as those of `leuk_core.training.cross_validate.cross_validate`.
    fold : array-like of shape (n,), int, or None
        The folds of a finished run, to stand beside it on the very same split; takes the place of the two above. Cells
        with a negative fold are learnt from and not judged.

    Returns
    -------
    ndarray of shape (n, classes), float64
        A row of NaN for each cell that is not judged.

    Raises
    ------
    InvalidData
        If a feature isn't finite (no scale, no cell), or the folds can't be made.
    """
    given = np.asarray(features, np.float64)
    if not np.isfinite(given).all():
        missing = int((~np.isfinite(given)).any(axis=1).sum())
        raise InvalidData(
            "Area and colour must be known of each cell: give the pictures' scale and leave out those without a cell. "
            f"Received: {missing} of {len(given)} without"
        )
    truth = positions(y_true, tuple(classes), len(given))
    if fold is not None:
        number = np.asarray(fold)
        judged = np.unique(number[number >= 0])
        parts = [(np.flatnonzero(number != one), np.flatnonzero(number == one)) for one in judged]
    elif groups is None:
        parts = image_folds(truth, folds, seed)
    else:
        parts = group_folds(truth, np.asarray(groups), folds, seed)
    if any(len(np.unique(truth[train])) < len(classes) for train, _ in parts):
        raise InvalidData(f"Each training part must hold every class. Received: {len(parts)} folds, one without")
    found = np.full((len(given), len(classes)), np.nan)
    for train, test in parts:
        found[test] = baseline_model().fit(given[train], truth[train]).predict_proba(given[test])
    return found


def _area_and_colour(picture: SmearImage | np.ndarray) -> list[float]:
    pixels = picture.pixels if isinstance(picture, SmearImage) else np.asarray(picture)
    inside = find_cell(pixels).mask
    if not inside.any():
        return [np.nan] * len(FEATURES)
    return [float(inside.sum()), *pixels[inside].mean(axis=0).tolist()]
