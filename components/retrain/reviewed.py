"""Reviewed cases as a set to learn from: what persons called the cells, the case as the patient."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from components.retrain.importing import begin_cases
from components.retrain.words import class_words
from leuk_core.cases import labelled_cells, list_classes
from leuk_core.data.cells import LabelledCells
from leuk_core.registry import installed_tasks, load_task

DRAFTS, TASK = "leuk.retrain.drafts", "leuk.retrain.cases.task"


def bring_in_reviewed(awaited: str) -> None:
    """Draw what there is of reviewed cells, and the button that brings them in; `awaited` keeps what it begins."""
    drafts = st.toggle(
        "Also cases that nobody has confirmed yet", key=DRAFTS, help="Only their cells that a person has given a class."
    )
    found = labelled_cells(drafts=drafts)
    tasks = [task for task in installed_tasks() if len(set(found.labels) & set(class_words(task))) > 1]
    if not tasks:
        there = f"{len(found):,} cells of {'' if drafts else 'confirmed '}cases are here" if found else "There are none"
        st.info(
            f"{there}: cells of two classes of a task at least are needed. Review them on the page Smear, confirm the "
            "case on the page Cases.",
            icon=":material/folder_open:",
        )
        return
    task = st.selectbox("For the task", tasks, format_func=lambda task: load_task(task).title, key=TASK)
    chosen = of_task(found, task)
    st.caption(about(found, task))
    st.button(
        f"Bring in {len(chosen):,} reviewed cells",
        icon=":material/login:",
        key="leuk-retrain-cases",
        on_click=lambda: st.session_state.update({awaited: begin_cases(chosen)}),
    )


def of_task(cells: LabelledCells, task: str) -> LabelledCells:
    """Return those cells that have a class of a task."""
    classes = class_words(task)
    return LabelledCells([cell for cell in cells if cell.label in classes], cells.name, cells.layout, cells.notes)


def about(cells: LabelledCells, task: str) -> str:
    """Say what is taken, what is left out since the task has no such class, and which of its classes have no cell."""
    names = {entry.code: entry.name for entry in list_classes()}
    classes, counts = class_words(task), Counter(cells.labels)
    taken = ", ".join(f"{counts[label]:,} {words}" for label, words in classes.items() if counts[label])
    other = ", ".join(f"{n:,} {names.get(label, label)}" for label, n in counts.most_common() if label not in classes)
    none = ", ".join(words for label, words in classes.items() if not counts[label])
    cases = len({cell.subject for cell in cells if cell.label in classes})
    parts = [
        f"{taken}, of {cases} case{'' if cases == 1 else 's'}; the case stands for the patient.",
        f"Left out, since the task has no such class: {other}." if other else "",
        f"Still without a cell: {none}." if none else "",
    ]
    return " ".join(filter(None, parts))
