"""Features are kept as plain arrays: computed once, and nothing in the cache folder is ever unpickled."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.features import features_of

ASKED = []


class Loaded:
    def __reduce__(self):
        return ASKED.append, ("unpickled",)


def asked_of(folder, copies=1):
    """Return the features of three made-up cells, and how many batches were computed for them."""
    batches = []

    def features(pictures, batch):
        batches.append(len(pictures))
        return np.asarray(pictures, np.float32).reshape(len(pictures), -1)

    class Shown:
        key = "a set"

        def __len__(self):
            return 3

        def picture(self, index, recipe):
            return np.full((2, 2, 3), index / 4)

        def augmented(self, index, recipe, changes, seed):
            return np.full((2, 2, 3), index / 8)

    extractor = SimpleNamespace(card={"files": {"dcnn.safetensors": "ab"}}, features=features)
    return features_of(Shown(), Recipe(scaling="unit"), extractor, folder, copies), batches


def test_features_are_computed_once_and_read_again(tmp_path):
    first, batches = asked_of(tmp_path)
    again, none = asked_of(tmp_path)
    assert (batches, none) == ([3, 3], [])
    assert [copy.tolist() for copy in again] == [copy.tolist() for copy in first]
    assert first[0][2, 0] == 2 * first[1][2, 0]


def test_a_pickle_in_the_cache_is_not_read(tmp_path):
    asked_of(tmp_path, copies=0)
    (kept,) = (tmp_path / "features").iterdir()
    objects = np.empty(1, object)
    objects[0] = Loaded()
    for written in (pickle.dumps(Loaded()), None):
        if written is None:
            np.save(kept, objects, allow_pickle=True)
        else:
            kept.write_bytes(written)
        ASKED.clear()
        with pytest.raises(ValueError, match=r"allow_pickle|Python objects"):
            asked_of(tmp_path, copies=0)
        assert ASKED == []
