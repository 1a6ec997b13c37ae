"""Retrain: teach a model one's own cells, see it happen, and decide on evidence whether it answers from then on."""

from __future__ import annotations

import streamlit as st

from components import evidence, evidence_audit
from components.frame import page
from components.retrain.audit import show_audit
from components.retrain.begin import show_start
from components.retrain.cells import choose_cells
from components.retrain.device import is_gpu, show_device
from components.retrain.history import show_history
from components.retrain.jobs import show_earlier, show_jobs
from components.retrain.plan import choose_plan
from components.retrain.words import class_words
from leuk_core.registry import installed_tasks, load_task

LEAD = "Teach a model cells of your own, see it happen, and decide on evidence whether it answers from then on."


def main() -> None:
    page("Retrain", LEAD)
    evidence.style()
    evidence_audit.style()
    show_jobs()
    show_history()
    steps()
    show_earlier()


def steps() -> None:
    titles = {load_task(task).title: names(task) for task in installed_tasks()}
    if not titles:
        st.info("No task is installed: there is nothing to train for.", icon=":material/inventory_2:")
        return
    st.header("1. Cells", anchor=False, divider="gray")
    chosen = choose_cells(titles)
    if chosen is None:
        return
    st.header("2. Audit", anchor=False, divider="gray")
    confirmed = show_audit(chosen)
    st.header("3. What is trained", anchor=False, divider="gray")
    plan = choose_plan(chosen, is_gpu())
    st.header("4. Device and time", anchor=False, divider="gray")
    show_device(plan)
    st.header("5. Start", anchor=False, divider="gray")
    show_start(plan, confirmed)


def names(task: str) -> str:
    return ", ".join(
        f"`{label}`" + (f" ({words})" if words != label else "") for label, words in class_words(task).items()
    )


main()
