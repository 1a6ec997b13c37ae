"""The reviewed differential of a case as FHIR Observations: one for each class, and one for all blasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leuk_core.cases.classes import BLASTS as BLAST_KINDS
from leuk_core.cases.classes import Kind
from leuk_core.cases.gathered import Gathered
from leuk_core.cases.records import Specimen
from leuk_core.cells.differential import NOT_ASSESSED, Row
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.resampling import Estimate
from leuk_core.reports.case_tables import class_rows
from leuk_core.reports.fhir_codes import BLASTS, BLOOD, PER_HUNDRED, PERCENT, TERMS
from leuk_core.reports.fhir_parts import Json, coded, labelled, loinc, narrative, quantity, subject, to, urn

_METHOD = "Cells found and sorted by software; each class confirmed or given by a person"
_INTERVAL = "95 % interval, exact (Clopper and Pearson)"


def results(found: Gathered, status: str) -> Iterator[Json]:
    """Give the observations of a case, blasts first; only what persons have reviewed.

    Parameters
    ----------
    found : Gathered
        The case.
    status : str
        Of the report: an observation that amendments didn't change stays "final" in an amended one.
    """
    yield from _blasts(found, status)
    for row in class_rows(found.count, found.classes):
        counted = found.count.reviewed.row(row.code)
        if counted is not None and counted.n:
            key, said = f"class {row.code}", _status(found, row.code, status)
            yield _observation(found, key, row.name, _code(found, row.code), said, _value(counted))


def _blasts(found: Gathered, status: str) -> Iterator[Json]:
    """Give all blasts; where equivalents are among them, once without and once with these."""
    count = found.count
    code = BLASTS if found.case.specimen is Specimen.BLOOD else None
    said = "amended" if status == "amended" and _blasts_changed(found) else _plain(status)
    if not count.blasts:
        absent = coded(f"{TERMS}data-absent-reason", "not-performed") | {"text": NOT_ASSESSED}
        blank = {"dataAbsentReason": absent, "note": [{"text": NOT_ASSESSED}]}
        yield _observation(found, "blasts", "blasts, all classes", code, said, blank)
        return
    kinds = {entry.code: entry.kind for entry in found.classes if entry.kind in BLAST_KINDS}
    called = {row.label: row.n for row in count.reviewed.rows if row.label in kinds and row.n}
    alone = {label: n for label, n in called.items() if kinds[label] is not Kind.BLAST_EQUIVALENT}
    if alone:
        yield _observation(found, "blasts", "blasts, all classes", code, said, _sum(found, alone))
    if alone != called:
        name = "blasts and blast equivalents, all classes"
        yield _observation(found, "blasts and equivalents", name, None, said, _sum(found, called))


def _sum(found: Gathered, called: Mapping[str, int]) -> Json:
    n, of = sum(called.values()), found.count.reviewed.leukocytes
    share = exact_interval(n, of)
    row = Row("", n, of, share, None, f"{n} of {of}, {share.words(1, percent=True)}")
    return _value(row) | {"hasMember": [to(found, f"class {label}") for label in called]}


def _observation(found: Gathered, key: str, name: str, code: str | None, status: str, value: Json) -> Json:
    return {
        "resourceType": "Observation", "id": urn(found, key).removeprefix("urn:uuid:"), **labelled(),
        "text": narrative([f"{name}: {value['note'][0]['text']}"]),
        "status": status,
        "category": [coded(f"{TERMS}observation-category", "laboratory")],
        "code": loinc(code, name),
        "subject": subject(found),
        "issued": found.at.isoformat(timespec="seconds"),
        "method": {"text": _METHOD},
        "specimen": to(found, "specimen"),
        "device": to(found, "device software"),
        **value,
    }  # fmt: skip


def _value(row: Row) -> Json:
    """Return the value of a row, the numbers behind it as components, and its words as a note."""
    n = row.n or 0
    parts: list[Json] = [{"code": {"text": "cells counted"}, "valueInteger": n}]
    value: Json = {"valueInteger": n}
    if row.share is not None and row.share.value is not None:
        value = {"valueQuantity": quantity(100 * row.share.value, PERCENT)}
        parts += [_denominator(row), _interval(row.share)]
    elif row.per_hundred is not None:
        value = {"valueQuantity": quantity(row.per_hundred, PER_HUNDRED)}
        parts.append(_denominator(row))
    return value | {"component": parts, "note": [{"text": row.words}]}


def _denominator(row: Row) -> Json:
    return {"code": {"text": "leukocytes counted (the denominator)"}, "valueInteger": row.of}


def _interval(share: Estimate) -> Json:
    low, high = (quantity(100 * (end or 0.0), PERCENT) for end in (share.low, share.high))
    return {"code": {"text": _INTERVAL}, "valueRange": {"low": low, "high": high}}


def _code(found: Gathered, label: str) -> str | None:
    """Return the LOINC code of a class.

    Without one: other specimens than blood, and neutrophils where bands were called beside them, since the code means
    both.
    """
    if found.case.specimen is not Specimen.BLOOD:
        return None
    if label == "neutrophil" and found.count.reviewed.row("band") is not None:
        return None
    return BLOOD.get(label)


def _status(found: Gathered, label: str, status: str) -> str:
    if status == "amended" and found.confirmed_count is not None:
        before, now = found.confirmed_count.reviewed.row(label), found.count.reviewed.row(label)
        return "final" if before == now else "amended"
    return _plain(status)


def _blasts_changed(found: Gathered) -> bool:
    before = found.confirmed_count
    return before is not None and (
        (before.blasts, before.reviewed.leukocytes) != (found.count.blasts, found.count.reviewed.leukocytes)
    )


def _plain(status: str) -> str:
    return "final" if status == "amended" else status
