"""What the Evidence page shows of models: cards, figures of the chosen one, all versions by protocol, the report."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from leuk_core.data.splits import Protocol
from leuk_core.registry import ModelVersion, Task
from leuk_core.reports.answer import short_answer
from leuk_core.reports.cards import GUIDELINES, card_html, data_cards, model_card
from leuk_core.reports.detection import detection_html, judged_detectors
from leuk_core.reports.evidence import HEADINGS, WHY, Results, TaskEvidence, limits_of
from leuk_core.reports.page import report_html
from leuk_core.reports.pieces import STYLE, badge, list_html
from leuk_core.reports.ranking import paper_html, ranking_html
from leuk_core.reports.tables import (
    answered_html,
    by_class_html,
    by_fold_html,
    confusion_html,
    key_figures_html,
    limits_html,
)

SHORT = {
    Protocol.BY_SUBJECT: "By subject",
    Protocol.SUBJECTS_UNKNOWN: "Subjects unknown",
    Protocol.BY_IMAGE: "By image (flatters)",
}


def style() -> None:
    """Load the looks of the evidence's tables."""
    st.html(STYLE)


def ev_html(html: str) -> None:
    """Draw HTML of the evidence."""
    st.html(f'<div class="ev">{html}</div>')


def show_cards(version: ModelVersion, task: Task) -> None:
    """Draw model card and data cards."""
    sections = model_card(version, task)
    data = data_cards(version, task)
    unknown = sum(section.unknown for section in [*sections, *data])
    st.subheader("Model card", anchor=False)
    ev_html(f'<p class="ev-quiet">{GUIDELINES} {unknown} fields are unknown.</p>{card_html(sections)}')
    st.subheader("Data card", anchor=False)
    ev_html(card_html(data) or '<p class="ev-unknown">What this model was trained on is unknown.</p>')


def report_button(version: ModelVersion, task: Task) -> None:
    """Draw the button that downloads the whole evidence of a model as one HTML file."""
    st.download_button(
        "Report of this model (HTML)",
        data=lambda: report_html(version, task),
        file_name=f"evidence-{version.task}-{version.model}-{version.version}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
        help="One file that opens in any browser without a network: figures, tables, audit and cards.",
    )


def show_answer(results: Results, task: Task) -> None:
    """Draw the answer to the page's question in a few sentences."""
    mark = badge(results.protocol.value, results.caption)
    sentences = list_html(short_answer(results, task))
    ev_html(f'<p>{mark} <small>95 % intervals</small></p><div class="ev-short">{sentences}</div>')


def show_doubts(version: ModelVersion) -> None:
    """Draw what speaks against a model: its stated limits, and what was measured on other cells."""
    measured = version.measured_limits()
    stated = [limit for limit in version.card.get("limits", ()) if limit not in measured]
    sentences = list_html([*measured, *stated]) or "<p>Nothing was written down or measured beyond the figures.</p>"
    ev_html(f"<h4>What speaks against it</h4>{sentences}")
    limits = limits_of(version)
    if limits:
        with st.expander("Other kinds of cells that it was shown", type="compact"):
            ev_html(limits_html(limits))


def choose_protocol(found: dict[Protocol, Results]) -> Results:
    """Draw the choice of a protocol where there are several; return the results under it."""
    options = list(found)
    chosen = options[0]
    if len(options) > 1:
        chosen = st.segmented_control(
            "How cells were kept apart",
            options,
            format_func=SHORT.__getitem__,
            default=options[0],
            required=True,
            key="leuk.evidence.protocol",
        )
    if chosen is Protocol.BY_IMAGE:
        st.warning(WHY[chosen], icon=":material/warning:")
    else:
        st.caption(f"{HEADINGS[chosen]}. {WHY[chosen]}")
    return found[chosen]


def show_tables(results: Results, task: Task) -> None:
    """Draw the figures of one model under one protocol as tables; parts that its file lacks are left out."""
    mark = f"<p>{badge(results.protocol.value, results.caption)}</p>"
    parts = [f"<h4>{title}</h4>{mark}{html}" for title, html in _tables(results, task) if html]
    ev_html(list_html(results.notes(task)) + "".join(parts))


def _tables(results: Results, task: Task) -> Iterator[tuple[str, str]]:
    yield "Figures, with 95 % intervals", key_figures_html(results)
    yield "What each class was called", confusion_html(results.figures, task)
    yield "With the threshold in use", answered_html(results.facts, task)
    yield "By class, with 95 % intervals", by_class_html(results.figures, task)
    yield "By fold", by_fold_html(results.facts)


def show_rankings(evidence: TaskEvidence, version: ModelVersion) -> None:
    """Draw all versions of the task, a table a protocol; the one that flatters is last and says why."""
    if not evidence.protocols:
        st.caption("No version of this task has been judged yet.")
    for protocol in evidence.protocols:
        heading = f'<h4>{HEADINGS[protocol]}</h4><p class="ev-quiet">{WHY[protocol]}</p>'
        ev_html(heading + ranking_html(evidence.rankings(protocol), version.ref))


def show_detectors() -> None:
    """Draw how well white cells are found on whole fields, by each detector."""
    if html := detection_html(judged_detectors()):
        st.header("White cells found on whole fields", anchor=False, divider="gray")
        ev_html(html)


def show_authors(task: Task) -> None:
    """Draw the authors' tables, in a column of their own."""
    ev_html(paper_html(task.id))
