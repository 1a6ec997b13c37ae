"""Step 2 of Retrain: what the audit of the chosen cells found; red verdicts are confirmed by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from components.evidence_audit import PAIRS_SHOWN, show_facts
from components.plain import plain
from components.retrain.words import counted, label_words
from leuk_core.data.audit.background import FAILED, LOST, RUNNING, AuditJob, jobs, stop
from leuk_core.data.audit.page import TITLES, grade_html, pair_sections, pairs_html, thumbnail
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.imports import ImportedSet, open_set
from leuk_core.data.imports_audit import audit_of, begin_audit, red_verdicts, reserved_of
from leuk_core.data.reserved import Reserved
from leuk_core.errors import LeukError

PROBLEM = "leuk.retrain.audit.problem"


def show_audit(chosen: ImportedSet) -> tuple[str, ...] | None:
    """Draw the audit of a set; return the red verdicts that were confirmed, None where it was not examined yet.

    Parameters
    ----------
    chosen : ImportedSet
        The set.
    """
    report = audit_of(chosen.id)
    if report is None:
        _not_yet(chosen)
        return None
    red = red_verdicts(report)
    _verdicts(report)
    confirmed = tuple(name for name in red if _confirmed(chosen, name))
    reserved = reserved_of(chosen.id)
    if reserved is not None:
        icon = ":material/group:" if reserved.enough else ":material/group_off:"
        st.markdown(f"{icon} {_kept_apart(reserved)}")
    with st.expander("Everything the audit found", key=f"leuk-retrain-audit-{chosen.id}", on_change="rerun") as opened:
        if opened.open:
            show_facts(report, label_words(chosen.images))
            _pairs(chosen, report)
    return confirmed


def _kept_apart(reserved: Reserved) -> str:
    if reserved.enough:
        return f"Patients kept apart to compare versions on: {counted(reserved.by_class)}. No version learns from them."
    why = f"{reserved.sentence[:1].upper()}{reserved.sentence[1:]}"
    return f"{why}. A version can be trained, but nothing will tell whether it is better."


def _verdicts(report: Mapping[str, Any]) -> None:
    """Draw red and amber verdicts with a sentence each, the green ones in a line."""
    rows, green = [], []
    order = [Grade.RED.value, Grade.AMBER.value]
    for name, verdict in report["verdicts"].items():
        title = TITLES.get(name, name)
        if verdict["grade"] == Grade.GREEN.value:
            green.append(title)
        else:
            text = f"<strong>{escape(title)}</strong>. {escape(verdict['text'])}"
            row = f"<tr><td>{grade_html(verdict['grade'])}</td><td>{text}</td></tr>"
            rows.append((order.index(verdict["grade"]), row))
    if green:
        rows.append((2, f"<tr><td>{grade_html('green')}</td><td>{escape('; '.join(green))}</td></tr>"))
    body = "".join(row for _, row in sorted(rows, key=lambda entry: entry[0]))
    st.html(f'<div class="audit"><table>{body}</table></div>')


def _confirmed(chosen: ImportedSet, name: str) -> bool:
    return st.checkbox(
        f"“{TITLES.get(name, name)}” is red. I have read what it says and want to train all the same.",
        key=f"leuk.retrain.red.{chosen.id}.{name}",
        persist_state="session",
    )


def _not_yet(chosen: ImportedSet) -> None:
    of_set = [job for job in jobs() if job.path == chosen.path]
    running = next((job for job in of_set if job.state == RUNNING), None)
    if running is not None:
        st.fragment(_progress, run_every=1.0)(running.id)
        return
    if of_set and of_set[0].state in (FAILED, LOST):
        st.error(plain(of_set[0].message) or "Its process ended before it was done.", icon=":material/error:")
        if of_set[0].rows:
            st.dataframe(list(of_set[0].rows), hide_index=True)
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")
    st.markdown(
        "These cells were not examined yet. The audit looks for damaged files, one cell under two names, one patient "
        "under two ids, and for what a model could learn instead of morphology."
    )
    st.button("Examine them", icon=":material/fact_check:", on_click=_begin, args=(chosen.id,), type="primary")


def _begin(name: str) -> None:
    try:
        begin_audit(name)
    except LeukError as error:
        st.session_state[PROBLEM] = str(error)


def _progress(name: str) -> None:
    job: AuditJob | None = next((one for one in jobs() if one.id == name), None)
    if job is None or job.state != RUNNING:
        st.rerun()  # the whole page: verdicts take this one's place
    steps = f"{job.done:,} of {job.total:,}" if job.total > 1 else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, text=f"The audit looks at them: {job.what} {steps}")
        st.button("Stop", on_click=stop, args=(job,), icon=":material/stop_circle:", key="leuk-retrain-audit-stop")


def _pairs(chosen: ImportedSet, report: Mapping[str, Any]) -> None:
    for section in pair_sections(report, PAIRS_SHOWN):
        st.markdown(f"**{section.words}**: {section.n:,} pairs, {len(section.shown)} shown")
        names = {name for pair in section.shown for name in (pair["first"], pair["second"])}
        pictures = _thumbnails(chosen.id, json.dumps(sorted(names)))
        st.html(f'<div class="audit">{pairs_html(section.shown, pictures.get)}</div>')


@st.cache_data(max_entries=50, show_spinner=False)
def _thumbnails(name: str, names: str) -> dict[str, str | None]:
    wanted = set(json.loads(names))
    return {cell.name: thumbnail(cell) for cell in open_set(name) if cell.name in wanted}
