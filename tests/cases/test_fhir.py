"""A case as FHIR: read again by another library, its codes looked up, its label and numbers found, no name in it."""

import json
from copy import deepcopy

import pytest
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.R4B.bundle import Bundle as BundleR4B

from leuk_core import RESEARCH_ONLY
from leuk_core.cases import (
    CellState,
    Specimen,
    add_field,
    amend_case,
    confirm_case,
    confirm_cells,
    create_case,
    list_cells,
    load_case,
    own_class,
    reclassify_cells,
    set_aside,
    trail,
)
from leuk_core.cases.export import export_case
from leuk_core.cases.gathered import gather
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.reports.fhir import fhir_bundle
from leuk_core.reports.fhir_codes import BLOOD, BOUND, LOINC, Release, check_bundle, check_digit, is_loinc
from leuk_core.settings import settings
from tests.cases.made_up import field_image, new_cells

READERS = {"fhir-r5": BundleR5, "fhir-r4b": BundleR4B}
BLASTS = "26446-5"


@pytest.fixture
def reviewed(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:7], "Ada")
    reclassify_cells(cells[7:8], "Ada", "erythroblast")
    reclassify_cells(cells[8:10], "Ada", "myeloblast")
    reclassify_cells(cells[10:11], "Bob", own_class('<b>"odd" & cell</b>').code)
    set_aside(cells[11:], "Bob", CellState.UNIDENTIFIED)
    return load_case(case.id)


@pytest.fixture
def final_allowed(monkeypatch, place):
    monkeypatch.setenv("LEUK_FHIR_FINAL", "1")
    settings.cache_clear()


def observed(bundle):
    """Return the observations by their words."""
    found = [entry["resource"] for entry in bundle["entry"]]
    return {one["code"]["text"]: one for one in found if one["resourceType"] == "Observation"}


def loinc(one):
    return [coding["code"] for coding in one["code"].get("coding", [])]


def made(case, release=Release.R5):
    return fhir_bundle(gather(case.id), "1:ab", release)


@pytest.mark.parametrize("form", READERS)
def test_another_library_reads_the_same_differential(reviewed, form):
    exported = export_case(reviewed.id, "Ada", form)
    bundle = READERS[form].model_validate_json(exported.data)
    report, specimen, *rest = [entry.resource for entry in bundle.entry]
    assert (report.status, report.category[0].coding[0].code, report.code.coding[0].code) == (
        "preliminary", "HM", "69738-3",
    )  # fmt: skip
    assert specimen.type.coding[0].code == "BLD"
    by_id = {f"urn:uuid:{one.id}": one for one in rest}
    results = {by_id[ref.reference].code.text: by_id[ref.reference] for ref in report.result}
    blasts = results["blasts, all classes"]
    assert (blasts.code.coding[0].code, float(blasts.valueQuantity.value), blasts.valueQuantity.code) == (
        BLASTS, 20.0, "%",
    )  # fmt: skip
    n, of, interval = blasts.component
    assert (n.valueInteger, of.valueInteger) == (2, 10)
    assert (float(interval.valueRange.low.value), float(interval.valueRange.high.value)) == (2.52, 55.61)
    assert [by_id[ref.reference].code.text for ref in blasts.hasMember] == ["myeloblast"]
    nucleated = results["erythroblast"]
    assert (float(nucleated.valueQuantity.value), nucleated.valueQuantity.code) == (10.0, "/100{WBCs}")
    assert results["unidentified"].valueInteger == 1
    devices = [one for one in rest if one.get_resource_type() == "Device"]
    assert {one.version[0].value for one in devices if "sorts" in one.text.div} == {"1"}
    provenance = rest[-1]
    assert {agent.type.coding[0].code for agent in provenance.agent} == {"assembler", "author", "verifier"}
    marks = [one.what.identifier.value for one in provenance.entity]
    assert trail.check(known=[marks[-1]]).whole
    assert trail.entries(reviewed.id)[0].codes["form"] == form


@pytest.mark.parametrize("release", Release)
def test_every_resource_says_for_research_only_in_code_and_in_words(reviewed, release):
    bundle = made(reviewed, release)
    for one in [bundle, *(entry["resource"] for entry in bundle["entry"])]:
        assert one["meta"]["security"][0]["code"] == "HRESCH"
        assert one["meta"]["tag"] == [{"display": RESEARCH_ONLY}]
        if one is not bundle:
            assert RESEARCH_ONLY in one["text"]["div"]
    assert bundle["entry"][0]["resource"]["conclusion"].startswith(RESEARCH_ONLY)


def test_no_name_of_a_picture_and_no_path_leaves_and_words_are_escaped(reviewed, place):
    text = export_case(reviewed.id, "Ada", "fhir-r5").data.decode()
    for word in ("field 1.png", "=field", str(place)):
        assert word not in text
    report = made(reviewed)["entry"][0]["resource"]
    assert "&lt;b&gt;&quot;odd&quot; &amp; cell" in report["text"]["div"]
    assert "odd" not in report["text"]["div"].replace("&lt;b&gt;&quot;odd", "")
    assert report["subject"] == {
        "type": "Patient", "identifier": {"type": {"text": "case id"}, "value": reviewed.id},
    }  # fmt: skip


def test_blasts_have_a_code_in_blood_only_and_equivalents_never(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:2], "Ada")
    absent = observed(made(case))["blasts, all classes"]
    assert absent["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert "valueQuantity" not in absent
    reclassify_cells(cells[2:3], "Ada", "promonocyte")
    equivalents = observed(made(case))
    assert "blasts, all classes" not in equivalents
    assert loinc(equivalents["blasts and blast equivalents, all classes"]) == []
    reclassify_cells(cells[3:4], "Ada", "lymphoblast")
    both = observed(made(case))
    assert loinc(both["blasts, all classes"]) == [BLASTS]
    assert both["blasts, all classes"]["component"][0]["valueInteger"] == 1
    assert both["blasts and blast equivalents, all classes"]["component"][0]["valueInteger"] == 2

    marrow = create_case("Ada", "M", specimen=Specimen.MARROW)
    add_field(marrow.id, "Ada", field_image(3), new_cells())
    reclassify_cells(list_cells(marrow.id), "Ada", "myeloblast")
    bundle = made(marrow)
    assert not any(loinc(one) for one in observed(bundle).values())
    assert "coding" not in bundle["entry"][0]["resource"]["code"]


def test_neutrophils_beside_bands_lose_the_code_that_means_both(case):
    cells = list_cells(case.id)
    confirm_cells(cells[:2], "Ada")
    assert loinc(observed(made(case))["neutrophil"]) == ["26511-6"]
    reclassify_cells(cells[2:3], "Ada", "band")
    assert loinc(observed(made(case))["neutrophil"]) == []


def test_a_report_is_final_only_where_an_administrator_allows_it(reviewed, monkeypatch, final_allowed):
    def statuses():
        bundle = made(reviewed)
        return bundle["entry"][0]["resource"]["status"], {k: one["status"] for k, one in observed(bundle).items()}

    assert statuses()[0] == "preliminary"
    done = confirm_case(reviewed, "Dr. Ada Lovelace", accept_unidentified=True)
    assert set(statuses()[1].values()) == {"final"}
    amended = amend_case(done, "Bob", "Only a word.")
    assert (statuses()[0], set(statuses()[1].values())) == ("amended", {"final"})
    amend_case(amended, "Bob", "Another class.", {12: (CellState.NOT_COUNTED, None)})
    status, each = statuses()
    assert status == "amended"
    assert (each["not counted"], each["myeloblast"], each["blasts, all classes"]) == ("amended", "final", "final")
    kinds = [entry["resource"]["resourceType"] for entry in made(reviewed)["entry"]]
    assert kinds.count("Provenance") == 3

    monkeypatch.delenv("LEUK_FHIR_FINAL")
    settings.cache_clear()
    assert {statuses()[0], *statuses()[1].values()} == {"preliminary"}


def test_a_later_export_replaces_the_same_entries(reviewed):
    first, second = made(reviewed), fhir_bundle(gather(reviewed.id), "2:cd", Release.R5)
    assert [entry["fullUrl"] for entry in first["entry"]] == [entry["fullUrl"] for entry in second["entry"]]
    assert first["identifier"] != second["identifier"]
    assert len({entry["fullUrl"] for entry in first["entry"]}) == len(first["entry"])


# Check digits as published with other codes: leukocytes, hemoglobin, platelets, INR, creatinine.
@pytest.mark.parametrize("code", ["6690-2", "718-7", "777-3", "6301-6", "2160-0", *BLOOD.values(), BLASTS])
def test_check_digits(code):
    assert is_loinc(code)
    body, digit = code.split("-")
    assert not is_loinc(f"{body}-{(int(digit) + 1) % 10}")
    assert not is_loinc(f"{body[::-1]}x-{digit}")


def test_a_check_digit_needs_digits():
    with pytest.raises(InvalidParameter, match=r"Received: '2644x'"):
        check_digit("2644x")


def places(node, path=""):
    """Give every place of a bundle that holds a code or a reference."""
    if isinstance(node, list):
        for entry in node:
            yield from places(entry, path)
    elif isinstance(node, dict):
        here = node.get("resourceType", path)
        for key, value in node.items():
            bound = f"{here}.{key}" in BOUND[Release.R4B] | BOUND[Release.R5]
            if bound or (isinstance(value, str) and (key == "reference" or (key == "code" and "system" in node))):
                yield node, key
            yield from places(value, key)


@pytest.mark.parametrize("release", Release)
def test_a_wrong_code_anywhere_is_refused(reviewed, release):
    good = made(reviewed, release)
    check_bundle(good, release)
    count = sum(1 for _ in places(good))
    assert count > 50
    for number in range(count):
        broken = deepcopy(good)
        node, key = list(places(broken))[number]
        node[key] = "finished"
        with pytest.raises(InvalidData, match="finished"):
            check_bundle(broken, release)
    broken = json.loads(json.dumps(good).replace(BLASTS, "26446-4"))
    with pytest.raises(InvalidData, match=f"Received: the code '26446-4' of {LOINC}"):
        check_bundle(broken, release)


def test_what_one_release_allows_the_other_may_not(reviewed):
    bundle = made(reviewed)
    bundle["entry"][0]["resource"]["status"] = "modified"
    check_bundle(bundle, Release.R5)
    with pytest.raises(InvalidData, match=r"'modified' for DiagnosticReport\.status"):
        check_bundle(bundle, Release.R4B)
