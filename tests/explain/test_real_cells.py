"""On real cells: what a map calls hot matters to the answer, and a map hangs on the weights that were learnt."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from leuk_core.explain import heat_map, methods
from leuk_core.explain.deletion import falls
from leuk_core.images import decode
from leuk_core.prediction import load_predictor
from leuk_core.registry import list_versions

NETWORKS = [entry.ref for entry in list_versions() if entry.kind == "network"]
MAPS = [
    ("all-vs-normal/svm", "occlusion"),
    *((ref, method) for ref in NETWORKS[:1] for method in ("grad-cam", "saliency")),
]


@pytest.fixture(scope="module")
def images(cnmc_cells):
    return [decode(entry.path.read_bytes(), "cell") for entry in cnmc_cells(each=6)]


@pytest.mark.real
@pytest.mark.parametrize(("ref", "method"), MAPS)
def test_the_hottest_tenth_counts_more_than_a_random_tenth(ref, method, images):
    predictor = load_predictor(ref)
    rng = np.random.default_rng(1)
    chosen = images[3:9] if method == "occlusion" else images  # sixty runs of the network for each map
    maps = [(image, heat_map(predictor, image, method=method)) for image in chosen]
    measured = np.array([falls(predictor, image, found, rng) for image, found in maps if not found.empty])
    assert len(measured) >= 5
    hottest, random = measured.mean(axis=0)
    assert hottest > random
    assert hottest > 0


@pytest.mark.real
@pytest.mark.skipif(not NETWORKS, reason="no network is installed")
def test_a_trained_networks_map_hangs_on_its_weights(images):
    import keras

    from leuk_core.explain.maker import forget_maps
    from leuk_core.prediction import forget_models

    predictor = load_predictor(NETWORKS[0])
    label = predictor.task.classes[0].id
    learnt = [heat_map(predictor, image, method=methods(predictor)[0], label=label).on_seen for image in images[2:8]]
    keras.utils.set_random_seed(0)
    network = predictor.network.whole
    for variable in network.trainable_variables:
        shuffled = np.random.default_rng(variable.shape[0]).permutation(np.asarray(variable).ravel())
        variable.assign(shuffled.reshape(variable.shape))
    try:
        other = [heat_map(predictor, image, method=methods(predictor)[0], label=label).on_seen for image in images[2:8]]
    finally:
        forget_models()
        forget_maps()
    ranks = [
        spearmanr(one.ravel(), two.ravel()).statistic
        for one, two in zip(learnt, other, strict=True)
        if one.any() and two.any()
    ]
    assert np.mean([*ranks, 0.0]) < 0.4
