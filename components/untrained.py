"""What stands where a task has no installed version: what is missing, why, and how a person trains one."""

from __future__ import annotations

from html import escape

import streamlit as st

from leuk_core import PROJECT_ROOT
from leuk_core.untrained import Untrained, about_untrained

HOME, RETRAIN = "pages/home.py", "pages/retrain.py"


def untrained_panel(task: str) -> None:
    """Draw what is missing for a task, why, what can't be told anyway, and three steps to train it.

    Parameters
    ----------
    task : str
        An installed task of which no version is installed.
    """
    found = about_untrained(task)
    with st.container(border=True, key=f"leuk-untrained-{task}"):
        st.markdown(f"**{found.sentence}** It is listed because everything but a trained version is here.")
        known = {"Why none ships": found.why, "To know before training": found.to_know}
        said = [_list(title, sentences) for title, sentences in known.items() if sentences]
        for column, html in zip(st.columns(len(said), gap="medium") if said else (), said, strict=True):
            column.html(html)
        st.markdown("**Train it on your own pictures, in three steps**")
        for number, step in enumerate(found.steps, start=1):
            st.markdown(f"{number}. {step.words}")
            st.code("\n".join(step.commands), language="bash", wrap_lines=True)
        _retrain(found)


def untrained_note(task: str) -> None:
    """Draw in one line that a task has no installed version, for a page that goes on without one.

    Parameters
    ----------
    task : str
        As in `untrained_panel`.
    """
    st.info(f"{about_untrained(task).sentence} Pictures can be read here, but not answered.", icon=":material/info:")
    st.page_link(HOME, label="What is missing, and how to train one", icon=":material/arrow_forward:")


def _retrain(found: Untrained) -> None:
    card = f" {found.data_card} describes the published set: write one like it for yours." if found.data_card else ""
    st.caption(f"Run the commands in this program's folder, with its Python (.venv).{card}")
    if (PROJECT_ROOT / RETRAIN).is_file():
        st.page_link(RETRAIN, label="The same on the page Retrain", icon=":material/arrow_forward:")


def _list(title: str, sentences: tuple[str, ...]) -> str:
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<div class="leuk-about"><h4>{escape(title)}</h4><ul>{lines}</ul></div>'
