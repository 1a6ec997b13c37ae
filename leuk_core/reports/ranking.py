"""All versions of a task under one protocol, and the authors' tables apart from them, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from leuk_core.data.splits import Protocol
from leuk_core.evaluation import paper
from leuk_core.evaluation.plausibility import excess_in_units
from leuk_core.reports.evidence import RANKED, WORDS, Row
from leuk_core.reports.pieces import axis, badge, bar, estimate_html, explained, scale


def ranking_html(rankings: Sequence[Sequence[Row]], chosen: str = "") -> str:
    """Return all versions under one protocol, the baseline in its place, with thin reference lines.

    Parameters
    ----------
    rankings : sequence of sequence of Row
        From `TaskEvidence.rankings`: a table for each set of cells.
    chosen : str
        Reference of the version that is marked.
    """
    parts = []
    for number, rows in enumerate(rankings):
        if number:
            parts.append("<p>Judged on other cells, and not to be compared with the table above:</p>")
        parts.append(_table(rows, chosen))
    return "".join(parts)


def _table(rows: Sequence[Row], chosen: str) -> str:
    ends = axis(row.estimates["f1_weighted"] for row in rows)
    baselines = [row.estimates["f1_weighted"].value for row in rows if row.is_baseline]
    moved = any(row.moved for row in rows)
    heads = [
        "model", explained("weighted F1"), scale(*ends), *(explained(WORDS[name]) for name in RANKED[1:]),
        *(["F1 minus by subject"] if moved else []),
    ]  # fmt: skip
    body = "".join(_ranking_row(row, chosen, ends, baselines, with_moved=moved) for row in rows)
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    key = [
        "<span>95 % intervals under the figures and as bars</span>",
        '<span><i class="ev-key"></i>trivial baseline</span>' if baselines else "",
        f'<span><i class="ev-key ev-key-authors"></i>{escape(paper.REPORTED)}</span>'
        if any(row.authors for row in rows)
        else "",
    ]
    legend = f'<small class="ev-legend">{"".join(key)}</small>'
    return (
        f"<p>{badge(rows[0].protocol, rows[0].caption)} {legend}</p>"
        f'<div class="ev-scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def paper_html(task: str) -> str:
    """Return the authors' three tables, that of the task first; rows that can't be are marked.

    Parameters
    ----------
    task : str
        Id of the task that is looked at.
    """
    tables = {1: ("Table 1: ALL against normal", paper.TABLE_1), 2: ("Table 2: five classes", paper.TABLE_2)}
    order = sorted(tables, key=lambda number: tables[number][1][0].task != task)
    parts = [f"<h4>{escape(tables[number][0])}</h4>{_reported_html(tables[number][1])}" for number in order]
    compared = "".join(
        f"<tr><td>{escape(row.reference)}</td><td>{escape(row.model)}</td><td>{row.classes}</td>"
        f"<td>{row.accuracy:.2f}</td></tr>"
        for row in paper.TABLE_3
    )
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("reference", "model", "classes", "accuracy"))
    third = f'<table class="ev-tight"><thead><tr>{heads}</tr></thead><tbody>{compared}</tbody></table>'
    return (
        f"<p>{badge(Protocol.BY_IMAGE.value, paper.REPORTED)}</p>"
        f'<p class="ev-quiet">{escape(paper.SOURCE)}. Percent, as printed; neither persons nor intervals are given. '
        f"Never compare them with figures by subject. Rows marked ✕ ({len(paper.impossible())} of "
        f"{len(paper.TABLE_1 + paper.TABLE_2)}) can't be: F1 is never above the mean of precision and recall.</p>"
        f"{''.join(parts)}<h4>Table 3: other works, as the authors cite them</h4>{third}"
    )


def _ranking_row(
    row: Row, chosen: str, ends: tuple[float, float], baselines: Sequence[float | None], *, with_moved: bool
) -> str:
    first, *others = (row.estimates[name] for name in RANKED)
    kind = "ev-baseline" if row.is_baseline else ("ev-chosen" if row.ref == chosen else "")
    authors = None if row.authors is None else row.authors.f1 / 100
    cells = [
        f'<th scope="row">{_name(row, chosen)}</th>',
        f"<td>{estimate_html(first)}</td>",
        f"<td>{bar(first, *ends, lines=baselines, authors=authors)}{_beats(row)}</td>",
        *(f"<td>{estimate_html(estimate)}</td>" for estimate in others),
    ]
    if with_moved:
        cells.append(f"<td>{f'{row.moved.value:+.2f}' if row.moved and row.moved.value is not None else ''}</td>")
    notes = f'<tr class="ev-notes"><td colspan="{len(cells)}">{escape(" ".join(row.notes))}</td></tr>'
    return f'<tr class="{kind}">{"".join(cells)}</tr>{notes if row.notes else ""}'


def _name(row: Row, chosen: str) -> str:
    if row.is_baseline:
        return explained("trivial baseline", row.title)
    shown = ' <span class="ev-mark">shown here</span>' if row.ref == chosen else ""
    return f"{escape(row.title)}<br><small>{escape(row.ref.partition('@')[2])}</small>{shown}"


def _beats(row: Row) -> str:
    if row.beats is None:
        return ""
    return f"<small>{'✓ beats the baseline' if row.beats else 'does not beat the baseline'}</small>"


def _reported_html(rows: Sequence[paper.ReportedRow]) -> str:
    lines = []
    for row in rows:
        over = excess_in_units([row.precision], [row.recall], [row.f1], paper.DIGITS)[0]
        why = f"can't be: F1 lies {float(over) / 10**paper.DIGITS:.2f} above the mean of precision and recall"
        mark = f'<abbr title="{escape(why)}">✕</abbr>' if row.impossible else ""
        numbers = "".join(f"<td>{value:.2f}</td>" for value in (row.accuracy, row.precision, row.recall, row.f1))
        lines.append(f'<tr><th scope="row">{escape(row.name)}</th>{numbers}<td>{mark}</td></tr>')
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("", "accuracy", "precision", "recall", "F1", ""))
    return f'<table class="ev-tight"><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
