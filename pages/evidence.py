"""Evidence: how far a model can be trusted, and who it was trained on."""

from __future__ import annotations

import streamlit as st

from components import evidence, evidence_audit
from components.evidence_charts import show_charts
from components.frame import page
from components.models import chosen_task, chosen_version, model_title
from components.untrained import untrained_panel
from leuk_core.cells.sort import TASK as SORTED_BY
from leuk_core.registry import ModelVersion, load_task
from leuk_core.reports.evidence import TaskEvidence
from leuk_core.reports.page import QUESTION


def main() -> None:
    page("Evidence", QUESTION)
    evidence.style()
    evidence_audit.style()
    version, task = chosen_version(), chosen_task()
    if version is None and task is not None:
        untrained(task)
    elif version is None:
        st.info("No model is installed. A data set can be audited all the same.", icon=":material/inventory_2:")
    else:
        models(version)
    audits(version)


def models(version: ModelVersion) -> None:
    task = load_task(version.task)
    everything = TaskEvidence(task)
    with st.container(key="leuk-narrow-last-evidence"):
        card, figures = st.columns([1, 2.3], gap="large")
    with card:
        evidence.show_cards(version, task)
    with figures:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(f"{model_title(version)}, {version.version}", anchor=False, width="content")
            evidence.report_button(version, task)
        found = everything.of(version)
        if found:
            results = evidence.choose_protocol(found)
            evidence.show_answer(results, task)
        else:
            st.info("This version has not been judged yet: nothing says how good it is.", icon=":material/help:")
        evidence.show_doubts(version)
        if found:
            evidence.show_tables(results, task)
            show_charts(results, task)
    st.header("All versions of this task", anchor=False, divider="gray")
    with st.container(key="leuk-narrow-rankings"):
        ours, authors = st.columns([1.9, 1], gap="medium")
    with ours:
        evidence.show_rankings(everything, version)
    with authors:
        evidence.show_authors(task)
    if task.id == SORTED_BY:
        evidence.show_detectors()


def untrained(task: str) -> None:
    with st.container(key="leuk-narrow-untrained"):
        panel, authors = st.columns([1.9, 1], gap="medium")
    with panel:
        untrained_panel(task)
    with authors:
        evidence.show_authors(load_task(task))


def audits(version: ModelVersion | None) -> None:
    st.header("Audit of the data", anchor=False, divider="gray")
    if version is not None:
        evidence_audit.show_stored(load_task(version.task))
    st.subheader("Audit a set on this server", anchor=False)
    st.markdown(
        "Finds pictures of one cell under several names, persons under several ids, cells under two labels, and what a "
        "model could learn instead of morphology."
    )
    evidence_audit.ask()
    evidence_audit.show_jobs()


main()
