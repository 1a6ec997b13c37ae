"""What the page Limits reads from the installed models: figures, answers on foreign cells, limits, licences."""

from __future__ import annotations

from html import escape

import streamlit as st

from components.models import default_of, figure_sentence, model_title
from leuk_core import PROJECT_ROOT
from leuk_core.registry import installed_tasks, list_versions, load_task

NO_FIGURE = "not measured"


def persons_html() -> str:
    """Return a table: by task the model that answers, its figure and its protocol."""
    rows = []
    for task in installed_tasks():
        version = default_of([entry for entry in list_versions() if entry.task == task])
        said = figure_sentence(version.card) or NO_FIGURE if version else "no model: nothing is answered"
        rows.append((load_task(task).title, model_title(version) if version else "none", said))
    return _table(("task", "model that answers", "figure"), rows)


def foreign_html() -> str:
    """Return a table: what was measured of each model on cells of other sets, the same finding once.

    Notes
    -----
    Read from the evaluations that lie beside the versions; `python -m train limits` makes them.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for version in list_versions():
        for sentence in version.card.get("measured_limits", ()):
            found.setdefault((load_task(version.task).title, sentence), []).append(model_title(version))
    if not found:
        return '<p class="leuk-quiet">Nothing was measured: no installed model was asked about foreign cells.</p>'
    rows = [(task, sentence, ", ".join(dict.fromkeys(of))) for (task, sentence), of in found.items()]
    return _table(("task", "what was found", "models"), rows)


def known_limits() -> None:
    """Draw what the cards of the models say about their limits, each sentence once, with the models that it is of."""
    by_sentence: dict[str, list[str]] = {}
    for version in list_versions():
        for sentence in version.card.get("limits", ()):
            if sentence not in version.card.get("measured_limits", ()):
                by_sentence.setdefault(sentence, []).append(model_title(version))
    if by_sentence:
        with st.expander(f"Limits on the models' cards ({len(by_sentence)})", type="compact"):
            st.markdown(
                "\n".join(f"- {said} :small[({', '.join(dict.fromkeys(of))})]" for said, of in by_sentence.items())
            )


def licences() -> None:
    """Draw the licences of the data behind the models, and the notice that ships."""
    sets = {
        (data.get("name", ""), data.get("source", ""), data.get("licence", ""))
        for version in list_versions()
        for data in version.card.get("data", ())
    }
    st.subheader("Licences", anchor=False)
    st.html(_table(("cells behind the models", "source", "licence"), sorted(sets)))
    st.caption("The program: Apache-2.0. No patient's picture ships with it; the sample cells are drawn.")
    notice = PROJECT_ROOT / "NOTICE"
    if notice.is_file():
        with st.expander("Notice", type="compact"):
            st.text(notice.read_text("utf-8"))


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="leuk-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
