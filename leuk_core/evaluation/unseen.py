"""Whether a version is proven not to have seen some cells, and how: by their pixels, and by the sets its card names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from leuk_core.data.cells import LabelledCells
from leuk_core.errors import ModelUnavailable
from leuk_core.evaluation.seen import Prints, load_seen
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

LISTED = ("C-NMC", "PBC")
"""Those of which the pictures that shipped versions learnt from are listed, see `leuk_core.evaluation.seen`."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether cells are proven unseen, and the reason for a person."""

    unseen: bool
    words: str


def proof(version: ModelVersion, prints: Prints) -> Proof:
    """Tell whether a version, and whatever it started from, is proven not to have seen some cells.

    Parameters
    ----------
    version : ModelVersion
        Shipped or own.
    prints : Prints
        The cells, with their set's name and layout, and what they are known again by.
    """
    own = version.folder / LEARNT_FROM
    found = _by_pixels(version, prints) if own.is_file() else _shipped(version, prints)
    earlier = version.card.get("start_version")
    if not found.unseen or earlier is None:
        return found
    try:
        before = proof(find_version(earlier), prints)
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


def _by_pixels(version: ModelVersion, prints: Prints) -> Proof:
    facts = json.loads((version.folder / LEARNT_FROM).read_text("utf-8"))
    seen = set(facts["pixels_sha256"]) & set(prints.pixels)
    persons = set(facts["subjects"]) & {cell.subject for cell in prints.cells if cell.subject is not None}
    if seen or persons:
        return Proof(
            False, f"{version.ref} learnt from {len(seen)} of these pictures and {len(persons)} of these persons"
        )
    return Proof(
        True,
        f"by pixels: none of these {len(prints)} pictures is among the {len(facts['pixels_sha256'])} it learnt from",
    )


def _shipped(version: ModelVersion, prints: Prints) -> Proof:
    """Look for the cells in the lists of what a shipped version learnt from; then, by name, in the sets themselves.

    A listed set may have more cells of the same persons than were learnt from: those are told by their names alone.
    """
    named = [*version.card.get("data", ()), *_data_of_features(version)]
    if not named or not all(entry.get("name") for entry in named):
        return Proof(False, f"the card of {version.ref} does not name all that it learnt from")
    said = " ".join(f"{entry['name']} {entry.get('source', '')}" for entry in named)
    learnt_from = [title for title, (words, _) in _PUBLISHED.items() if re.search(words, said, re.IGNORECASE)]
    listed = [title for title in learnt_from if title in LISTED]
    try:
        lists = [load_seen(title) for title in listed]
    except ModelUnavailable as error:
        return Proof(False, str(error).removesuffix("."))
    for title, seen in zip(listed, lists, strict=True):
        if count := int(seen.among(prints).sum()):
            are = "is" if count == 1 else "are"
            return Proof(
                False,
                f"{count} of {len(prints)} reserved cells {are} among those that the shipped model was trained on "
                f"({title})",
            )
    if shared := sorted(published(prints.cells) & set(learnt_from)):
        return Proof(False, f"{version.ref} learnt from {shared[0]}, and these pictures seem to be from there")
    sets = "; ".join(entry["name"] for entry in named)
    words = f"by name: its card names all that it learnt from ({sets}), and “{prints.cells.name}” is none of it"
    if listed:
        of = " and ".join(f"{len(seen):,} of {title}" for title, seen in zip(listed, lists, strict=True))
        words = f"by pixels: none of these {len(prints)} pictures is among the {of} that it learnt from; {words}"
    return Proof(True, words)


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
