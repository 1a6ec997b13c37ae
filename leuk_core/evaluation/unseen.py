"""Whether a version's card proves that it did not see some cells, and how: by their pixels, or by the sets it names."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from leuk_core.data.cells import LabelledCells
from leuk_core.errors import ModelUnavailable
from leuk_core.registry.versions import ModelVersion, find_version
from leuk_core.settings import settings

LEARNT_FROM = "learnt_from.json"
"""File of an own version that lists pixels_sha256 and subjects of the cells that it learnt from."""

_PUBLISHED = {
    "C-NMC": (r"c-?nmc", r"UID_H?\d+_\d+_\d+_"),
    "PBC": (r"\bpbc\b|acevedo", r"(BA|EO|ERB|IG|MMY|MY|PMY|LY|MO|BNE|SNE|NEUTROPHIL|PLATELET)_\d+$"),
    "Leukemia Dataset 0.2": (r"leukemia[ _-]dataset", r"$^"),
}
"""Published sets: what names them in words, and how their files are named."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether cells are proven unseen, and the reason for a person."""

    unseen: bool
    words: str


def proof(version: ModelVersion, cells: LabelledCells, pixels: Collection[str]) -> Proof:
    """Tell whether a version, and whatever it started from, is proven not to have seen some cells.

    Parameters
    ----------
    version : ModelVersion
        Shipped or own.
    cells : LabelledCells
        The cells, with their set's name and layout.
    pixels : collection of str
        `pixels_sha256` of each of them.
    """
    own = version.folder / LEARNT_FROM
    found = _by_pixels(version, cells, pixels) if own.is_file() else _by_name(version, cells)
    earlier = version.card.get("start_version")
    if not found.unseen or earlier is None:
        return found
    try:
        before = proof(find_version(earlier), cells, pixels)
    except ModelUnavailable:
        return Proof(False, f"{version.ref} started from {earlier}, which is no longer installed")
    return Proof(
        before.unseen, f"{found.words}; it started from {earlier}: {before.words}" if before.unseen else before.words
    )


def published(cells: LabelledCells) -> set[str]:
    """Return the published sets that these cells seem to be from, by layout, names of files, set and sources."""
    names = " ".join({cells.name, *(cell.source for cell in cells)})
    stems = {re.split(r"[/.]", cell.name)[-2 if "." in cell.name else -1] for cell in cells}
    return {
        title
        for title, (words, files) in _PUBLISHED.items()
        if title == cells.layout
        or re.search(words, names, re.IGNORECASE)
        or any(re.match(files, stem) for stem in stems)
    }


def _by_pixels(version: ModelVersion, cells: LabelledCells, pixels: Collection[str]) -> Proof:
    facts = json.loads((version.folder / LEARNT_FROM).read_text("utf-8"))
    seen = set(facts["pixels_sha256"]) & set(pixels)
    persons = set(facts["subjects"]) & {cell.subject for cell in cells if cell.subject is not None}
    if seen or persons:
        return Proof(
            False, f"{version.ref} learnt from {len(seen)} of these pictures and {len(persons)} of these persons"
        )
    return Proof(
        True,
        f"by pixels: none of these {len(pixels)} pictures is among the {len(facts['pixels_sha256'])} it learnt from",
    )


def _by_name(version: ModelVersion, cells: LabelledCells) -> Proof:
    named = [*version.card.get("data", ()), *_data_of_features(version)]
    if not named or not all(entry.get("name") for entry in named):
        return Proof(False, f"the card of {version.ref} does not name all that it learnt from")
    said = " ".join(f"{entry['name']} {entry.get('source', '')}" for entry in named)
    shared = sorted(title for title in published(cells) if re.search(_PUBLISHED[title][0], said, re.IGNORECASE))
    if shared:
        return Proof(False, f"{version.ref} learnt from {shared[0]}, and these pictures seem to be from there")
    sets = "; ".join(entry["name"] for entry in named)
    return Proof(True, f"by name: its card names all that it learnt from ({sets}), and “{cells.name}” is none of it")


def _data_of_features(version: ModelVersion) -> list[dict[str, Any]]:
    """Return the data of the DCNN whose filters a version works with or started from."""
    name, _, number = str(version.card.get("extractor", "")).partition("@")
    if not name and version.card.get("start", {}).get("kind") == "in-domain":
        name = "dcnn"
    if not name:
        return []
    cards = sorted((settings().models_dir / "extractors" / name).glob(f"{number or '*'}/card.json"))
    data: list[dict[str, Any]] = json.loads(cards[-1].read_text("utf-8")).get("data", []) if cards else [{}]
    return data
