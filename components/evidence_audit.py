"""The audit on the Evidence page: what was stored of the training data, and audits of any set on this server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from components.evidence import ev_html
from components.plain import plain
from leuk_core.data.audit.background import RUNNING, AuditJob, forget, jobs, start, stop
from leuk_core.data.audit.page import (
    STYLE,
    about,
    balance_html,
    count,
    page_html,
    pair_sections,
    pairs_html,
    shortcuts_html,
    thumbnail,
    verdicts_html,
)
from leuk_core.data.cells import LabelledCell
from leuk_core.errors import LeukError
from leuk_core.registry import Task
from leuk_core.reports.evidence import stored_audit
from leuk_core.settings import settings

PATH, REFUSED = "leuk.audit.path", "leuk.audit.refused"
PAIRS_SHOWN = 6
"""Pairs shown of each kind on the page; the HTML report shows more, the JSON all."""

WORDS = {
    "running": "running",
    "done": "done",
    "failed": "failed",
    "stopped": "stopped",
    "lost": "interrupted: its process ended before it was done; start it again",
}


def style() -> None:
    """Load the looks of audits."""
    st.html(f"<style>{STYLE}</style>")


def show_stored(task: Task) -> None:
    """Draw the audit of a task's training data that is stored beside its models."""
    facts = stored_audit(task.id)
    if facts is None:
        st.caption("No audit of the training data is stored beside the models of this task.")
        return
    st.caption(f"Training data, audited {facts['date']}: {about(facts)}.")
    show_facts(facts, {entry.id: entry.short for entry in task.classes})


def show_facts(facts: Mapping[str, Any], words: Mapping[str, str] | None = None) -> None:
    """Draw verdicts, then counts, aliases, shortcuts and balance of an audit; `words` names the classes."""
    _audit_html(verdicts_html(facts))
    pairs = {name: count(facts.get(f"{name}_duplicates", ())) for name in ("exact", "near")}
    aliases = "; ".join(" = ".join(group) for group in facts["alias_groups"]) or "none found"
    ev_html(
        f"<p>Pairs of pictures of one cell: <b>{pairs['exact']:,}</b> with equal pixels, <b>{pairs['near']:,}</b> near "
        f"ones; <b>{count(facts.get('label_conflicts', ())):,}</b> of them under two labels.</p>"
    )
    st.markdown("**Ids of the same person**")
    st.text(aliases)
    st.markdown("**What can be told without morphology**")
    _audit_html(shortcuts_html(facts))
    st.markdown("**Images and persons**")
    _audit_html(balance_html(facts, words))


def ask() -> None:
    """Draw the line where a folder or manifest is typed and its audit started."""
    roots = ", ".join(map(str, settings().readable_roots))
    with st.form("leuk-audit", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Folder or manifest.csv on this server",
            key=PATH,
            placeholder="a folder of cells, or a manifest.csv",
            help=f"Below: {roots}. LEUK_DATA_ROOTS names other folders. Pictures are read where they lie; no copy is "
            "made. Layouts: a manifest (path,label,subject,split), C-NMC, Leukemia Dataset 0.2, or a folder a class.",
        )
        st.form_submit_button("Audit", icon=":material/fact_check:", on_click=_start)
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(plain(refused), icon=":material/error:")


def _start() -> None:
    try:
        start(st.session_state[PATH])
    except LeukError as error:
        st.session_state[REFUSED] = str(error)


def show_jobs() -> None:
    """Draw the audits of this server, newest first; the running one with its progress."""
    for number, job in enumerate(jobs()):
        if job.state == RUNNING:
            st.fragment(_progress, run_every=1.0)(job.id)
            continue
        title = f"{Path(job.path).name}, {job.started}: {WORDS[job.state]}"
        with st.expander(title, expanded=number == 0, key=f"leuk-audit-{job.id}", on_change="rerun") as opened:
            if opened.open:
                _show_job(job)


def _progress(name: str) -> None:
    job = next((one for one in jobs() if one.id == name), None)
    if job is None or job.state != RUNNING:
        st.rerun()  # the whole page: the result takes this one's place
    with st.container(horizontal=True, vertical_alignment="center"):
        steps = f"{job.done:,} of {job.total:,}" if job.total > 1 else ""
        st.progress(job.share, text=f"Audit of {job.path}: {job.what} {steps}")
        st.button("Stop", on_click=stop, args=(job,), key=f"leuk-audit-stop-{job.id}", icon=":material/stop_circle:")


def _show_job(job: AuditJob) -> None:
    st.caption(plain(job.path))
    if job.message:
        st.error(plain(job.message), icon=":material/error:")
    if job.rows:
        st.dataframe(list(job.rows), hide_index=True)
    if job.state == "done":
        facts = job.report()
        _downloads(job, facts)
        st.caption(plain(f"{about(facts)}. {' '.join(note.capitalize() + '.' for note in facts['notes'])}"))
        show_facts(facts)
        for section in pair_sections(facts, PAIRS_SHOWN):
            st.markdown(f"**{section.words}**: {section.n:,} pairs, {len(section.shown)} shown")
            _audit_html(pairs_html(section.shown, lambda name: _picture(job, name)))
    st.button("Forget this audit", on_click=forget, args=(job,), key=f"leuk-audit-forget-{job.id}", type="tertiary")


def _downloads(job: AuditJob, facts: Mapping[str, Any]) -> None:
    stem = f"audit-{Path(job.path).stem}"
    with st.container(horizontal=True):
        st.download_button(
            "HTML, with pictures",
            data=lambda: page_html(facts, lambda name: _picture(job, name)),
            file_name=f"{stem}.html",
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
            key=f"leuk-audit-html-{job.id}",
        )
        st.download_button(
            "JSON, everything found",
            data=(job.folder / "report.json").read_bytes,
            file_name=f"{stem}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key=f"leuk-audit-json-{job.id}",
        )


def _picture(job: AuditJob, name: str) -> str | None:
    cell = job.cell(name)
    try:
        changed = cell.path.stat().st_mtime_ns if cell.path else 0
    except OSError:
        return None
    return _thumbnail(str(cell.path), changed)


@st.cache_data(max_entries=500, show_spinner=False)
def _thumbnail(path: str, _changed: int) -> str | None:
    return thumbnail(LabelledCell(Path(path).name, label="", path=Path(path)))


def _audit_html(html: str) -> None:
    st.html(f'<div class="audit">{html}</div>')
