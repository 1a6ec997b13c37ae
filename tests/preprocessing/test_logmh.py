"""LoGMH against the paper's equations, written out with scipy in double precision, and its promises to people."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.logmh import LoGMH

BORDER = 8


def equations_1_to_4(picture, sigma, alpha, beta):
    """Return the paper's result for one picture, in float64."""
    picture = picture.astype(np.float64)
    boosted = np.empty_like(picture)
    for channel in range(3):
        plane = picture[..., channel]
        blurred = ndimage.gaussian_filter(plane, sigma, mode="mirror", truncate=4) if sigma else plane
        boosted[..., channel] = alpha * plane - beta * ndimage.laplace(blurred, mode="mirror")
    return (boosted - boosted.min()) / (boosted.max() - boosted.min())


def inner(picture):
    return picture[BORDER:-BORDER, BORDER:-BORDER]


@pytest.fixture
def noise():
    return np.random.default_rng(5).integers(0, 256, (90, 73, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def cells():
    root = os.environ.get("LEUK_TEST_DATA")
    if not root or not (Path(root) / "cnmc").is_dir():
        pytest.skip("LEUK_TEST_DATA names no folder with cnmc")
    paths = sorted((Path(root) / "cnmc").glob("fold_*/*/*"))
    chosen = paths[:: len(paths) // 5][:6]
    return [cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1].copy() for path in chosen]


class TestEquations:
    @pytest.mark.parametrize("sigma", [0, 0.3, 0.7, 1.0, 1.5, 4.0, 4.5, 12.0])
    @pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (1, 0), (0, 1), (1, 8), (0.2, 3)])
    def test_equal_the_reference(self, noise, sigma, alpha, beta):
        result = LoGMH(sigma, alpha, beta).apply(noise)
        assert np.abs(inner(result) - inner(equations_1_to_4(noise, sigma, alpha, beta))).max() < 1e-3

    def test_bands_and_threads_leave_no_seam_in_a_large_picture(self):
        large = np.random.default_rng(6).random((1500, 900, 3), dtype=np.float32)
        difference = np.abs(LoGMH(2.0).apply(large) - equations_1_to_4(large, 2.0, 1, 1))
        assert difference.max() < 1e-5

    def test_one_thread_and_several_give_the_same_bits(self):
        large = np.random.default_rng(7).random((1500, 900, 3), dtype=np.float32)
        before = cv2.getNumThreads()
        try:
            cv2.setNumThreads(1)
            alone = LoGMH(1.2).apply(large)
            cv2.setNumThreads(3)
            shared = LoGMH(1.2).apply(large)
        finally:
            cv2.setNumThreads(before)
        assert np.array_equal(alone, shared)

    @pytest.mark.real
    def test_equal_the_reference_on_real_cells(self, cells):
        for cell in cells:
            assert np.abs(inner(LoGMH(1.0).apply(cell)) - inner(equations_1_to_4(cell, 1.0, 1, 1))).max() < 1e-3

    def test_output_fills_zero_to_one_in_float32_and_leaves_the_input_alone(self, noise):
        before = noise.copy()
        result = LoGMH().apply(noise)
        assert result.dtype == np.float32
        assert (result.min(), result.max()) == (0.0, 1.0)
        assert np.array_equal(noise, before)

    def test_eight_bits_and_floats_agree(self, noise):
        assert np.abs(LoGMH().apply(noise) - LoGMH().apply(noise / 255.0)).max() < 1e-5

    def test_a_view_with_strides_is_read_as_what_it_shows(self, noise):
        assert np.array_equal(LoGMH().apply(noise[::-1, ::2]), LoGMH().apply(noise[::-1, ::2].copy()))

    def test_a_bright_dot_gets_a_dark_ring_that_eight_bits_would_lose(self):
        picture = np.full((33, 33, 3), 100, np.uint8)
        picture[16, 16] = 140
        result = LoGMH(beta=3.0).apply(picture)
        assert result[16, 14, 0] < result[0, 0, 0] < result[16, 16, 0]

    def test_a_picture_smaller_than_the_filter_has_an_answer(self):
        small = np.random.default_rng(8).random((3, 2, 3), dtype=np.float32)
        assert LoGMH(8.0).apply(small).max() == 1.0


class TestInvariance:
    def test_only_the_ratio_of_beta_to_alpha_matters(self, noise):
        assert np.array_equal(LoGMH(1.0, 1.0, 0.5).apply(noise), LoGMH(1.0, 2.0, 1.0).apply(noise))
        assert np.abs(LoGMH(1.0, 0.3, 0.9).apply(noise) - LoGMH(1.0, 1.0, 3.0).apply(noise)).max() < 1e-5
        assert LoGMH(1.0, 2.0, 1.0).boost == 0.5

    def test_brightness_and_contrast_of_the_input_do_not_matter(self, noise):
        changed = 0.4 * noise.astype(np.float32) + 31.0
        assert np.abs(LoGMH().apply(changed) - LoGMH().apply(noise)).max() < 1e-5

    def test_a_stronger_boost_steepens_edges(self, noise):
        blob = cv2.GaussianBlur(noise, (0, 0), 2)
        slopes = [np.abs(np.diff(LoGMH(beta=beta).apply(blob), axis=1)).mean() for beta in (0.0, 2.0, 8.0)]
        assert slopes[0] < slopes[1] < slopes[2]


class TestFlatPictures:
    @pytest.mark.parametrize("value", [0, 7, 255])
    @pytest.mark.parametrize(
        "logmh",
        [LoGMH(), LoGMH(0), LoGMH(alpha=0), LoGMH(20, 0), LoGMH(channels="luminance"), LoGMH(masked=True),
         LoGMH(normalisation="percentiles")],
        ids=str,
    )  # fmt: skip
    def test_constant_becomes_black(self, value, logmh):
        assert not logmh.apply(np.full((40, 31, 3), value, np.uint8)).any()

    def test_constant_floats_become_black(self):
        assert not LoGMH().apply(np.full((40, 31, 3), 0.3, np.float32)).any()

    def test_one_grey_level_of_structure_is_enough(self):
        picture = np.full((40, 40, 3), 200, np.uint8)
        picture[10:20, 10:20] = 201
        assert LoGMH().apply(picture).max() == 1.0

    def test_no_blur_without_boost_only_stretches_the_contrast(self, noise):
        low, high = int(noise.min()), int(noise.max())
        stretched = (noise.astype(np.float64) - low) / (high - low)
        assert np.abs(LoGMH(0, 1, 0).apply(noise) - stretched).max() < 1e-6


class TestOptions:
    def test_one_hot_pixel_moves_extremes_but_not_percentiles(self, noise):
        calm = cv2.GaussianBlur(noise, (0, 0), 2)
        hot = calm.copy()
        hot[45, 30] = 255
        elsewhere = np.ones(calm.shape[:2], bool)
        elsewhere[38:53, 23:38] = False

        def moved(logmh):
            return np.abs(logmh.apply(hot) - logmh.apply(calm))[elsewhere].max()

        assert moved(LoGMH()) > 0.1
        assert moved(LoGMH(normalisation="percentiles")) < 0.03

    def test_percentiles_name_the_share_that_is_clipped(self, noise):
        result = LoGMH(normalisation="percentiles", percentiles=(10, 80)).apply(noise)
        assert (result == 0).mean() == pytest.approx(0.10, abs=0.002)
        assert (result == 1).mean() == pytest.approx(0.20, abs=0.002)

    def test_channels_are_normalised_together(self):
        picture = np.zeros((40, 40, 3), np.uint8)
        picture[10:30, 10:30] = (200, 20, 90)
        result = LoGMH().apply(picture)
        assert result[..., 0].max() > result[..., 2].max() > result[..., 1].max()

    def test_luminance_keeps_hue_and_saturation(self, noise):
        colours = cv2.GaussianBlur(noise, (0, 0), 3)
        result = LoGMH(channels="luminance").apply(colours)
        hue, saturation, _ = cv2.split(cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2HSV))
        new_hue, new_saturation, new_value = cv2.split(cv2.cvtColor(result, cv2.COLOR_RGB2HSV))
        clear = (new_value > 0.02) & (saturation > 0.02)
        turn = np.abs(hue - new_hue)
        assert np.minimum(turn, 360 - turn)[clear].max() < 0.1
        assert np.abs(saturation - new_saturation)[clear].max() < 1e-3

    def test_luminance_of_a_grey_picture_is_the_plain_filter(self, noise):
        grey = np.repeat(noise[..., :1], 3, axis=2)
        assert np.abs(LoGMH(channels="luminance").apply(grey) - LoGMH().apply(grey)).max() < 1e-4


class TestMasked:
    @pytest.mark.real
    @pytest.mark.parametrize("beta", [1.0, 2.0, 4.0])
    def test_more_of_the_range_is_left_to_the_inside_of_real_cells(self, cells, beta):
        for cell in cells:
            mask = cell.max(axis=2) > 14
            core = cv2.erode(mask.astype(np.uint8), np.ones((13, 13))) > 0

            def inner_range(logmh, cell=cell, mask=mask, core=core):
                low, high = np.percentile(logmh.apply(cell, mask)[core], [1, 99])
                return high - low

            assert inner_range(LoGMH(beta=beta, masked=True)) > 1.2 * inner_range(LoGMH(beta=beta))

    @pytest.mark.real
    def test_ground_of_real_cells_stays_black(self, cells):
        for cell in cells:
            for mask in (None, cell.max(axis=2) > 14):
                result = LoGMH(beta=2.0, masked=True).apply(cell, mask)
                ground = cell.max(axis=2) <= 8 if mask is None else ~mask
                assert not result[ground].any()

    def test_what_lies_outside_the_mask_has_no_say(self, noise):
        mask = np.zeros(noise.shape[:2], bool)
        mask[20:70, 15:60] = True
        other = noise.copy()
        other[~mask] = 17
        logmh = LoGMH(beta=2.0, masked=True)
        assert np.array_equal(logmh.apply(noise, mask), logmh.apply(other, mask))

    def test_a_mask_over_everything_changes_nothing(self, noise):
        mask = np.ones(noise.shape[:2], bool)
        assert np.abs(LoGMH(masked=True).apply(noise, mask) - LoGMH().apply(noise)).max() < 1e-6

    def test_an_empty_mask_gives_black(self, noise):
        assert not LoGMH(masked=True).apply(noise, np.zeros(noise.shape[:2], bool)).any()

    def test_a_cell_of_three_pixels_has_an_answer(self):
        picture = np.zeros((20, 20, 3), np.uint8)
        picture[9:12, 10] = [[100, 20, 90], [140, 40, 120], [90, 30, 80]]
        result = LoGMH(masked=True).apply(picture)
        assert np.isfinite(result).all()
        assert result.max() == 1.0

    def test_without_masked_a_mask_is_not_looked_at(self, noise):
        mask = np.zeros(noise.shape[:2], bool)
        assert np.array_equal(LoGMH().apply(noise, mask), LoGMH().apply(noise))


class TestParameters:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"sigma": 0.2}, r"`sigma` must be 0.3 to 32 pixels, or 0 for no blur. Received: sigma=0.2"),
            ({"sigma": 33}, r"`sigma` must be .* Received: sigma=33.0"),
            ({"sigma": -1}, r"`sigma` must be .* Received: sigma=-1.0"),
            ({"sigma": float("nan")}, r"`sigma` must be a finite number. Received: sigma=nan"),
            ({"sigma": "1"}, r"`sigma` must be a finite number. Received: sigma='1'"),
            ({"alpha": -0.1}, r"`alpha` must be at least 0. Received: alpha=-0.1"),
            ({"beta": float("inf")}, r"`beta` must be a finite number. Received: beta=inf"),
            ({"alpha": 0, "beta": 0}, r"`alpha` and `beta` must not both be 0. Received: alpha=0.0, beta=0.0"),
            ({"channels": "red"}, r"`channels` must be one of \('each', 'luminance'\). Received: channels='red'"),
            ({"normalisation": "mean"}, r"`normalisation` must be one of .* Received: normalisation='mean'"),
            ({"percentiles": (99, 1)}, r"`percentiles` must be two numbers .* Received: percentiles=\(99, 1\)"),
            ({"percentiles": (1, 101)}, r"`percentiles` must be two numbers .* Received: percentiles=\(1, 101\)"),
            ({"percentiles": 5}, r"`percentiles` must be two numbers .* Received: percentiles=5"),
            ({"masked": "yes"}, r"`masked` must be True or False. Received: masked='yes'"),
        ],
    )
    def test_out_of_range_is_refused_with_the_way_out(self, given, message):
        with pytest.raises(InvalidParameter, match=message):
            LoGMH(**given)

    @pytest.mark.parametrize(
        ("pixels", "message"),
        [
            (np.zeros((8, 8), np.uint8), r"shape \(height, width, 3\). Received: \(8, 8\)"),
            (np.zeros((8, 8, 4), np.uint8), r"Received: \(8, 8, 4\)"),
            (np.zeros((0, 8, 3), np.uint8), r"Received: \(0, 8, 3\)"),
            ([[1, 2, 3]], r"Received: list"),
            (np.zeros((8, 8, 3), np.uint16), r"uint8 or floating point. Received: dtype=uint16"),
            (np.full((8, 8, 3), np.nan), r"finite numbers. Received: values that are NaN"),
        ],
    )
    def test_pictures_of_another_kind_are_refused(self, pixels, message):
        with pytest.raises(InvalidParameter, match=message):
            LoGMH().apply(pixels)

    @pytest.mark.parametrize("mask", [np.ones((8, 8), np.uint8), np.ones((8, 9), bool), [[True]]])
    def test_masks_of_another_kind_are_refused(self, mask):
        with pytest.raises(InvalidParameter, match=r"`mask` must be bool of shape \(8, 8\). Received:"):
            LoGMH(masked=True).apply(np.ones((8, 8, 3), np.uint8), mask)

    def test_a_record_survives_json(self):
        logmh = LoGMH(1.5, 1, 3, "luminance", "percentiles", (1, 99), masked=True)
        assert LoGMH.from_dict(json.loads(json.dumps(logmh.to_dict()))) == logmh

    def test_a_record_with_an_unknown_name_is_refused(self):
        with pytest.raises(InvalidParameter, match=r"Received: \['gamma'\]"):
            LoGMH.from_dict({"sigma": 1.0, "gamma": 2.0})
