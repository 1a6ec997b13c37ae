"""What finds white cells on whole fields, and how well: a table of all detectors on the same held-out fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from leuk_core.cells.agreement import OVERLAP
from leuk_core.cells.detectors import SEGMENTATION, default_detector, evaluations_of, list_detectors
from leuk_core.evaluation.resampling import Estimate
from leuk_core.reports.pieces import badge, estimate_html

TITLES = {SEGMENTATION: "segmentation by colour (no learning)", "centernet": "CenterNet, learnt on BCCD"}


def judged_detectors() -> list[Mapping[str, Any]]:
    """Return the newest evaluation of each installed detector, the default one first; those not judged are left out."""
    installed = {SEGMENTATION: "1", **{entry.name: entry.version for entry in list_detectors()}}
    found = []
    for name, version in installed.items():
        own = [facts for facts in evaluations_of(name) if facts.get("version") == version]
        found += own[-1:]
    return sorted(found, key=lambda facts: facts["detector"] != default_detector())


def detection_html(judged: Sequence[Mapping[str, Any]]) -> str:
    """Return recall and precision of detectors, with intervals and n; empty where none was judged.

    Parameters
    ----------
    judged : sequence of mapping
        Evaluations of kind "detection"; the first one's detector is the default.
    """
    if not judged:
        return ""
    sets = dict.fromkeys(title for facts in judged for title in facts["sets"])
    rows = []
    for title in sets:
        known = next(facts["sets"][title] for facts in judged if title in facts["sets"])
        of = f", {known['n_subjects']} subjects" if known.get("n_subjects") else ""
        head = f"{escape(title)}<br><small>{known['n_cells']} cells on {known['n_images']} fields{of}</small>"
        cells = "".join(_figures(facts["sets"].get(title)) for facts in judged)
        rows.append(f'<tr><th scope="row">{head}</th>{cells}</tr>')
    names = "".join(
        f'<th scope="colgroup" colspan="2">{escape(TITLES.get(facts["detector"], facts["detector"]))}'
        f"{' (default)' if number == 0 else ''}</th>"
        for number, facts in enumerate(judged)
    )
    kinds = '<th scope="col">recall</th><th scope="col">precision</th>' * len(judged)
    rule = escape(str(judged[0]["rule"]))
    return (
        f"<p>{badge('by-image', f'by image · IoU {OVERLAP}')} <small>95 % intervals</small></p>"
        f"<table><thead><tr><th></th>{names}</tr><tr><th></th>{kinds}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f'<p class="ev-quiet">{rule}</p>'
    )


def _figures(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "<td>not judged</td><td></td>"
    precision = f"<small>{entry['found']} boxes found</small>" if "found" in entry else "–"
    if "precision" in entry:
        precision = estimate_html(Estimate.from_dict(entry["precision"]), ".1%")
    return f"<td>{estimate_html(Estimate.from_dict(entry['recall']), '.1%')}</td><td>{precision}</td>"
