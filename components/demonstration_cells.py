"""Cells for a training that anybody may try: drawn, of made-up patients, and called so wherever they are shown."""

from __future__ import annotations

import csv
import io
import zipfile

import cv2
import streamlit as st

from leuk_core.data.cells import Progress
from leuk_core.data.imports import ImportedSet, import_zip, list_sets

NAME = "Drawn cells, for demonstration only"
KINDS = {"hem": "lymphocyte", "all": "blast"}
PATIENTS, CELLS_EACH, FIRST_SEED = 6, 2, 1000
CELLS = len(KINDS) * PATIENTS * CELLS_EACH


def bring_in() -> None:
    """Begin to draw and import the set, unless it is here; the page Retrain shows how far it is and opens it."""
    from components.retrain.cells import AWAITED, SET  # noqa: PLC0415 brings SQLAlchemy
    from components.retrain.importing import Importing, imports  # noqa: PLC0415

    here = next((found for found in list_sets() if found.name == NAME), None)
    if here is not None:
        st.session_state[SET] = here.id
    elif not any(found.name == NAME and not found.over for found in imports()):
        begun = Importing(NAME, draw_set)
        imports().append(begun)
        st.session_state[AWAITED] = begun


def draw_set(tell: Progress) -> ImportedSet:
    """Draw the set and import it.

    Parameters
    ----------
    tell : callable
        Called with (done, total, words).
    """
    from assets.draw.mark import marked  # noqa: PLC0415 few ever need it
    from assets.draw.single import MICRONS_PER_PIXEL, single  # noqa: PLC0415

    seed = FIRST_SEED
    manifest, whole = io.StringIO(newline=""), io.BytesIO()
    lines = csv.writer(manifest)
    lines.writerow(("path", "label", "subject", "split", "microns_per_pixel"))
    with zipfile.ZipFile(whole, "w") as packed:
        for label, kind in KINDS.items():
            for patient in range(1, PATIENTS + 1):
                for cell in range(1, CELLS_EACH + 1):
                    tell(seed - FIRST_SEED, CELLS, "drawing")
                    pixels = marked(single(kind, seed)[0])
                    path = f"{kind}-{patient}-{cell}.png"
                    packed.writestr(path, cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
                    lines.writerow((path, label, f"drawn-{kind}-{patient}", "", MICRONS_PER_PIXEL))
                    seed += 1
        packed.writestr("manifest.csv", manifest.getvalue())
    whole.seek(0)
    return import_zip(whole, NAME, progress=tell)
