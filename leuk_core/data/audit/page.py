"""The audit as HTML: verdicts, figures, offending pairs side by side; a whole page, or its parts for another page.

Everything is drawn from the report as JSON holds it (`AuditReport.to_dict`), so that a stored audit can be shown again.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import numpy as np
from PIL import Image

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.data.audit.look import BLACK
from leuk_core.data.audit.report import AuditReport
from leuk_core.data.audit.shortcuts import TRAITS
from leuk_core.data.audit.verdict import Grade
from leuk_core.data.cells import LabelledCell
from leuk_core.data.splits import Protocol
from leuk_core.errors import LeukError
from leuk_core.evaluation.resampling import Estimate

Facts = Mapping[str, Any]
Thumbnail = Callable[[str], str | None]
"""From a cell's name to a small picture as a data address; None where it can't be shown."""

PAIRS_SHOWN = 24
"""Pairs shown of each kind on the page that `to_html` makes; all are in the JSON report."""

TITLES = {
    "files": "Files",
    "duplicates": "Duplicates",
    "alias_groups": "Same person under several ids",
    "label_conflicts": "Same cell under two labels",
    "splits": "Given splits and folds",
    "shortcuts": "Shortcuts",
    "balance": "Balance",
    "augmentation": "Signs of earlier augmentation",
}

STYLE = """
.grade{display:inline-block;min-width:9rem;white-space:nowrap;padding:.1rem .5rem;border-radius:.3rem;
text-align:center;color:#fff}
.grade b{display:inline-block;width:1.2em}
.green{background:#1a7f4b}.amber{background:#9a6700}.red{background:#b42318}
.audit table{border-collapse:collapse;width:100%}.audit td,.audit th{padding:.3rem .8rem .3rem 0;vertical-align:top;
text-align:left}.audit th{border-bottom:1px solid #8888}.audit td{min-width:6.5rem}
.pairs{display:flex;flex-wrap:wrap;gap:1rem}
.pairs figure{margin:0;padding:.5rem;border:1px solid #8886;border-radius:.4rem;width:22rem;box-sizing:border-box}
.pairs figure div{display:flex;gap:.4rem}
.pairs img{width:calc(50% - .2rem);aspect-ratio:1;object-fit:contain;background:#111;color:#ddd;font-size:.8rem}
.pairs figcaption{font-size:.8rem;overflow-wrap:anywhere}
"""

_PAGE_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
footer{margin-top:3rem;border-top:1px solid #bbb;padding-top:.5rem}
"""

_TRAITS = {trait.key: trait.words for trait in TRAITS}

_SIDE = 150  # pixels of a thumbnail


def to_html(report: AuditReport) -> str:
    """Return the report as an HTML page with small pictures of the offending pairs inside it."""
    cells = {cell.name: cell for pair in report.pairs for cell in (pair.first, pair.second)}
    return page_html(report.to_dict(), lambda name: thumbnail(cells[name]))


def page_html(facts: Facts, picture: Thumbnail) -> str:
    """Return an audit as an HTML page that needs nothing else.

    Parameters
    ----------
    facts : mapping
        The report as JSON holds it.
    picture : callable
        From a cell's name to a small picture.
    """
    title = f"Audit of {facts['name']}"
    sections = [
        f"<h2>{escape(section.words)}: {section.n} pairs, {len(section.shown)} shown</h2>"
        f"{pairs_html(section.shown, picture)}"
        for section in pair_sections(facts)
    ]
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p><strong>{escape(RESEARCH_ONLY)}</strong></p>",
        f"<p>{escape(about(facts))}.</p>",
        _list(facts.get("notes", ())),
        "<h2>Verdicts</h2>",
        verdicts_html(facts),
        *sections,
        "<h2>What can be told without morphology</h2>",
        shortcuts_html(facts),
        "<h2>Images and subjects</h2>",
        balance_html(facts),
        _unreadable(facts),
        f"<footer>{escape(RESEARCH_ONLY)} Version {escape(__version__)}, seed {facts['seed']}.</footer>",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_PAGE_STYLE}{STYLE}</style></head><body class="audit">{"".join(body)}</body></html>\n'
    )


def about(facts: Facts) -> str:
    """Return how many pictures were looked at, how they were read, and the protocol."""
    return f"{facts['n']:,} pictures, read as {facts['layout']}; protocol {facts['protocol']}"


def verdicts_html(facts: Facts) -> str:
    """Return a table with a grade and a sentence for each check."""
    rows = [
        f"<tr><td>{grade_html(verdict['grade'])}</td><td><strong>{escape(TITLES.get(name, name))}</strong><br>"
        f"{escape(verdict['text'])}</td></tr>"
        for name, verdict in facts["verdicts"].items()
    ]
    return f"<table>{''.join(rows)}</table>"


def grade_html(grade: str) -> str:
    """Return a grade as a badge: sign, words and colour say the same."""
    found = Grade(grade)
    return f'<span class="grade {found.value}"><b>{found.icon}</b> {escape(found.words)}</span>'


@dataclass(frozen=True)
class PairSection:
    """Pairs of one kind: how many there are, and those to be shown, from the least to the most alike."""

    words: str
    n: int
    shown: tuple[Facts, ...]


def pair_sections(facts: Facts, most: int = PAIRS_SHOWN) -> list[PairSection]:
    """Return pairs by kind, the gravest first; a pair stands in the first kind that it fits.

    Parameters
    ----------
    facts : mapping
        The report as JSON holds it; a summary without pairs gives none.
    most : int
        Most pairs to be shown of a kind, spread over the whole range of likeness.
    """
    left = [pair for key in ("exact_duplicates", "near_duplicates") for pair in _pairs(facts.get(key))]
    sections = []
    for words, fits in (
        ("Same cell under two labels", lambda pair: "class" in pair["across"]),
        ("Same cell under two subject ids", lambda pair: "subject" in pair["across"]),
        ("Same cell in two splits or folds", lambda pair: "split" in pair["across"]),
        ("Turned, mirrored or zoomed copies", lambda pair: pair.get("altered", False)),
        ("Identical pixels", lambda pair: pair["score"] == 1.0),
        ("Same cell, other pixels", lambda _pair: True),
    ):
        here = [pair for pair in left if fits(pair)]
        left = [pair for pair in left if not fits(pair)]
        if here:
            sections.append(PairSection(words, len(here), _spread(here, most)))
    return sections


def pairs_html(pairs: Sequence[Facts], picture: Thumbnail) -> str:
    """Return pairs side by side with what the set says about each."""
    return f'<div class="pairs">{"".join(_figure(pair, picture) for pair in pairs)}</div>'


def shortcuts_html(facts: Facts) -> str:
    """Return a table of what can be told without morphology, with intervals and what each means."""
    shortcuts = facts["shortcuts"]
    if not shortcuts:
        return "<p>Not measured.</p>"
    rows = [
        f"<tr><td>{grade_html(one['grade'])}</td><td>{escape(_TRAITS.get(one['trait'], one['trait']))}</td>"
        f"<td>{_estimate(one['auroc'])}</td><td>{_estimate(one['balanced_accuracy'])}</td><td>{escape(one['text'])}</td></tr>"
        for one in shortcuts
    ]
    first = shortcuts[0]
    caption = (
        f"<p>Out of fold, {escape(Protocol(first['protocol']).words())}, n = {first['n']:,} cells in "
        f"{first['n_groups']:,} groups; in brackets 95 % intervals by bootstrap. Guessing has AUROC 0.50.</p>"
    )
    head = "<tr><th></th><th>trait</th><th>AUROC</th><th>balanced accuracy</th><th>what it means</th></tr>"
    return f"{caption}<table>{head}{''.join(rows)}</table>"


def balance_html(facts: Facts, words: Mapping[str, str] | None = None) -> str:
    """Return a table of images and persons by class; `words` names the classes for people."""
    balance = facts["balance"]
    persons, named = balance["subjects"] or {}, words or {}
    rows = [
        f"<tr><td>{escape(named.get(name, name))}</td><td>{n:,}</td><td>{persons.get(name, 'not known')}</td></tr>"
        for name, n in balance["images"].items()
    ]
    head = "<tr><th>class</th><th>images</th><th>persons</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def thumbnail(cell: LabelledCell) -> str | None:
    """Return a small picture of a cell as a data address; None where it can't be read any more."""
    try:
        pixels = cell.picture().pixels
    except LeukError:
        return None
    pixels = _without_black(pixels)
    scale = _SIDE / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    stream = io.BytesIO()
    Image.fromarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)).save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def summary(facts: Facts) -> dict[str, Any]:
    """Return an audit without the names of pictures, small enough to stand beside the models trained on the set.

    Parameters
    ----------
    facts : mapping
        The report as JSON holds it.

    Returns
    -------
    dict
        As given, with the number of pairs in place of the pairs.
    """
    lists = ("exact_duplicates", "near_duplicates", "label_conflicts", "unreadable")
    return {**facts, **{name: count(facts.get(name, ())) for name in lists}}


def count(found: int | Sequence[Any]) -> int:
    """Return how many were found, from a list or from the number that a summary holds."""
    return found if isinstance(found, int) else len(found)


def _pairs(found: int | Sequence[Facts] | None) -> Sequence[Facts]:
    return () if found is None or isinstance(found, int) else found


def _spread(pairs: Sequence[Facts], most: int) -> tuple[Facts, ...]:
    """Choose pairs over the whole range of scores, so that the doubtful ones are seen too."""
    by_score = sorted(pairs, key=lambda pair: pair["score"])
    chosen = np.unique(np.linspace(0, len(by_score) - 1, min(most, len(by_score))).round().astype(int))
    return tuple(by_score[position] for position in chosen)


def _figure(pair: Facts, picture: Thumbnail) -> str:
    names = (pair["first"], pair["second"])
    images = "".join(_image(name, picture(name)) for name in names)
    captions = "<br>".join(
        _caption(name, *facts)
        for name, *facts in zip(names, pair["labels"], pair["subjects"], pair["splits"], strict=True)
    )
    how = f"likeness {pair['score']:.2f}; {escape(pair['how'])}"
    return f"<figure><div>{images}</div><figcaption>{captions}<br>{how}</figcaption></figure>"


def _image(name: str, address: str | None) -> str:
    if address is None:
        return f'<img alt="{escape(name)}: cannot be shown">'
    return f'<img alt="{escape(name)}" src="{address}">'


def _caption(name: str, label: str, subject: str | None, side: str | None) -> str:
    facts = [name, label, *([] if subject is None else [f"subject {subject}"]), *([] if side is None else [side])]
    return escape(" · ".join(facts))


def _estimate(facts: Mapping[str, float | None]) -> str:
    return escape(str(Estimate.from_dict(facts))).replace(" (", "<br>(")


def _without_black(pixels: np.ndarray) -> np.ndarray:
    """Cut away even black margins, which would leave little room for the cell."""
    shown = pixels.max(axis=2) > BLACK
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _unreadable(facts: Facts) -> str:
    problems = facts.get("unreadable", ())
    if not problems or isinstance(problems, int):
        return ""
    rows = "".join(
        f"<tr><td>{escape(problem['where'])}</td><td>{escape(problem['received'])}</td></tr>" for problem in problems
    )
    return f"<h2>Pictures that could not be decoded</h2><table>{rows}</table>"
