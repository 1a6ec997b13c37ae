"""The sample cells that pages offer: your own, real ones of the test data, or the drawn ones that ship."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from components.pictures import take_with_bar
from leuk_core import PROJECT_ROOT
from leuk_core.preprocessing.recipe import CNMC_MICRONS_PER_PIXEL
from leuk_core.settings import settings

DRAWN = PROJECT_ROOT / "assets" / "samples"
MOST, CELLS = 12, 8
SUFFIXES = {".bmp", ".dcm", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
HELP = {
    "own": "Pictures of the folder that LEUK_SAMPLE_CELLS names.",
    "cnmc": "Cells of C-NMC. Many of them were used in training: they show how this works, not how well.",
    "drawn": "Drawn by a program, nobody's blood. The models were trained on real cells and doubt most of these, as "
    "they should.",
}


@dataclass(frozen=True)
class Sample:
    """A picture to try the program with.

    Parameters
    ----------
    path : Path
        Its file.
    microns_per_pixel : float or None
        Its scale; None where only the picture itself may tell.
    """

    path: Path
    microns_per_pixel: float | None = None


def samples() -> tuple[str, list[Sample]]:
    """Return where the sample cells come from, "own", "cnmc" or "drawn", and at most `MOST` of them, always the same.

    Notes
    -----
    A folder that holds no picture is passed over. Of C-NMC each cell is another subject's, half of each class. Of the
    drawn ones the first `CELLS` are cut out on black, the others lie among red cells.
    """
    given = settings()
    own = _folder(given.sample_cells) if given.sample_cells else []
    if own:
        return "own", own
    manifest = given.test_data / "cnmc" / "manifest.csv" if given.test_data else None
    if manifest is not None and manifest.is_file():
        return "cnmc", _of_manifest(manifest)
    return "drawn", [*drawn("cell")[:CELLS], *drawn("crop")[: MOST - CELLS]]


def sample_cells() -> list[Sample]:
    """Return the pictures of `samples`."""
    return samples()[1]


@st.cache_data(max_entries=4, show_spinner=False)
def drawn(form: str) -> list[Sample]:
    """Return the drawn pictures of one form.

    Parameters
    ----------
    form : {"cell", "crop", "field"}
        Cut out on black; one white cell in the middle of red cells; a whole field.
    """
    try:
        told = json.loads((DRAWN / "samples.json").read_text("utf-8"))
    except OSError:  # an installation without assets/samples has none to offer
        return []
    return [Sample(DRAWN / entry["file"], entry["microns_per_pixel"]) for entry in told if entry["form"] == form]


def _folder(folder: Path) -> list[Sample]:
    if not folder.is_dir():
        return []
    return [Sample(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES][:MOST]


@st.cache_data(max_entries=1, show_spinner=False)
def _of_manifest(manifest: Path) -> list[Sample]:
    by_class: dict[str, dict[str, Path]] = {}
    with manifest.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            by_class.setdefault(row["label"], {}).setdefault(row["subject"], manifest.parent / row["path"])
    rounds = zip(*(list(cells.values()) for cells in by_class.values()), strict=False)
    return [Sample(cell, CNMC_MICRONS_PER_PIXEL) for round_ in rounds for cell in round_][:MOST]


def offer_samples() -> None:
    """Draw the button that takes the sample cells; nothing where there are none."""
    source, found = samples()
    kind = "drawn " if source == "drawn" else ""
    if found and st.button(f"Try {len(found)} {kind}sample cells", icon=":material/science:", help=HELP[source]):
        take_samples(found)
        st.rerun()


def take_samples(found: Sequence[Sample]) -> None:
    """Add samples to the session, through the same decoder as every dropped file."""
    take_with_bar([(sample.path.name, sample.path.read_bytes()) for sample in found])
