"""An answer does not hang on the magnification of a crop, and another microscope's cells stay undecided."""

import cv2
import numpy as np
import pytest

from leuk_core.evaluation.noncells import non_cells
from leuk_core.images import SmearImage, decode
from leuk_core.prediction import load_predictor

ZOOMS = (0.7, 1.0, 1.4)


def _zoomed(pixels, zoom):
    if zoom == 1.0:
        return pixels
    return cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)


@pytest.mark.real
def test_a_raw_crop_gets_the_same_answer_at_any_zoom(test_data):
    predictor = load_predictor("all-vs-normal/svm")
    measured = 0
    for path in sorted((test_data / "pbc" / "lymphocyte").glob("*.jpg"))[:6]:
        pixels = decode(path.read_bytes(), path.name).pixels
        answers = [predictor.predict(SmearImage(_zoomed(pixels, zoom), "", "")) for zoom in ZOOMS]
        assert len({answer.label for answer in answers} - {None}) <= 1
        if {answer.scale_source for answer in answers} == {"red cells"}:
            measured += 1
            shares = [answer.probabilities["all"] for answer in answers]
            assert max(shares) - min(shares) < 0.1
    assert measured >= 3


@pytest.mark.real
def test_cells_of_another_kind_and_microscope_get_no_label(test_data):
    predictor = load_predictor("all-vs-normal/svm")
    for path in (
        *sorted((test_data / "pbc" / "neutrophil").glob("*.jpg"))[:3],
        *sorted(test_data.glob("aml_lmu/**/MYO*.*"))[:3],
    ):
        answer = predictor.predict(decode(path.read_bytes(), path.name), 0.09)
        assert answer.label is None
        assert {"other-look", "unlike-training", "no-cell", "not-one-cell"} & {doubt.code for doubt in answer.doubts}


def test_pictures_without_a_cell_get_no_label():
    predictor = load_predictor("all-vs-normal/svm")
    for kind, picture in non_cells(each=2, seed=9):
        answer = predictor.predict(SmearImage(np.ascontiguousarray(picture), kind, ""))
        assert answer.label is None, kind
