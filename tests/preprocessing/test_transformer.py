"""LoGMH in scikit-learn's hands."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.transformer import LoGMHTransformer


@pytest.fixture
def cells():
    return np.random.default_rng(3).integers(0, 256, (3, 24, 20, 3), dtype=np.uint8)


def test_each_picture_is_filtered_on_its_own(cells):
    filtered = LoGMHTransformer(sigma=2.0, beta=3.0).fit_transform(cells)
    assert filtered.dtype == np.float32
    for before, after in zip(cells, filtered, strict=True):
        assert np.array_equal(after, LoGMH(sigma=2.0, beta=3.0).apply(before))


def test_clone_and_parameters_follow_scikit_learn(cells):
    original = LoGMHTransformer(sigma=1.5, percentiles=(1.0, 99.0), masked=True).fit(cells)
    copy = clone(original)
    assert copy.get_params() == original.get_params()
    assert not hasattr(copy, "filter_")
    assert copy.set_params(sigma=3.0).fit(cells).filter_ == LoGMH(3.0, percentiles=(1.0, 99.0), masked=True)


def test_in_a_pipeline_sigma_can_be_set_by_name(cells):
    pipeline = make_pipeline(LoGMHTransformer(), FunctionTransformer(lambda X: X.reshape(len(X), -1)))
    pipeline.set_params(logmhtransformer__sigma=2.0)
    assert np.array_equal(pipeline.fit_transform(cells)[0], LoGMH(2.0).apply(cells[0]).ravel())


def test_nothing_is_checked_before_fitting(cells):
    wrong = LoGMHTransformer(sigma=-1)
    with pytest.raises(InvalidParameter, match="Received: sigma=-1"):
        wrong.fit(cells)


def test_pictures_must_be_four_dimensional(cells):
    with pytest.raises(InvalidParameter, match=r"`X` must be .* Received: \(24, 20, 3\)"):
        LoGMHTransformer().fit(cells[0])
