"""No figure without protocol, cells and subjects; names stay text; colours are not alone in what they say."""

import numpy as np
import pytest

from leuk_core import RESEARCH_ONLY
from leuk_core.errors import InvalidParameter
from leuk_core.evaluation import figures
from leuk_core.evaluation.calibration import reliability_table
from leuk_core.evaluation.coverage import coverage_curve
from leuk_core.evaluation.metrics import evaluate
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
        "reliability": figures.reliability_figure({"before": table, "after": table}, found.caption),
        "coverage": figures.coverage_figure({"svm": curve, "rf": curve}, found.caption, threshold=0.7),
        "subjects": figures.share_by_subject_figure(rows, found.caption, "all"),
        "learning": figures.learning_curves_figure(HISTORY, found.caption),
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


def test_each_subject_is_a_dot_with_its_name_as_text_and_its_interval(drawn):
    _, every = drawn
    traces = every["subjects"].data
    names = [data[0] for trace in traces for data in trace.customdata]
    assert len(set(names)) == 12
    assert not any("<" in name for name in names)
    lanes = [lane for trace in traces for lane in trace.y]
    assert len(set(lanes)) == 12
    assert min(traces[1].y) > max(traces[0].y) + 1  # the classes stand apart
    low = [x - bar for trace in traces for x, bar in zip(trace.x, trace.error_x.arrayminus, strict=True)]
    high = [x + bar for trace in traces for x, bar in zip(trace.x, trace.error_x.array, strict=True)]
    assert all(0 <= start < end <= 1 for start, end in zip(low, high, strict=True))


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
