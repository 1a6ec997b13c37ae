"""Classes of cells: those of the machine, those that people know besides, and those that they add themselves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from leuk_core.access import Role, allow
from leuk_core.cases.people import add_unless_there, line
from leuk_core.cases.schema import OWN_CLASSES, transaction
from leuk_core.errors import InvalidParameter

LONGEST_NAME = 60


class Kind(StrEnum):
    """How a class counts."""

    LEUKOCYTE = "leukocyte"
    MYELOID_BLAST = "myeloid blast"
    BLAST_EQUIVALENT = "blast equivalent"
    LYMPHOBLAST = "lymphoblast"
    BLAST = "blast"
    ERYTHROBLAST = "erythroblast"
    PLATELET = "platelet"
    OTHER = "other"


BLASTS = (Kind.MYELOID_BLAST, Kind.BLAST_EQUIVALENT, Kind.LYMPHOBLAST, Kind.BLAST)
"""Kinds that fill the blast row; `Kind.BLAST` is a blast whose line nobody has said."""


@dataclass(frozen=True, slots=True)
class CellClass:
    """One class: a code for files and the trail, its name for people, and how it counts."""

    code: str
    name: str
    kind: Kind

    @property
    def own(self) -> bool:
        """Whether somebody here added it."""
        return self.code.startswith("own-")


KNOWN = (
    CellClass("neutrophil", "neutrophil", Kind.LEUKOCYTE),
    CellClass("band", "band neutrophil", Kind.LEUKOCYTE),
    CellClass("eosinophil", "eosinophil", Kind.LEUKOCYTE),
    CellClass("basophil", "basophil", Kind.LEUKOCYTE),
    CellClass("lymphocyte", "lymphocyte", Kind.LEUKOCYTE),
    CellClass("reactive-lymphocyte", "reactive lymphocyte", Kind.LEUKOCYTE),
    CellClass("atypical-lymphocyte", "atypical lymphocyte", Kind.LEUKOCYTE),
    CellClass("plasma-cell", "plasma cell", Kind.LEUKOCYTE),
    CellClass("monocyte", "monocyte", Kind.LEUKOCYTE),
    CellClass("ig", "immature granulocyte", Kind.LEUKOCYTE),
    CellClass("metamyelocyte", "metamyelocyte", Kind.LEUKOCYTE),
    CellClass("myelocyte", "myelocyte", Kind.LEUKOCYTE),
    CellClass("promyelocyte", "promyelocyte", Kind.LEUKOCYTE),
    CellClass("abnormal-promyelocyte", "abnormal promyelocyte", Kind.BLAST_EQUIVALENT),
    CellClass("promonocyte", "promonocyte", Kind.BLAST_EQUIVALENT),
    CellClass("monoblast", "monoblast", Kind.MYELOID_BLAST),
    CellClass("myeloblast", "myeloblast", Kind.MYELOID_BLAST),
    CellClass("megakaryoblast", "megakaryoblast", Kind.MYELOID_BLAST),
    CellClass("lymphoblast", "lymphoblast", Kind.LYMPHOBLAST),
    CellClass("blast", "blast, line not said", Kind.BLAST),
    CellClass("erythroblast", "erythroblast", Kind.ERYTHROBLAST),
    CellClass("platelet", "platelet", Kind.PLATELET),
    CellClass("smudge", "smudge cell", Kind.OTHER),
)
"""Classes that every installation has; codes of `wbc-types` are among them."""


def list_classes() -> list[CellClass]:
    """Return every class: the known ones in their order, then own ones by name."""
    with transaction() as connection:
        return classes_of(connection)


def classes_of(connection: Connection) -> list[CellClass]:
    """Return every class that a database knows."""
    rows = connection.execute(select(OWN_CLASSES).order_by(OWN_CLASSES.c.folded)).all()
    return [*KNOWN, *(CellClass(row.code, row.name, Kind(row.kind)) for row in rows)]


def own_class(name: str, kind: Kind = Kind.LEUKOCYTE) -> CellClass:
    """Return the class of a name, which is added where there is none yet.

    Parameters
    ----------
    name : str
        As people know it; the same but for capitals is the same class.
    kind : Kind
        How a new class counts.

    Raises
    ------
    InvalidParameter
        If the name is empty, too long or not printable.
    """
    allow(Role.REVIEWER, "add classes of cells")
    kept = line("name", name, LONGEST_NAME)
    if not kept:
        raise InvalidParameter("`name` must name a class of cells. Received: an empty name")
    added = {
        "code": f"own-{secrets.token_hex(4)}", "name": kept, "kind": str(Kind(kind)), "folded": kept.casefold(),
    }  # fmt: skip
    with transaction() as connection:
        known = next((entry for entry in KNOWN if kept.casefold() in (entry.name.casefold(), entry.code)), None)
        if known is None:
            add_unless_there(connection, OWN_CLASSES, added)
    return known or next(entry for entry in list_classes() if entry.name.casefold() == kept.casefold())


def require_class(connection: Connection, code: str) -> str:
    """Return the code of a class.

    Raises
    ------
    InvalidParameter
        If there is none of this code.
    """
    if any(entry.code == code for entry in classes_of(connection)):
        return code
    known = ", ".join(entry.code for entry in KNOWN)
    raise InvalidParameter(f"`type` must be one of {known}, or a class of your own. Received: {code!r}")
