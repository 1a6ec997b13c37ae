"""Fields dropped on the page Smear: each is decoded, its cells found and sorted, and saved with the case at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components.models import default_of, loaded, warming
from components.pictures import let_go
from components.samples import drawn
from components.smear_pictures import cut, film_uri
from components.uploads import left_out
from leuk_core.cases import AlreadyInCase, Case, restore_field
from leuk_core.cells.sort import TASK
from leuk_core.errors import LeukError, TooLarge
from leuk_core.images import decode, open_tiled
from leuk_core.registry import ModelVersion, list_versions
from leuk_core.settings import settings

if TYPE_CHECKING:
    from leuk_core.cases.machine import ReadField
    from leuk_core.prediction import Predictor

LONGEST_FIELD = 6000
"""Pixels of the longer side up to which a picture is one field: cameras reach that, and its view still shows cells."""

UPLOADER, TOLD = "leuk.smear.uploader", "leuk.smear.told"


def sorter() -> ModelVersion | None:
    """Return the version that sorts cells; None where none is installed."""
    return default_of([version for version in list_versions() if version.task == TASK])


def drop_fields(case: Case, by: str, *, begun: bool) -> None:
    """Draw the drop zone; take what was dropped into the case, then empty the zone."""
    limits, turn = settings(), st.session_state.setdefault(UPLOADER, 0)
    files = st.file_uploader(
        "Drop more fields of this case" if begun else "Drop the fields of this case here",
        accept_multiple_files=True,
        key=f"{UPLOADER}.{turn}",
        max_upload_size=limits.max_upload_mb,
        help=f"Whole fields of a smear, as the microscope's camera takes them; up to {limits.max_upload_mb} MB and "
        f"{limits.max_megapixels:g} megapixels each, {limits.max_session_mb:,} MB at a time; what is longer than "
        f"{LONGEST_FIELD:,} pixels, and a TIFF of any size, is read in parts, each a field. "
        "Their pixels are kept with the case, nothing else of the files.",
    )
    found = drawn("field")
    if files:
        take(case, by, [(file.name, file.getvalue()) for file in files])
        if refused := left_out():
            st.session_state[TOLD].append(refused)
        let_go([file.file_id for file in files])
        st.session_state[UPLOADER] = turn + 1
        st.rerun()
    if not begun and found and st.button(f"Try {len(found)} drawn fields", icon=":material/science:"):
        take(case, by, [(sample.path.name, sample.path.read_bytes()) for sample in found])
        st.rerun()


def take(case: Case, by: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Bring fields into a case, one after another; what is in it stays there whatever happens to the next."""
    bar = st.progress(0.0, text=f"Reading {len(files)} fields")
    version = sorter()
    if version is None:
        st.session_state[TOLD] = ["No model sorts white cells here: install one of the task wbc-types."]
        return
    for seconds in warming():
        bar.progress(0.0, text=f"Loading the model ({seconds} s); only the first field waits for this.")
    model, told, cells = loaded(version.ref), [], 0
    for done, (name, content) in enumerate(files):
        bar.progress(done / len(files), text=f"Field {done + 1} of {len(files)}; {cells} cells found so far")
        try:
            for part, parts, read in _read(case, by, name, content, model):
                if read is not None:
                    cells += len(read.cells)
                    told += _ready(read)
                if parts > 1:
                    so_far = f"part {part} of {parts}; {cells} cells found so far"
                    bar.progress((done + part / parts) / len(files), text=f"Field {done + 1} of {len(files)}, {so_far}")
        except AlreadyInCase as error:
            if error.removed:
                restore_field(case.id, by, error.number)
            told.append(f"{name}: {'field ' + str(error.number) + ' is back' if error.removed else str(error)}")
        except LeukError as error:
            told.append(f"{name}: {error}")
    bar.empty()
    st.session_state[TOLD] = told


def _ready(read: ReadField) -> list[str]:
    """Cut out what the gallery and the strip of fields will show, so that neither waits; return what is to be told."""
    for cell in read.cells:
        cut(cell, read.field)
    film_uri(read.field.pixels_sha256)
    return [f"Field {read.field.number}: {note.text}" for note in read.notes]


def _read(
    case: Case, by: str, name: str, content: bytes, model: Predictor
) -> Iterator[tuple[int, int, ReadField | None]]:
    """Add a picture to a case; give the number of the part, of how many, and the field that it became, if one."""
    from leuk_core.cases.machine import parts_of, read_field, read_large  # noqa: PLC0415 brings scikit-learn

    try:
        image = decode(content, name)
    except TooLarge:
        image = None
    if image is not None and max(image.width, image.height) <= LONGEST_FIELD:
        yield 1, 1, read_field(case.id, by, image, model, case.microns_per_pixel)
        return
    del image
    picture = open_tiled(content, name)
    for part, read in enumerate(read_large(case.id, by, picture, model, case.microns_per_pixel), 1):
        yield part, parts_of(picture), read


def show_told() -> None:
    """Show once what there was to say of the fields that were taken."""
    told = st.session_state.pop(TOLD, [])
    if told:
        with st.expander(f"About these fields: {len(told)} notes", icon=":material/info:", expanded=len(told) < 4):
            for sentence in told:
                st.text(sentence)
