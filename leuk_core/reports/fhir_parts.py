"""Small pieces that every FHIR resource of a case is made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any
from uuid import UUID, uuid5

from leuk_core import RESEARCH_ONLY
from leuk_core.cases.gathered import Gathered
from leuk_core.reports.fhir_codes import LOINC, TERMS, UCUM

Json = dict[str, Any]

_CASES = UUID("1d0b3b0a-6c0f-5c43-9d1e-6a1f0c6d2f57")
_XHTML = "http://www.w3.org/1999/xhtml"


def urn(found: Gathered, key: str) -> str:
    """Return the address of an entry within the bundle, the same in each export of the case."""
    return f"urn:uuid:{uuid5(_CASES, f'{found.case.id} {key}')}"


def to(found: Gathered, key: str) -> Json:
    """Return a reference to an entry."""
    return {"reference": urn(found, key)}


def subject(found: Gathered) -> Json:
    """Return who it is about: known by the id of the case alone."""
    return {"type": "Patient", "identifier": {"type": {"text": "case id"}, "value": found.case.id}}


def labelled() -> Json:
    """Return the label of every resource: made for research, in code and in words."""
    security = [{"system": f"{TERMS}v3-ActReason", "code": "HRESCH", "display": "healthcare research"}]
    return {"meta": {"security": security, "tag": [{"display": RESEARCH_ONLY}]}}


def narrative(paragraphs: Iterable[str], table: Iterable[tuple[str, str]] = ()) -> Json:
    """Return what a person reads, the warning first; everything is escaped.

    Examples
    --------
    >>> narrative(["a < b"])["div"]
    '<div xmlns="http://www.w3.org/1999/xhtml"><p><b>Research use only. Not for diagnosis.</b></p><p>a &lt; b</p></div>'
    """
    body = f"<p><b>{RESEARCH_ONLY}</b></p>" + "".join(f"<p>{_text(words)}</p>" for words in paragraphs)
    rows = "".join(f"<tr><td>{_text(name)}</td><td>{_text(words)}</td></tr>" for name, words in table)
    body += f"<table>{rows}</table>" if rows else ""
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{body}</div>'}


def coded(system: str, code: str) -> Json:
    """Return a concept that has a code alone."""
    return {"coding": [{"system": system, "code": code}]}


def concept(system: str, code: str, text: str) -> Json:
    """Return a concept by its words and, where there is one, its code."""
    return {"text": text} | (coded(system, code) if code else {})


def loinc(code: str | None, text: str) -> Json:
    """Return a concept by its words and, where there is one, its LOINC code."""
    return concept(LOINC, code or "", text)


def quantity(value: float, unit: str) -> Json:
    """Return a number with its unit, to two digits."""
    return {"value": round(value, 2), "unit": unit, "system": UCUM, "code": unit}


def _text(words: str) -> str:
    """Return words as XHTML; what XML 1.0 can't hold becomes a question mark."""
    return escape("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in words))
