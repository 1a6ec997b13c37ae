"""A case as a FHIR bundle, R5 or R4B: report, specimen, reviewed differential, software and models, provenance.

Written as plain JSON, so that nothing is needed to export. The ids of its entries come from the case's, so that whoever
takes it in again after an amendment replaces what there was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from leuk_core import RESEARCH_ONLY, __version__
from leuk_core.access import SIGNED, signature
from leuk_core.cases.gathered import Gathered
from leuk_core.cases.records import CaseState, Specimen
from leuk_core.cells.differential import FIRST_LINE
from leuk_core.reports.fhir_codes import PANEL, TERMS, Release, check_bundle
from leuk_core.reports.fhir_parts import Json, coded, concept, labelled, loinc, narrative, subject, to, urn
from leuk_core.reports.fhir_results import results
from leuk_core.settings import settings

_SPECIMENS = {Specimen.BLOOD: ("BLD", "blood smear"), Specimen.MARROW: ("MAR", "bone marrow smear")}


def fhir_r5(found: Gathered, mark: str) -> bytes:
    """Return the case as a bundle of FHIR R5, as a JSON file."""
    return _file(fhir_bundle(found, mark, Release.R5))


def fhir_r4b(found: Gathered, mark: str) -> bytes:
    """Return the case as a bundle of FHIR R4B, as a JSON file."""
    return _file(fhir_bundle(found, mark, Release.R4B))


def fhir_bundle(found: Gathered, mark: str, release: Release) -> Json:
    """Return a case as a bundle.

    Parameters
    ----------
    found : Gathered
        The case. It is told by its id and the name that a person typed; fields by the hash of their pixels alone.
    mark : str
        Of the trail's row that tells of this export.
    release : Release
        For which FHIR.

    Returns
    -------
    dict
        As JSON holds it: a collection whose first entry is the DiagnosticReport.

    Raises
    ------
    InvalidData
        If a code isn't one that FHIR allows there.
    """
    status = report_status(found)
    observed = list(results(found, status))
    devices = list(_devices(found, release))
    resources = [
        _report(found, mark, status, observed),
        _specimen(found),
        *observed,
        *devices,
        *_provenance(found, mark, devices),
    ]
    bundle = {
        "resourceType": "Bundle", **labelled(),
        "id": urn(found, f"bundle {mark}").removeprefix("urn:uuid:"),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": urn(found, f"bundle {mark}")},
        "type": "collection", "timestamp": _time(found),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }  # fmt: skip
    check_bundle(bundle, release)
    return bundle


def report_status(found: Gathered) -> str:
    """Return what FHIR calls the state of the report.

    "preliminary" unless an administrator has allowed final reports (`LEUK_FHIR_FINAL`): a receiver may act on "final",
    and on "amended", which says that a final report was changed.
    """
    if found.case.state is not CaseState.CONFIRMED or not settings().fhir_final:
        return "preliminary"
    return "amended" if found.amendments else "final"


def _file(bundle: Json) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, indent=1, allow_nan=False).encode()


def _report(found: Gathered, mark: str, status: str, observed: list[Json]) -> Json:
    case, count = found.case, found.count
    specimen = _SPECIMENS.get(case.specimen, ("", "smear"))[1]
    said = [f"Blasts: {count.blast_words}.", count.lines.words if count.lines else ""]
    report: Json = {
        "resourceType": "DiagnosticReport", "id": _id(found, "report"), **labelled(),
        "text": narrative(_told(found, mark), _table(observed)),
        "identifier": [
            {"type": {"text": "case id"}, "value": case.id},
            {"type": {"text": "case name, as typed"}, "value": case.name},
        ],
        "status": status,
        "category": [concept(f"{TERMS}v2-0074", "HM", "Hematology")],
        "code": loinc(PANEL if case.specimen is Specimen.BLOOD else None, f"Differential count of a {specimen}"),
        "subject": subject(found),
        "issued": _time(found),
        "specimen": [to(found, "specimen")],
        "result": [{"reference": f"urn:uuid:{one['id']}"} for one in observed],
        "conclusion": " ".join(filter(None, (RESEARCH_ONLY, *said))),
    }  # fmt: skip
    if case.confirmed_by:
        report["resultsInterpreter"] = [_person(case.confirmed_by)]
    return report


def _told(found: Gathered, mark: str) -> Iterator[str]:
    """Give the paragraphs that stand above the table."""
    case, count = found.case, found.count
    yield f"{case.name}: {case.specimen}, {', '.join(filter(None, (case.stain, case.microscope))) or 'stain not said'}."
    confirmed = (
        f"{signature(case.confirmed_by)}, {case.confirmed:%Y-%m-%d %H:%M} UTC" if case.confirmed else "not confirmed"
    )
    yield f"{count.n_reviewed} of {count.n} cells on {len(found.fields)} fields are reviewed; {confirmed}."
    yield FIRST_LINE
    yield f"Blasts: {count.blast_words}."
    if count.lines:
        yield count.lines.words
    for one in found.amendments:
        yield f"Amendment {one.number}, {one.at:%Y-%m-%d %H:%M} UTC, {one.person}: {one.note}"
    yield f"Leukemia smear workbench {__version__}, trail {mark}."


def _table(observed: list[Json]) -> list[tuple[str, str]]:
    return [(one["code"]["text"], one["note"][0]["text"]) for one in observed]


def _specimen(found: Gathered) -> Json:
    case = found.case
    code, name = _SPECIMENS.get(case.specimen, ("", "other smear"))
    prepared = [f"{what}: {words}" for what, words in (("stain", case.stain), ("microscope", case.microscope)) if words]
    specimen: Json = {
        "resourceType": "Specimen", "id": _id(found, "specimen"), **labelled(),
        "text": narrative([f"{name}; {', '.join(prepared) or 'stain not said'}"]),
        "type": concept(f"{TERMS}v2-0487", code, name),
        "subject": subject(found),
    }  # fmt: skip
    if prepared:
        specimen["note"] = [{"text": words} for words in prepared]
    return specimen


def _devices(found: Gathered, release: Release) -> Iterator[Json]:
    """Give the program, each detector that found cells and each model version that sorted them."""
    yield _device(found, release, "software", "Leukemia smear workbench", __version__, "program", [])
    for detector in sorted({cell.detector for cell in found.cells if cell.detector}):
        name, _, version = detector.partition("@")
        yield _device(found, release, detector, name, version or __version__, "finds cells", [])
    recipes: dict[str, set[str]] = {}
    for cell in found.cells:
        if cell.answer.model:
            recipes.setdefault(cell.answer.model, set()).add(cell.answer.recipe_hash)
    for model, hashes in sorted(recipes.items()):
        name, _, version = model.partition("@")
        notes = [f"prepared by the recipe {one}" for one in sorted(hashes) if one]
        yield _device(found, release, model, name, version or "not said", "sorts cells", notes)


def _device(found: Gathered, release: Release, key: str, name: str, version: str, what: str, notes: list[str]) -> Json:
    kind = {"text": f"software: {what}"}
    device: Json = {
        "resourceType": "Device", "id": _id(found, f"device {key}"), **labelled(),
        "text": narrative([f"{name} {version}: {what}", *notes]),
        "version": [{"type": {"text": "version"}, "value": version}],
    }  # fmt: skip
    if release is Release.R5:
        device |= {"name": [{"value": name, "type": "user-friendly-name"}], "type": [kind]}
    else:
        device |= {"deviceName": [{"name": name, "type": "user-friendly-name"}], "type": kind}
    if notes:
        device["note"] = [{"text": one} for one in notes]
    return device


def _provenance(found: Gathered, mark: str, devices: list[Json]) -> Iterator[Json]:
    """Give who and what made the report, and one for each amendment."""
    case = found.case
    agents = [_agent("assembler" if one is devices[0] else "author", _device_of(one)) for one in devices]
    agents += [_agent("verifier", _person(name)) for name in sorted({one.reviewer for one in found.cells}) if name]
    if case.confirmed_by:
        agents.append(_agent("attester", _person(case.confirmed_by)))
    sources = [
        {"role": "source", "what": {"identifier": {"type": {"text": what}, "value": value}}}
        for what, value in [
            *((f"SHA-256 of the pixels of field {field.number}", field.pixels_sha256) for field in found.fields),
            ("mark of this export in the trail", mark),
        ]
    ]
    yield _record(found, "export", "exported", _time(found), agents, sources)
    for one in found.amendments:
        at = one.at.isoformat(timespec="seconds")
        agent = _agent("author", _person(one.person))
        yield _record(found, f"amendment {one.number}", f"amendment {one.number} of the case", at, [agent], [])


def _record(found: Gathered, key: str, what: str, at: str, agents: list[Json], entities: list[Json]) -> Json:
    record: Json = {
        "resourceType": "Provenance", "id": _id(found, f"provenance {key}"), **labelled(),
        "text": narrative([f"{what}, {at}"]),
        "target": [to(found, "report")],
        "occurredDateTime": at, "recorded": at,
        "activity": {"text": what},
        "agent": agents,
    }  # fmt: skip
    return record | ({"entity": entities} if entities else {})


def _agent(role: str, who: Json) -> Json:
    return {"type": coded(f"{TERMS}provenance-participant-type", role), "who": who}


def _device_of(device: Json) -> Json:
    return {"reference": f"urn:uuid:{device['id']}"}


def _person(name: str) -> Json:
    how = "by login" if name.startswith(SIGNED) else "name as typed, not verified"
    return {
        "type": "Practitioner",
        "display": f"{name.removeprefix(SIGNED)} ({how})",
    }


def _id(found: Gathered, key: str) -> str:
    return urn(found, key).removeprefix("urn:uuid:")


def _time(found: Gathered) -> str:
    return found.at.isoformat(timespec="seconds")
