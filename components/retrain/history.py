"""Who answers, since when, and why: every promotion, and a press that takes the last one back."""

from __future__ import annotations

from html import escape

import streamlit as st

from components.plain import plain
from components.retrain.begin import NAME
from components.retrain.words import version_words
from leuk_core.errors import LeukError
from leuk_core.registry import load_task
from leuk_core.registry.promotion_log import PROMOTE, Promotion
from leuk_core.registry.promotions import history, rollback, rolls_back_to
from leuk_core.registry.versions import current_version

PROBLEM = "leuk.retrain.history.problem"
PRESSED = "taken back with one press on the page Retrain"
NAMELESS = "no name given"


def show_history() -> None:
    """Draw every promotion, the newest first, and for each model the press that takes its last one back."""
    steps = history()
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")
    if not steps:
        return
    st.header("Who answers", anchor=False, divider="gray")
    for task, model in dict.fromkeys((step.task, step.model) for step in reversed(steps)):
        _of_model(task, model)
    lines = "".join(_line(step) for step in reversed(steps))
    head = "".join(f'<th scope="col">{name}</th>' for name in ("when", "what", "before", "by", "reason"))
    with st.expander(f"On record: {len(steps)} step{'s' * (len(steps) > 1)}", type="compact"):
        st.html(f'<table class="leuk-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>')


def _of_model(task: str, model: str) -> None:
    current, goes_to = current_version(task, model), rolls_back_to(task, model)
    last = history(task, model)[-1]
    words = version_words(current.ref) if current else "no version"
    done = "promoted" if last.what == PROMOTE else "put back"
    by = "" if last.by == NAMELESS else f" by {plain(last.by)}"
    told = f"**{words}** answers for “{load_task(task).title}” :small[:gray[{done} {last.at[:10]}{by}]]"
    if goes_to is None:
        st.markdown(told)
        return
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(told)
        st.button(
            f"Roll back to {goes_to}" if goes_to else "Roll back: let no version answer",
            icon=":material/undo:",
            key=f"leuk-retrain-rollback-{task}-{model}",
            on_click=_roll_back,
            args=(task, model),
        )


def _line(step: Promotion) -> str:
    what = "promoted" if step.what == PROMOTE else "rolled back to"
    path = f"{step.task}/{step.model}@"
    told = version_words(f"{path}{step.version}") if step.version else "no version"
    before = step.before or "none"
    cells = (f"{step.at[:16].replace('T', ' ')} UTC", f"{what} {told}", before, step.by, step.reason)
    return f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in cells)}</tr>"


def _roll_back(task: str, model: str) -> None:
    by = " ".join(st.session_state.get(NAME, "").split()) or NAMELESS
    try:
        rollback(task, model, by, PRESSED)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)
