"""A field of a case, large, with the boxes of its cells, and the strip of all its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import streamlit as st

from components.models import loaded
from components.smear_cells import Held, act, asked, sent, sent_cell, tell
from components.smear_intake import sorter
from components.smear_parts import PARTS
from components.smear_pictures import field_uri, film, send_again
from leuk_core.cases import CaseField, CellState, add_cell
from leuk_core.cases.editing import remove_field

VIEW, FIELD, CELL = "leuk.smear.view", "leuk.smear.field", "leuk.smear.cell"
PART = "leuk-smear-field"


def show_fields(known: Held, by: str, twice: Mapping[int, int]) -> None:
    """Draw a field large with its boxes, and the strip of all fields under it."""
    if not known.fields:
        return
    numbers = [field.number for field in known.fields]
    asked = st.session_state.get(FIELD)
    field = known.fields[numbers.index(asked) if asked in numbers else 0]
    cells = [cell for cell in known.cells if cell.field == field.number]
    PARTS["field"](
        key=PART,
        data=sent(known, f"field {field.number}")
        | {"kind": "field", "name": field.pixels_sha256, "width": field.width, "height": field.height,
           "cells": [sent_cell(cell, known, twice) for cell in cells], "look": st.session_state.pop(CELL, None),
           "field": field.number, "film": frames(known)},
        on_acted_change=lambda: _acted(known, by, field),
    )  # fmt: skip
    PARTS["picture"](
        key="leuk-smear-picture",
        data={"picture": {"name": field.pixels_sha256, "src": field_uri(field.pixels_sha256)}},
    )
    PARTS["thumbnails"](key="leuk-smear-film", data={"thumbnails": film(known.fields)})
    scale = "scale unknown" if field.microns_per_pixel is None else f"{field.microns_per_pixel:.3g} µm per pixel"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Field {field.number}, {field.width} x {field.height} pixels, {scale} ({field.scale_source})")
        if st.button("Take this field out", icon=":material/delete:", type="tertiary", key="leuk.smear.out"):
            tell(lambda: remove_field(known.case.id, by, field.number))
            st.rerun(scope="fragment")


def frames(known: Held) -> list[tuple[int, str, int]]:
    """Return of each field its number, its identity and how many of its cells are still to be reviewed."""
    left = Counter(cell.field for cell in known.cells if cell.state is CellState.OPEN)
    return [(field.number, field.pixels_sha256, left[field.number]) for field in known.fields]


def look_at(number: int, cell: int | None = None) -> None:
    """Show a field with the next drawing, and a cell of it in the middle."""
    st.session_state[VIEW], st.session_state[FIELD], st.session_state[CELL] = "fields", number, cell


def _acted(known: Held, by: str, field: CaseField) -> None:
    numbers = [entry.number for entry in known.fields]
    for what in asked(PART):
        if what["what"] == "draw":
            draw(known, by, what)
        elif what["what"] == "pictures":
            send_again()
        elif what["what"] == "field":
            look_at(int(what["number"]))
        elif what["what"] == "turn":
            look_at(numbers[(numbers.index(field.number) + int(what["by"])) % len(numbers)])
        elif what["what"] not in ("page", "look"):
            act(str(what["case"]), by, what)


def draw(known: Held, by: str, what: Mapping[str, Any]) -> None:
    """Add a cell that a person drew, with what the machine says of it."""
    field = next((entry for entry in known.fields if entry.number == what["field"]), None)
    if field is not None and known.case.id == what["case"]:
        tell(lambda: _add(field, by, known.case.id, tuple(map(float, what["box"]))))  # type: ignore[arg-type]


def _add(field: CaseField, by: str, case_id: str, box: tuple[float, float, float, float]) -> None:
    from leuk_core.cases.labelled import field_picture  # noqa: PLC0415
    from leuk_core.cases.machine import answer_box  # noqa: PLC0415 brings scikit-learn

    version = sorter()
    answer = answer_box(field_picture(field.pixels_sha256), field, box, loaded(version.ref)) if version else None
    add_cell(case_id, by, field.number, box, answer)
