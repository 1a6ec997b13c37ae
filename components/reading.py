"""How to read each page: what stands behind "How to read this"; the words are in reading.md, by the page's title."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from leuk_core import PROJECT_ROOT

WORDS = Path(__file__).with_suffix(".md")
LIMITS = "pages/limits.py"


@st.cache_data(max_entries=1, show_spinner=False)
def reading() -> dict[str, str]:
    """Return what each page says about how it is read, as Markdown, by the page's title."""
    parts = WORDS.read_text("utf-8").split("## ")[1:]
    return {title: words.strip() for title, _, words in (part.partition("\n") for part in parts)}


def how_to_read(title: str) -> None:
    """Draw the button beside a page's title that says how to read it; nothing for pages without such words.

    Parameters
    ----------
    title : str
        The page's title.
    """
    told = reading().get(title)
    if told:
        with st.popover("How to read this", icon=":material/help:", type="tertiary", key="leuk-reading"):
            st.markdown(told)
            if (PROJECT_ROOT / LIMITS).is_file():
                st.page_link(LIMITS, label="What it can't do", icon=":material/arrow_forward:")
