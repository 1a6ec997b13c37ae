"""Files to take away of a case; each is told in the trail, and carries the mark of that row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leuk_core.access import Role, allow
from leuk_core.cases import trail
from leuk_core.cases.gathered import Gathered, gather
from leuk_core.cases.people import person_of
from leuk_core.cases.schema import transaction
from leuk_core.errors import InvalidParameter
from leuk_core.reports.case_gallery import gallery_png
from leuk_core.reports.case_pdf import case_pdf
from leuk_core.reports.case_tables import cells_csv, cells_parquet, differential_csv
from leuk_core.reports.dicom import gallery_dicom, overlay_dicom
from leuk_core.reports.fhir import fhir_r4b, fhir_r5

FORMS: dict[str, tuple[str, Callable[[Gathered, str], bytes]]] = {
    "pdf": ("report.pdf", case_pdf),
    "differential": ("differential.csv", differential_csv),
    "csv": ("cells.csv", cells_csv),
    "parquet": ("cells.parquet", cells_parquet),
    "gallery": ("cells.png", gallery_png),
    "fhir-r5": ("r5.fhir.json", fhir_r5),
    "fhir-r4b": ("r4b.fhir.json", fhir_r4b),
    "dicom-gallery": ("cells.dcm", gallery_dicom),
    "dicom-fields": ("fields.dcm", overlay_dicom),
}
"""What can be exported: end of the file's name, and what makes it."""


@dataclass(frozen=True)
class Export:
    """A file to take away: its name, without any name that a picture had, and its bytes."""

    name: str
    data: bytes


def export_case(case_id: str, by: str, form: str) -> Export:
    """Return a file about a case as it is now.

    Parameters
    ----------
    case_id : str
        The case.
    by : str
        Name of the person who takes it.
    form : str
        What it holds: a key of `FORMS`.

    Raises
    ------
    InvalidParameter
        If there is no such case or form.
    InvalidData
        If a picture of the case is gone; the trail then tells of an export that was asked for.
    """
    if form not in FORMS:
        raise InvalidParameter(f"`form` must be one of {', '.join(FORMS)}. Received: {form!r}")
    by = allow(Role.VIEWER, "take files of cases away", by)
    found = gather(case_id)
    with transaction() as connection:
        person = person_of(connection, by)
        told = {"form": form, "revision": found.case.revision}
        entry = trail.record(connection, "export", person, case_id, **told)
    ending, make = FORMS[form]
    slug = "".join(letter if letter.isalnum() else "-" for letter in found.case.name)
    return Export(f"{slug}-{ending}", make(found, entry.mark))
