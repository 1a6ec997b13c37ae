"""The baseline measures size and colour, and never learns from a person whom it judges."""

import numpy as np
import pytest

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.evaluation.baseline import baseline_features, baseline_probabilities
from leuk_core.evaluation.metrics import evaluate
from leuk_core.images import SmearImage, decode


def disc(radius, colour, side=120):
    y, x = np.mgrid[:side, :side] - side // 2
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[x**2 + y**2 <= radius**2] = colour
    return pixels


def test_area_and_colour_are_those_of_the_cell_not_of_the_picture():
    image = SmearImage(disc(30, (150, 90, 170)), "cell.png", "")
    features = baseline_features([image, disc(30, (150, 90, 170), side=200)])
    assert features[0] == pytest.approx([np.pi * 30**2, 150, 90, 170], rel=0.01)
    assert features[1] == pytest.approx(features[0])


def test_the_scale_makes_areas_of_two_magnifications_comparable():
    features = baseline_features([disc(20, (90, 90, 90)), disc(40, (90, 90, 90))], [0.1, 0.05])
    assert features[:, 0] == pytest.approx(np.pi * 2.0**2, rel=0.02)
    with pytest.raises(InvalidParameter, match="one for each of 2 pictures"):
        baseline_features([disc(20, (90, 90, 90))] * 2, [0.1, 0.1, 0.1])


def test_a_blank_picture_has_no_features_and_is_not_judged_silently():
    features = baseline_features([np.zeros((64, 64, 3), np.uint8), disc(20, (90, 90, 90))])
    assert np.isnan(features[0]).all()
    with pytest.raises(InvalidData, match="Received: 1 of 2"):
        baseline_probabilities(features, [0, 1], ["a", "b"])


def test_what_only_a_person_gives_away_does_not_help_by_subject():
    # each person has a colour of its own that says nothing of the class
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(20), 30)
    truth = person % 2
    features = rng.normal(0, 30, (20, 4))[person] + rng.normal(0, 1, (600, 4))
    by_image = evaluate(truth, baseline_probabilities(features, truth, ["a", "b"]), ["a", "b"], n_bootstrap=100)
    by_subject = evaluate(
        truth, baseline_probabilities(features, truth, ["a", "b"], person), ["a", "b"], n_bootstrap=100
    )
    assert by_image.figure("auroc").value > by_subject.figure("auroc").value + 0.1


def test_the_folds_of_a_run_can_be_used():
    rng = np.random.default_rng(1)
    truth = np.arange(40) % 2
    features = rng.normal(size=(40, 4)) + truth[:, None]
    fold = np.arange(40) // 8
    found = baseline_probabilities(features, truth, ["a", "b"], fold=fold)
    moved = features.copy()
    moved[fold == 2] += 100  # only the other folds' answers may change
    again = baseline_probabilities(moved, truth, ["a", "b"], fold=fold)
    assert found.sum(axis=1) == pytest.approx(1)
    assert not np.allclose(found[fold != 2], again[fold != 2])
    with pytest.raises(InvalidData, match="must hold every class"):
        baseline_probabilities(features, truth, ["a", "b"], fold=truth)


@pytest.mark.real
def test_normal_cells_of_c_nmc_are_smaller(cnmc_cells):
    cells = cnmc_cells(each=8)
    features = baseline_features(decode(cell.path.read_bytes(), "cell") for cell in cells)
    area = {name: np.median(features[[cell.label == name for cell in cells], 0]) for name in ("all", "hem")}
    assert np.isfinite(features).all()
    assert area["all"] > 1.1 * area["hem"]
