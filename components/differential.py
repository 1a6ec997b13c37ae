"""The differential as it stands: a row a class, the interval as a bar with whiskers, blasts first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from components.plain import plain
from leuk_core.cases import CellClass
from leuk_core.cases.counting import CaseCount
from leuk_core.cells.differential import TARGETS
from leuk_core.reports.case_tables import ClassRow, class_rows


def show_differential(count: CaseCount, classes: Sequence[CellClass]) -> None:
    """Draw progress, both counts, the sentence about the lines and how often the machine was changed."""
    st.html(differential_html(count, classes))
    if count.lines:
        st.info(count.lines.words, icon=":material/straighten:")
    if count.changes:
        with st.expander("How often you changed the machine, by its class"):
            names = {entry.code: entry.name for entry in classes}
            for one in count.changes:
                words = f"{one.changed} of {one.reviewed}, {one.share.words(1, percent=True)}"
                st.markdown(f"{plain(names.get(one.label, one.label))}: {words}")
            st.caption("Exact 95 % intervals, by cell. Cells about which it was undecided are not among them.")


def differential_html(count: CaseCount, classes: Sequence[CellClass]) -> str:
    """Return progress and table."""
    leukocytes = count.reviewed.leukocytes
    rows = "".join(_row(row) for row in class_rows(count, classes))
    caption = (
        f"Of {leukocytes} reviewed leukocytes; exact 95 % intervals. Beside it the machine's own count; it was "
        f"undecided about {count.machine.undecided} cells."
    )
    return (
        f'<div class="leuk-diff"><p class="leuk-diff-progress"><b>{count.n_reviewed} of {count.n} cells reviewed'
        f"</b></p>{_targets(leukocytes)}<table><caption>{caption}</caption>"
        "<thead><tr><th>class</th><th>n</th><th>%</th><th>95 %</th><th>machine</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _targets(leukocytes: int) -> str:
    parts = [
        f'<span title="{leukocytes} of {target} leukocytes">'
        f'<i style="width:{min(100.0, 100 * leukocytes / target):.1f}%"></i><em>{target}</em></span>'
        for target in TARGETS
    ]
    words = f"{leukocytes} leukocytes counted"
    return f'<div class="leuk-diff-targets" role="img" aria-label="{words}">{"".join(parts)}</div>'


def _row(row: ClassRow) -> str:
    kind = ' class="leuk-diff-blast"' if row.blast else ""
    machine, share = escape(row.machine.split(",")[0]), row.share
    if row.n is None:
        figures = f'<td colspan="3">{escape(row.words)}</td>'
    elif share is None or share.value is None or share.low is None or share.high is None:
        beside = escape(row.words.partition(",")[2].strip())
        figures = f'<td>{row.n}</td><td colspan="2"><small>{beside}</small></td>'
    else:
        low, high = 100 * share.low, 100 * share.high
        figures = (
            f"<td>{row.n}</td><td>{100 * share.value:.1f}</td>"
            f'<td><div class="leuk-diff-bar" title="{escape(row.words)}"><b style="width:{100 * share.value:.1f}%"></b>'
            f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i></div><small>{low:.1f} to {high:.1f}</small></td>'
        )
    return f"<tr{kind}><th>{escape(row.name)}</th>{figures}<td>{machine}</td></tr>"
