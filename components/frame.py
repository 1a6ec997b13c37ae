"""What every page has: the heading, the foot, and a net under it that never shows a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from components.about import about
from components.demonstration import follow_link, show_place
from components.incidents import record
from components.login import login, may_go_on, who
from components.models import choose, chosen_task, chosen_version, light
from components.pictures import picture_names
from components.plain import plain
from components.reading import how_to_read
from components.worker_light import worker_light
from leuk_core import PROJECT_ROOT, RESEARCH_ONLY, __version__
from leuk_core.errors import LeukError

APP_NAME = "Leukemia smear workbench"
FRAMED, CASE = "leuk.framed", "leuk.case"
PAGES = (
    ("pages/home.py", "Home", ":material/home:"),
    ("pages/diagnose.py", "Diagnose", ":material/biotech:"),
    ("pages/preprocessing.py", "Preprocessing", ":material/tune:"),
    ("pages/compare.py", "Compare", ":material/compare:"),
    ("pages/evidence.py", "Evidence", ":material/fact_check:"),
    ("pages/smear.py", "Smear", ":material/grid_view:"),
    ("pages/cases.py", "Cases", ":material/folder_shared:"),
    ("pages/retrain.py", "Retrain", ":material/model_training:"),
    ("pages/limits.py", "Limits", ":material/rule:"),
)
ASKING = {"Home", "Diagnose", "Preprocessing", "Compare", "Evidence"}
"""Titles of the pages on which the model of the sidebar answers; on Smear another one sorts, and the page names it."""

STYLES = (PROJECT_ROOT / "assets" / "style.css", PROJECT_ROOT / "assets" / "diagnose.css")
LOGO = PROJECT_ROOT / "assets" / "logo.svg"


def style() -> None:
    """Load the style sheets from disk and show the logo."""
    for sheet in STYLES:
        st.html(sheet)
    st.logo(str(LOGO), size="large")


def frame() -> st.Page:
    """Draw what stands around every page: configuration, style, navigation, sidebar, foot; return the page asked for.

    Notes
    -----
    app.py calls this. Where the first visitor after a start asks for a page by its address, Streamlit has not met
    `st.navigation` yet and runs the file in pages/ alone: `page` notices that, calls this and starts over.
    """
    st.set_page_config(page_title=APP_NAME, page_icon=str(LOGO), layout="wide", initial_sidebar_state="auto")
    style()
    built = [entry for entry in PAGES if (PROJECT_ROOT / entry[0]).is_file()]
    pages = [st.Page(file, title=title, icon=icon) for file, title, icon in built]
    chosen = st.navigation(pages, position="sidebar" if may_go_on() else "hidden")
    login()
    st.session_state[FRAMED] = True
    with st.sidebar:
        who()
        choose()
        open_case()
        light()
        worker_light()
        version = chosen_version()
        if version:
            about(version)
    foot(with_model=chosen.title in ASKING)
    follow_link()
    return chosen


def page(title: str, lead: str = "") -> None:
    """Draw a page's heading and one sentence that says what the page is for.

    Parameters
    ----------
    title : str
        One or two words.
    lead : str
        One sentence; may be empty.
    """
    if FRAMED not in st.session_state:
        frame()
        st.rerun()
    del st.session_state[FRAMED]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        how_to_read(title)
    show_place(title)
    if lead:
        st.markdown(lead)


def open_case() -> None:
    """Name the case that this session works on, and lead to it; nothing where there is none."""
    if not st.session_state.get(CASE):
        return
    from leuk_core.cases import load_case  # noqa: PLC0415 most sessions have no case, and need no database

    try:
        case = load_case(st.session_state[CASE])
    except LeukError:  # it was deleted: the page that needs it says so
        return
    at = {"case": case.id}
    st.page_link("pages/smear.py", label=f"{plain(case.name)}, {case.state}", icon=":material/folder:", query_params=at)


def foot(*, with_model: bool) -> None:
    """Draw the line that stands on every page: research only, and which version answers where one does."""
    version = chosen_version()
    none = "no model of this task installed" if chosen_task() else "no model installed"
    model = f"<span>{f'model {version.ref}' if version else none}</span>" if with_model else ""
    st.bottom.html(
        f'<div class="leuk-foot" role="contentinfo"><strong>{RESEARCH_ONLY}</strong>'
        f"<span>{APP_NAME} {__version__}</span>{model}</div>"
    )


@contextmanager
def guard() -> Iterator[None]:
    """Turn any exception into one sentence and a number; the traceback goes to the log, without picture names.

    Notes
    -----
    Streamlit's own control flow (rerun, stop) does not derive from Exception and passes through.
    """
    try:
        yield
    except LeukError as error:
        number = record(error, picture_names())
        st.error(f"{plain(str(error))}\n\n:small[Error {number}]", icon=":material/error:")
    except Exception as error:  # noqa: BLE001 the last line of defence of a page
        number = record(error, picture_names())
        st.error(
            f"Something happened here that this program did not expect. Nothing was stored; reload the page to go on. "
            f"If it happens again, report error {number}: the log holds it.",
            icon=":material/error:",
        )
