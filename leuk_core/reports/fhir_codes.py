"""Codes that a case carries as FHIR: LOINC for cells of blood, units, and the values that FHIR binds; checked here.

A FHIR library checks that an element may stand where it stands, not that its code is one of those allowed. So every
bundle passes `check_bundle` before it leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from leuk_core.errors import InvalidData, InvalidParameter

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TERMS = "http://terminology.hl7.org/CodeSystem/"
PERCENT, PER_HUNDRED = "%", "/100{WBCs}"


class Release(StrEnum):
    """Releases of FHIR that are written."""

    R4B = "R4B"
    R5 = "R5"


PANEL = "69738-3"
"""Differential of blood, method not specified."""

BLASTS = "26446-5"
"""Blasts of whatever line per 100 leukocytes of blood."""

BLOOD = {
    "neutrophil": "26511-6",
    "band": "26508-2",
    "eosinophil": "26450-7",
    "basophil": "30180-4",
    "lymphocyte": "26478-8",
    "plasma-cell": "13047-6",
    "monocyte": "26485-3",
    "metamyelocyte": "28541-1",
    "myelocyte": "26498-6",
    "promyelocyte": "26524-9",
    "promonocyte": "30466-7",
    "myeloblast": "30445-1",
    "erythroblast": "19048-8",
}
"""LOINC by class, per 100 leukocytes of blood, method not specified. Other classes and specimens go by text alone."""

ALLOWED = {
    LOINC: {PANEL, BLASTS, *BLOOD.values()},
    UCUM: {PERCENT, PER_HUNDRED},
    f"{TERMS}v2-0074": {"HM"},
    f"{TERMS}v2-0487": {"BLD", "MAR"},
    f"{TERMS}observation-category": {"laboratory"},
    f"{TERMS}data-absent-reason": {"not-performed"},
    f"{TERMS}v3-ActReason": {"HRESCH"},
    f"{TERMS}provenance-participant-type": {"assembler", "attester", "author", "verifier"},
}
"""Codes that are written, by system."""

_REPORT = {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled"}
_RESULT = {"registered", "preliminary", "final", "amended", "corrected", "cancelled"}
_DONE = {"entered-in-error", "unknown"}
_BUNDLE = {
    "document", "message", "transaction", "transaction-response", "batch", "batch-response", "history", "searchset",
    "collection",
}  # fmt: skip
_BOTH = {
    "Bundle.type": _BUNDLE,
    "DiagnosticReport.status": _REPORT | _DONE,
    "Observation.status": _RESULT | _DONE,
    "text.status": {"generated", "extensions", "additional", "empty"},
    "entity.role": {"quotation", "removal", "revision", "source"},
}
_NAMES = {"patient-reported-name", "user-friendly-name"}
BOUND: dict[Release, dict[str, set[str]]] = {
    Release.R4B: _BOTH
    | {
        "deviceName.type": _NAMES | {"manufacturer-name", "model-name", "other", "udi-label-name"},
        "entity.role": _BOTH["entity.role"] | {"derivation"},
    },
    Release.R5: _BOTH
    | {
        "Bundle.type": _BUNDLE | {"subscription-notification"},
        "DiagnosticReport.status": _REPORT | _DONE | {"modified"},
        "name.type": _NAMES | {"registered-name"},
        "entity.role": _BOTH["entity.role"] | {"instantiates"},
    },
}
"""Values of required bindings, by the last two steps of the path."""


def check_digit(number: str) -> int:
    """Return the last digit of a LOINC code from those before the hyphen (modulus 10, each second digit doubled).

    Raises
    ------
    InvalidParameter
        If it isn't made of digits.

    Examples
    --------
    >>> check_digit("26446")
    5
    """
    if not re.fullmatch(r"[0-9]{1,7}", number):
        raise InvalidParameter(f"`number` must be the digits of a LOINC code before its hyphen. Received: {number!r}")
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def is_loinc(code: str) -> bool:
    """Return whether a code has the form of LOINC and the right check digit.

    Examples
    --------
    >>> is_loinc("26446-5"), is_loinc("26446-4"), is_loinc("blast")
    (True, False, False)
    """
    found = re.fullmatch(r"([0-9]{1,7})-([0-9])", code)
    return found is not None and check_digit(found[1]) == int(found[2])


def check_bundle(bundle: Mapping[str, Any], release: Release) -> None:
    """Refuse a bundle with a code that FHIR doesn't allow there, or with a reference that leads nowhere.

    Parameters
    ----------
    bundle : mapping
        As JSON holds it.
    release : Release
        Of which FHIR it is.

    Raises
    ------
    InvalidData
        If it must not leave; the message names the first fault.
    """
    known = {entry["fullUrl"] for entry in bundle.get("entry", ())}
    for fault in _faults(bundle, "", BOUND[release], known):
        raise InvalidData(f"The bundle is not valid FHIR {release}, nothing was written: tell the developers. {fault}")


def _faults(node: Any, path: str, bound: Mapping[str, set[str]], known: set[str]) -> Iterator[str]:
    """Give a sentence for each fault at or below a place."""
    if isinstance(node, list):
        for entry in node:
            yield from _faults(entry, path, bound, known)
    elif isinstance(node, Mapping):
        here = str(node.get("resourceType", path))
        yield from _code_faults(node, here)
        target = node.get("reference")
        if isinstance(target, str) and target not in known:
            yield f"Received: the reference {target} at {here}"
        for key, value in node.items():
            allowed = bound.get(f"{here}.{key}")
            if allowed is not None and value not in allowed:
                yield f"Received: {value!r} for {here}.{key}"
            yield from _faults(value, key, bound, known)


def _code_faults(node: Mapping[str, Any], here: str) -> Iterator[str]:
    system, code = node.get("system"), node.get("code")
    if not isinstance(code, str):
        return
    if code not in ALLOWED.get(str(system), ()):
        yield f"Received: the code {code!r} of {system} at {here}"
    if system == LOINC and not is_loinc(code):
        yield f"Received: the LOINC code {code!r} with a wrong check digit at {here}"
