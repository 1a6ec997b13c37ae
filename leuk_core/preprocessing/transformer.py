"""LoGMH as a scikit-learn transformer, for pipelines and grid searches over sigma and beta."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.logmh import LoGMH


class LoGMHTransformer(TransformerMixin, BaseEstimator):
    """Put every picture of an array through LoGMH. Nothing is learnt.

    Parameters
    ----------
    sigma, alpha, beta : float
        As in `LoGMH`.
    channels, normalisation, percentiles, masked
        As in `LoGMH`; a mask is derived from each picture.

    Attributes
    ----------
    filter_ : LoGMH
        The checked filter.

    Raises
    ------
    InvalidParameter
        When fitting or transforming, if a parameter is out of its range.

    Examples
    --------
    >>> cells = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    >>> LoGMHTransformer(sigma=1.5).fit_transform(cells).shape
    (2, 16, 16, 3)
    """

    def __init__(
        self,
        sigma: float = 1.0,
        alpha: float = 1.0,
        beta: float = 1.0,
        channels: str = "each",
        normalisation: str = "extremes",
        percentiles: tuple[float, float] = (0.5, 99.5),
        masked: bool = False,
    ) -> None:
        self.sigma = sigma
        self.alpha = alpha
        self.beta = beta
        self.channels = channels
        self.normalisation = normalisation
        self.percentiles = percentiles
        self.masked = masked

    def fit(self, X: np.ndarray, y: Any = None) -> LoGMHTransformer:  # noqa: ARG002 scikit-learn's signature
        """Check the parameters and the shape of the pictures.

        Parameters
        ----------
        X : ndarray of shape (n, height, width, 3), uint8 or floating point
            RGB pictures.
        y : object
            Ignored.
        """
        _check_pictures(X)
        self.filter_ = LoGMH(**self.get_params(deep=False))
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the filtered pictures: float32 in [0, 1], shape of `X`.

        Parameters
        ----------
        X : ndarray of shape (n, height, width, 3), uint8 or floating point
            RGB pictures.
        """
        _check_pictures(X)
        logmh = LoGMH(**self.get_params(deep=False))
        filtered = np.empty(X.shape, np.float32)
        for index, picture in enumerate(X):
            filtered[index] = logmh.apply(picture)
        return filtered

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        return tags


def _check_pictures(X: np.ndarray) -> None:
    if not isinstance(X, np.ndarray) or X.ndim != 4 or X.shape[3] != 3:
        received = X.shape if isinstance(X, np.ndarray) else type(X).__name__
        raise InvalidParameter(f"`X` must be an array of shape (n, height, width, 3). Received: {received}")
