"""Live curves of a training: what each fold reached from pass to pass. Plotly is loaded with the first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components.evidence_charts import CONFIG

if TYPE_CHECKING:
    import plotly.graph_objects as go

Curves = Mapping[int, Sequence[Mapping[str, float | None]]]

SHOWN = ("loss", "val_loss", "accuracy", "val_accuracy")
CAPTION = "training dashed; validation drawn through where cells are left aside; not the figures it is judged by"
FIT = -1
"""Number of the training on all cells."""


def show_curves(curves: Curves, job: str) -> None:
    """Draw the curves of a job; nothing before the first pass is done.

    Parameters
    ----------
    curves : mapping of int to sequence of mapping
        By fold, its passes in order, see `leuk_core.jobs.JobProgress`.
    job : str
        Id of the job.
    """
    if any(curves.values()):
        st.plotly_chart(_figure(json.dumps(curves)), config=CONFIG, key=f"leuk-retrain-curves-{job}", height=280)


@st.cache_resource(max_entries=32, show_spinner=False)
def _figure(curves: str) -> go.Figure:
    from leuk_core.evaluation.figures import learning_curves_figure  # noqa: PLC0415 brings plotly

    folds = {int(fold): passes for fold, passes in json.loads(curves).items() if passes}
    ordered = sorted(folds, key=lambda fold: (fold == FIT, fold))
    named = {
        "all cells" if fold == FIT else f"fold {fold + 1}": {
            name: [one[name] for one in folds[fold] if name in one]
            for name in SHOWN
            if any(name in one for one in folds[fold])
        }
        for fold in ordered
    }
    longest = max(folds.values(), key=len)
    figure = learning_curves_figure(named, CAPTION, title="", x=[one["epoch"] for one in longest], x_title="pass")
    figure.update_traces(mode="lines+markers", marker={"size": 5})
    figure.update_layout(margin={"t": 56, "b": 56}, uirevision="kept")
    return figure
