"""Training of the five: same arrays as the app shows, no person on both sides, goes on where it was stopped."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.evaluation.calibration import cross_fit, fit_calibrator
from leuk_core.evaluation.coverage import choose_threshold
from leuk_core.images import decode
from leuk_core.preprocessing.recipe import CNMC_MICRONS_PER_PIXEL, Recipe
from leuk_core.registry.weights import load_classifier
from leuk_core.training.cross_validate import cross_validate, fit, read_run
from leuk_core.training.fit import store_version
from leuk_core.training.shown import ShownCells, prepare, scale_of_set
from leuk_core.zoo import classical


@pytest.fixture(scope="module")
def real_cells(cnmc_cells):
    return LabelledCells(
        LabelledCell(cell.path.name, cell.label, cell.subject, path=cell.path) for cell in cnmc_cells(each=8)
    )


@pytest.fixture(scope="module")
def numbers():
    """Features of made-up persons, in which the class shows through a person's own offset."""
    rng = np.random.default_rng(4)
    groups = np.repeat([f"p{i}" for i in range(16)], 25)
    labels = np.where(np.arange(16) % 2 == 0, "all", "hem").repeat(25)
    offset = rng.normal(size=(16, 200)).repeat(25, axis=0) * 0.3
    features = rng.normal(size=(400, 200)) + offset + (labels == "all")[:, None] * 0.45
    return features.astype(np.float32), labels, groups


@pytest.mark.real
def test_training_shows_a_model_what_the_app_shows_it(real_cells, tmp_path):
    recipe = Recipe(scaling="signed")
    shown = prepare(real_cells, recipe, tmp_path, CNMC_MICRONS_PER_PIXEL, jobs=1)
    for index in (0, 5, 11):
        image = decode(real_cells[index].read(), "any")
        stages = recipe.stages(image, CNMC_MICRONS_PER_PIXEL)
        assert np.array_equal(recipe.scale(shown.picture(index, recipe)), recipe.apply(image, CNMC_MICRONS_PER_PIXEL))
        assert shown.pixels_sha256[index] == image.pixels_sha256
        assert shown.areas[index] == stages.cutout.mask.sum() * CNMC_MICRONS_PER_PIXEL**2
    again = prepare(real_cells, recipe, tmp_path, CNMC_MICRONS_PER_PIXEL, jobs=1)
    assert again.key == shown.key
    assert np.array_equal(again.sized, shown.sized)


@pytest.mark.real
def test_the_scale_of_cnmc_is_known_by_its_names(real_cells):
    assert scale_of_set(real_cells) == CNMC_MICRONS_PER_PIXEL
    others = LabelledCells([LabelledCell("a/b.png", "a"), LabelledCell("c/d.png", "c")])
    assert scale_of_set(others) is None


@pytest.mark.real
def test_a_manifest_may_give_each_picture_its_scale(real_cells, tmp_path):
    one, other = real_cells[0], real_cells[1]
    given = {"microns_per_pixel": "0.1"}
    told = LabelledCells([replace(one, extra=given), replace(other, extra={"microns_per_pixel": "0.05"})])
    areas = prepare(told, Recipe(), tmp_path, jobs=1).areas
    twice = prepare(LabelledCells([one, other]), Recipe(), tmp_path, 0.1, jobs=1).areas
    assert areas[0] == twice[0]
    assert areas[1] == pytest.approx(twice[1] / 4, rel=0.01)
    with pytest.raises(InvalidData, match="number above 0"):
        prepare(LabelledCells([replace(one, extra={"microns_per_pixel": "-1"})]), Recipe(), tmp_path, jobs=1)


@pytest.mark.parametrize("model", classical.NAMES)
def test_each_of_the_five_learns_and_gives_one_score_a_class(model, numbers):
    features, labels, _ = numbers
    target = (labels == "hem").astype(int)
    classifier = classical.build(model, seed=1).fit(features[::2], target[::2])
    scores = classical.scores(classifier, features[1::2])
    assert scores.shape == (200, 2)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == target[1::2]).mean() > 0.7


def test_a_stopped_run_goes_on_and_ends_the_same(numbers, tmp_path):
    features, labels, groups = numbers
    run = cross_validate("sgd", [features], labels, groups, ["all", "hem"], tmp_path / "a", {}, folds=4)
    assert np.isfinite(run.scores).all()
    for group in np.unique(groups):
        assert len(np.unique(run.fold[groups == group])) == 1
    (tmp_path / "a" / "fold_2_scores.npy").unlink()
    (tmp_path / "a" / "scores.npy").unlink()
    again = cross_validate("sgd", [features], labels, groups, ["all", "hem"], tmp_path / "a", {}, folds=4)
    assert np.array_equal(again.scores, run.scores)
    assert np.array_equal(read_run(tmp_path / "a").scores, run.scores)
    assert json.loads((tmp_path / "a" / "config.json").read_text())["environment"]["python"]


def test_another_configuration_never_mixes_into_a_run_folder(numbers, tmp_path):
    features, labels, groups = numbers
    cross_validate("sgd", [features], labels, groups, ["all", "hem"], tmp_path, {"copies": 0}, folds=2)
    with pytest.raises(InvalidData, match="holds a run that was asked for otherwise"):
        cross_validate("sgd", [features], labels, groups, ["all", "hem"], tmp_path, {"copies": 1}, folds=2)


def test_copies_are_learnt_from_and_never_judged(numbers, tmp_path):
    features, labels, groups = numbers
    misleading = -features  # a copy that would be called wrong if it were judged
    run = cross_validate(
        "knn", [features, misleading], labels, groups, ["all", "hem"], tmp_path, {}, protocol=Protocol.BY_IMAGE, folds=2
    )
    assert run.scores.shape == (400, 2)
    assert np.isfinite(run.scores).all()


def test_calibration_is_judged_on_folds_that_it_was_not_fitted_on(numbers, tmp_path):
    features, labels, groups = numbers
    run = cross_validate("svm", [features], labels, groups, ["all", "hem"], tmp_path, {}, folds=4)
    target = (labels == "hem").astype(int)

    def calibrated(truth):
        return cross_fit(run.scores, truth, groups, "sigmoid", fold=run.fold).probabilities

    probabilities = calibrated(target)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(400))
    changed = target.copy()
    changed[run.fold == 0] = 1 - changed[run.fold == 0]
    # labels of a fold have no part in its own probabilities
    assert np.array_equal(calibrated(changed)[run.fold == 0], probabilities[run.fold == 0])
    assert fit_calibrator(run.scores, target, "sigmoid").slope > 0


def test_the_threshold_lets_the_asked_share_through():
    top = np.linspace(0.5, 1.0, 101)
    probabilities = np.column_stack([top, 1 - top])
    threshold = choose_threshold(np.zeros(101, int), probabilities, coverage=0.8)
    assert (top >= threshold).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("model", classical.REDUCED)
def test_fewer_cells_than_principal_components_are_enough(model, numbers):
    features, labels, _ = numbers
    classifier = fit(model, [features[:40]], (labels[:40] == "hem").astype(int), seed=0)
    assert classical.scores(classifier, features[40:60]).shape == (20, 2)


def test_few_cells_are_spanned_by_one_component_less_and_keep_their_labels_when_stored(numbers, tmp_path):
    features, labels, _ = numbers
    target = (labels == "all").astype(int)[::20]
    for model in classical.REDUCED:
        classifier = fit(model, [features[::20]], target, 0)
        assert classifier[0].n_components_ == len(target) - 1
        store_version(tmp_path / model, classifier, Recipe(), {}, "1", None, features[::20])
        stored = load_classifier(tmp_path / model / "classifier.skops")
        assert (stored.predict(features) == classifier.predict(features)).mean() > 0.98


def test_a_classifier_whose_labels_half_precision_would_change_is_stored_as_it_is(numbers, tmp_path, monkeypatch):
    features, labels, _ = numbers
    classifier = fit("sgd", [features], (labels == "all").astype(int), 0)

    def turned(given):
        other = deepcopy(given)
        other[-1].coef_ = -other[-1].coef_
        return other

    monkeypatch.setattr("leuk_core.training.fit.in_half_precision", turned)
    store_version(tmp_path / "sgd", classifier, Recipe(), {}, "1", None, features)
    stored = load_classifier(tmp_path / "sgd" / "classifier.skops")
    assert np.array_equal(stored.predict(features), classifier.predict(features))
    assert "storage" not in json.loads((tmp_path / "sgd" / "card.json").read_text("utf-8"))


def test_cells_of_unknown_scale_are_learnt_from_and_pictures_without_a_cell_are_not():
    colours = np.array([[90.0, 60.0, 120.0], [np.nan] * 3, [80.0, 50.0, 110.0]])
    nothing = np.zeros((3, 4, 4, 3), np.uint8)
    shown = ShownCells(
        "k", nothing, nothing[..., 0] > 0, [""] * 3, np.array([np.nan, np.nan, 60.0]), colours, ["a"] * 3
    )
    assert shown.usable.tolist() == [0, 2]
