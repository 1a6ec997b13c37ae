"""No figure without protocol, cells and subjects; names stay text; colours are not alone in what they say."""

import numpy as np
import pytest

from leuk_core import RESEARCH_ONLY
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation import figures
from leuk_core.evaluation.calibration import reliability_table
from leuk_core.evaluation.coverage import coverage_curve
from leuk_core.evaluation.metrics import evaluate
from leuk_core.evaluation.resampling import Estimate
from leuk_core.evaluation.subjects import share_called_by_subject

CLASSES = ["all", "hem"]
HISTORY = {"fold 1": {"loss": [0.9, 0.5], "val_loss": [1.0, 0.8]}, "fold 2": {"loss": [0.8, 0.4]}}


@pytest.fixture(scope="module")
def drawn():
    """Every figure, drawn from the same cells."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 60)
    second = np.clip(0.25 + 0.5 * truth + rng.normal(0, 0.25, 120), 0.01, 0.99)
    p = np.column_stack([1 - second, second])
    subjects = np.array([f"<b>{truth[i]}-{i % 6}</b>" for i in range(120)])
    found = evaluate(truth, p, CLASSES, subjects, n_bootstrap=100, aliases_known=True)
    table = reliability_table(truth, p, subjects, n_bootstrap=100)
    curve = coverage_curve(truth, p, subjects, n_bootstrap=100)
    rows = share_called_by_subject(truth, p, CLASSES, "all", subjects)
    return found, {
        "confusion": figures.confusion_figure(found),
        "reliability": figures.reliability_figure({"before": table, "after": table}, found.caption),
        "coverage": figures.coverage_figure({"svm": curve, "rf": curve}, found.caption, threshold=0.7),
        "subjects": figures.share_by_subject_figure(rows, found.caption, "all"),
        "learning": figures.learning_curves_figure(HISTORY, found.caption),
        "estimates": figures.estimates_figure(
            {"svm": found.figure("f1_weighted"), "one subject": Estimate(0.5)}, found.caption, "F1", {"baseline": 0.7}
        ),
    }


def test_every_figure_carries_protocol_cells_and_subjects(drawn):
    _, every = drawn
    for name, figure in every.items():
        assert figure.layout.title.subtitle.text == "by subject · 120 cells · 12 subjects", name
        assert any(note.text == RESEARCH_ONLY for note in figure.layout.annotations), name


def test_a_figure_without_caption_is_refused():
    with pytest.raises(InvalidParameter, match="protocol, cells and subjects"):
        figures.learning_curves_figure(HISTORY, " ")
    with pytest.raises(InvalidParameter, match="at least one curve"):
        figures.learning_curves_figure({}, "by subject")


def test_the_confusion_matrix_shows_counts_and_shares_of_the_row(drawn):
    found, every = drawn
    (heat,) = every["confusion"].data
    share = found.share_called("hem", "all").value
    assert heat.z[1][0] == pytest.approx(share)
    assert heat.text[1][0] == f"{found.confusion[1][0]:.0f}<br>{share:.0%}"
    assert heat.customdata[1][0].startswith("hem called all: ")


def test_names_from_files_are_shown_as_text(drawn):
    _, every = drawn
    names = [name for trace in every["subjects"].data for name in trace.y]
    assert len(names) == 12
    assert not any("<" in name for name in names)


def test_error_bars_reach_the_ends_of_the_intervals(drawn):
    found, every = drawn
    points = every["estimates"].data[0]
    f1 = found.figure("f1_weighted")
    assert points.x[0] + points.error_x.array[0] == pytest.approx(f1.high)
    assert points.x[0] - points.error_x.arrayminus[0] == pytest.approx(f1.low)
    assert (points.error_x.array[1], points.error_x.arrayminus[1]) == (0, 0)


def test_curves_differ_in_more_than_colour(drawn):
    _, every = drawn
    lines = [trace for trace in every["coverage"].data if trace.mode == "lines" and trace.name]
    assert len({trace.line.dash for trace in lines}) == len(lines) == 2
    markers = [trace.marker.symbol for trace in every["reliability"].data if trace.mode == "lines+markers"]
    assert len(set(markers)) == len(markers) == 2
    training, validation = every["learning"].data[:2]
    assert training.line.dash != validation.line.dash


def test_the_legend_of_learning_curves_names_each_fold_once(drawn):
    _, every = drawn
    shown = [trace.name for trace in every["learning"].data if trace.showlegend is not False]
    assert shown == ["fold 1", "fold 2", "training", "validation"]
