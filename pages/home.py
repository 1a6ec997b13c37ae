"""Home: what this is, what it is not, four steps, and which models are installed."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from components.demonstration import link, show_steps, steps
from components.frame import page
from components.models import figure_sentence, model_title
from components.untrained import untrained_panel
from leuk_core.registry import ModelVersion, Task, installed_tasks, list_versions, load_task

STEPS = (
    (
        "1. Drop cells",
        "One white cell a picture, one picture or hundreds: cut out on black, or cropped with the cell in the middle.",
        (("pages/diagnose.py", "Diagnose"),),
    ),
    (
        "2. Read the answer, then the doubt",
        (
            "Each cell gets the class that it resembles, probabilities, and every reason found not to believe them. "
            "How often a model is right on persons whom it never saw stands under Evidence."
        ),
        (("pages/evidence.py", "Evidence"),),
    ),
    (
        "3. See what the model saw",
        (
            "Follow a cell through each step of its preprocessing and tune the sharpening; or let all models answer "
            "side by side, with maps of where they looked."
        ),
        (("pages/preprocessing.py", "Preprocessing"), ("pages/compare.py", "Compare")),
    ),
    (
        "4. Count a smear",
        (
            "Drop whole fields of one case: white cells are found and sorted, you confirm or correct, and a reviewed "
            "differential with its intervals goes into a report."
        ),
        (("pages/smear.py", "Smear"), ("pages/cases.py", "Cases")),
    ),
)


def main() -> None:
    page(
        "Leukemia smear workbench",
        "Blood cells in; which class of a public data set each resembles, and why to doubt it, out.",
    )
    with st.container(horizontal=True, gap="medium", key="leuk-begin"):
        st.page_link("pages/diagnose.py", label="Drop your own cells", icon=":material/upload:")
        link(steps()[0], "Guided demonstration, 5 minutes", ":material/play_arrow:")
        st.page_link("pages/limits.py", label="Limits and intended use", icon=":material/rule:")
    is_, is_not = st.columns(2, border=True)
    is_.markdown(
        "**What this is**\n\n"
        "A research tool for stained smears under a microscope. Classifiers trained on public data sets say which of "
        "their training cells a new cell resembles. Everything runs on this computer; pictures leave it nowhere."
    )
    is_not.markdown(
        "**What it is not**\n\n"
        "A diagnosis, a blood count without a person, or a second opinion. On another microscope, stain or kind of "
        "specimen results may be near chance, however high a probability reads."
    )
    with st.container(key="leuk-halves-home"):
        columns = st.columns(len(STEPS))
    for column, (title, text, links) in zip(columns, STEPS, strict=True):
        column.markdown(f"**{title}**\n\n{text}")
        with column.container(horizontal=True):
            for target, name in links:
                st.page_link(target, label=name, icon=":material/arrow_forward:")
    show_steps()
    installed_models()


def installed_models() -> None:
    st.subheader("Installed models", anchor=False)
    installed = list_versions()
    tasks = installed_tasks()
    if not tasks:
        st.info(
            "None yet. Pictures can be read and preprocessed; an answer needs a model version under `models/`.",
            icon=":material/inventory_2:",
        )
        return
    for task in tasks:
        versions = [version for version in installed if version.task == task]
        if versions:
            of_task(versions, load_task(task))
        else:
            st.markdown(f"**{load_task(task).title}**")
            untrained_panel(task)


def of_task(versions: list[ModelVersion], task: Task) -> None:
    """Draw the models of a task; what they have in common, data and limits, is said once."""
    lines = "".join(model_line(version) for version in versions)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("model", "figure", "reference"))
    table = f'<table class="leuk-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    st.markdown(f"**{task.title}**")
    st.html(table)
    for sentence in dict.fromkeys(
        data_sentence(data, task) for version in versions for data in version.card.get("data", ())
    ):
        st.caption(sentence)
    limits = dict.fromkeys(limit for version in versions for limit in limits_at_training(version))
    if limits:
        with st.expander("Known limits", type="compact"):
            st.markdown("\n".join(f"- {limit}" for limit in limits))
            st.caption("What was measured later on other cells stands at the left, under “About this model”.")


def model_line(version: ModelVersion) -> str:
    """Return a model's line of the table: name, figure with protocol, reference."""
    figure = figure_sentence(version.card) or "no figure has been measured yet"
    mark = ' <span class="leuk-mark">under-trained</span>' if version.card.get("under_trained") else ""
    return (
        f'<tr><th scope="row">{escape(model_title(version))}{mark}</th><td>{escape(figure)}</td>'
        f"<td>{escape(version.ref)}</td></tr>"
    )


def limits_at_training(version: ModelVersion) -> list[str]:
    """Return the limits that were known when a version was trained, without those measured later."""
    return [limit for limit in version.card.get("limits", ()) if limit not in version.card["measured_limits"]]


def data_sentence(data: dict[str, Any], task: Task) -> str:
    """Say in one line what a model was trained on: cells and persons by class, name, specimen, stain, licence."""
    short = {entry.id: entry.short for entry in task.classes}
    persons = data.get("subjects", {})
    counts = ", ".join(
        f"{count:,} {short[label]} cells" + (f" of {persons[label]} subjects" if label in persons else "")
        for label, count in data["cells"].items()
    )
    kind = "; ".join(data[name] for name in ("specimen", "stain") if data.get(name))
    return f"Trained on {counts}. {data['name']}. {kind[:1].upper()}{kind[1:]}. {data['source']}, {data['licence']}."


main()
