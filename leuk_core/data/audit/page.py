"""The audit as one HTML page that needs nothing else: verdicts, figures, offending pairs side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import cv2
import numpy as np
from PIL import Image

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.data.audit.look import BLACK
from leuk_core.data.audit.report import AuditReport, Pair, side
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.cells import LabelledCell
from leuk_core.errors import LeukError

PAIRS_SHOWN = 24
"""Pairs shown of each kind; all are in the JSON report."""

_THUMBNAIL = 150  # pixels

_TITLES = {
    "files": "Files",
    "duplicates": "Duplicates",
    "alias_groups": "Same person under several ids",
    "label_conflicts": "Same cell under two labels",
    "splits": "Given splits and folds",
    "shortcuts": "Shortcuts",
    "balance": "Balance",
    "augmentation": "Signs of earlier augmentation",
}

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
.grade{display:inline-block;min-width:7rem;padding:.1rem .5rem;border-radius:.3rem;text-align:center;color:#fff}
.green{background:#1a7f4b}.amber{background:#9a6700}.red{background:#b42318}
table{border-collapse:collapse}td,th{padding:.3rem .8rem .3rem 0;vertical-align:top;text-align:left}
th{border-bottom:1px solid #bbb}.pairs{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;padding:.5rem;border:1px solid #ccc;border-radius:.4rem;width:21rem}
figure img{width:10rem;height:10rem;object-fit:contain;background:#111}
figcaption{font-size:.8rem;overflow-wrap:anywhere}footer{margin-top:3rem;border-top:1px solid #bbb;padding-top:.5rem}
"""


def to_html(report: AuditReport) -> str:
    """Return the report as an HTML page with small pictures of the offending pairs inside it."""
    title = f"Audit of {report.name}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p><strong>{escape(RESEARCH_ONLY)}</strong></p>",
        f"<p>{report.n} pictures, read as {escape(report.layout)}; protocol {escape(report.protocol.value)}.</p>",
        _list(report.notes),
        "<h2>Verdicts</h2>",
        _verdicts(report),
        *_pair_sections(report),
        "<h2>What can be told without morphology</h2>",
        _shortcuts(report),
        "<h2>Images and subjects</h2>",
        _balance(report),
        _unreadable(report),
        f"<footer>{escape(RESEARCH_ONLY)} Version {escape(__version__)}, seed {report.seed}.</footer>",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _verdicts(report: AuditReport) -> str:
    rows = [
        f"<tr><td>{_grade(verdict.grade)}</td><td><strong>{escape(_TITLES[name])}</strong><br>"
        f"{escape(verdict.text)}</td></tr>"
        for name, verdict in report.verdicts.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _grade(grade: Grade) -> str:
    return f'<span class="grade {grade.value}">{escape(grade.words)}</span>'


def _pair_sections(report: AuditReport) -> list[str]:
    """Show pairs, the gravest first; a pair stands in the first section that it fits."""
    left = list(report.pairs)
    sections = []
    for words, fits in (
        ("Same cell under two labels", lambda pair: "class" in pair.across),
        ("Same cell under two subject ids", lambda pair: "subject" in pair.across),
        ("Same cell in two splits or folds", lambda pair: "split" in pair.across),
        ("Turned, mirrored or zoomed copies", lambda pair: pair.match.altered),
        ("Identical pixels", lambda pair: pair.exact),
        ("Same cell, other pixels", lambda _pair: True),
    ):
        here = [pair for pair in left if fits(pair)]
        left = [pair for pair in left if not fits(pair)]
        if here:
            shown = _spread(here)
            sections.append(f"<h2>{escape(words)}: {len(here)} pairs, {len(shown)} shown</h2>")
            sections.append(f'<div class="pairs">{"".join(_figure(pair) for pair in shown)}</div>')
    return sections


def _spread(pairs: Sequence[Pair]) -> list[Pair]:
    """Choose pairs over the whole range of scores, so that the doubtful ones are seen too."""
    by_score = sorted(pairs, key=lambda pair: pair.match.score)
    chosen = np.unique(np.linspace(0, len(by_score) - 1, min(PAIRS_SHOWN, len(by_score))).round().astype(int))
    return [by_score[position] for position in chosen]


def _figure(pair: Pair) -> str:
    captions = "<br>".join(_caption(cell) for cell in (pair.first, pair.second))
    return (
        f"<figure>{_image(pair.first)}{_image(pair.second)}<figcaption>{captions}<br>"
        f"likeness {pair.match.score:.2f}; {escape(pair.how)}</figcaption></figure>"
    )


def _caption(cell: LabelledCell) -> str:
    facts = [cell.name, cell.label]
    if cell.subject is not None:
        facts.append(f"subject {cell.subject}")
    where = side(cell)
    if where is not None:
        facts.append(where)
    return escape(" · ".join(facts))


def _image(cell: LabelledCell) -> str:
    try:
        pixels = cell.picture().pixels
    except LeukError:  # it could be decoded before, and is gone now
        return f'<img alt="{escape(cell.name)}: cannot be shown">'
    pixels = _without_black(pixels)
    scale = _THUMBNAIL / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    stream = io.BytesIO()
    Image.fromarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)).save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="{escape(cell.name)}" src="data:image/jpeg;base64,{data}">'


def _without_black(pixels: np.ndarray) -> np.ndarray:
    """Cut away even black margins, which would leave little room for the cell."""
    shown = pixels.max(axis=2) > BLACK
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels


def _shortcuts(report: AuditReport) -> str:
    rows = [
        f"<tr><td>{_grade(one.grade)}</td><td>{escape(one.trait.words)}</td><td>{escape(str(one.auroc))}</td>"
        f"<td>{escape(str(one.balanced_accuracy))}</td><td>{escape(one.text)}</td></tr>"
        for one in report.shortcuts
    ]
    first = report.shortcuts[0]
    caption = (
        f"<p>Out of fold, {escape(first.protocol.words())}, n = {first.n} cells in {first.n_groups} groups; in "
        "brackets 95 % intervals by bootstrap. Guessing has AUROC 0.50.</p>"
    )
    head = "<tr><th></th><th>trait</th><th>AUROC</th><th>balanced accuracy</th><th>what it means</th></tr>"
    return f"{caption}<table>{head}{''.join(rows)}</table>"


def _balance(report: AuditReport) -> str:
    balance = report.balance
    rows = [
        f"<tr><td>{escape(name)}</td><td>{n}</td><td>"
        f"{balance.subjects[name] if balance.subjects_known else 'not known'}</td></tr>"
        for name, n in balance.images.items()
    ]
    head = "<tr><th>class</th><th>images</th><th>persons</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _unreadable(report: AuditReport) -> str:
    if not report.unreadable:
        return ""
    rows = "".join(
        f"<tr><td>{escape(problem.where)}</td><td>{escape(problem.received)}</td></tr>" for problem in report.unreadable
    )
    return f"<h2>Pictures that could not be decoded</h2><table>{rows}</table>"
