"""The work on a case: its fields with boxes, or its cells as a gallery, beside the differential that grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from components.differential import show_differential
from components.smear_cells import HELD, KEYS, SAID, Held, act, held, sent_cell, show_said
from components.smear_pictures import field_uri, film_uri, thumbnails
from leuk_core.cases import CaseCell, CaseField, CellState, Kind, add_cell, load_case, most_doubtful_first, own_class
from leuk_core.cases.counting import count_cells
from leuk_core.cases.editing import remove_field
from leuk_core.errors import LeukError

VIEW, FIELD, CLASS, ONLY_OPEN, PAGE = (
    "leuk.smear.view", "leuk.smear.field", "leuk.smear.class", "leuk.smear.open", "leuk.smear.page",
)  # fmt: skip
VIEWS = ("gallery", "fields")
A_PAGE, FILM = 60, 12
EVERY = "all cells"

_HERE = Path(__file__).parent
_JS = (_HERE / "smear.js").read_text("utf-8")
_HTML, _CSS = '<div class="smear"></div>', (_HERE / "smear_parts.css").read_text("utf-8")
_gallery = st.components.v2.component("leuk_smear_gallery", html=_HTML, css=_CSS, js=_JS)
_field = st.components.v2.component("leuk_smear_field", html=_HTML, css=_CSS, js=_JS)
_picture = st.components.v2.component("leuk_smear_picture", js=_JS)  # the same text is the same module in the browser


@st.fragment
def bench(case_id: str, by: str) -> None:
    """Draw the work on a case; an action draws this part alone anew."""
    known = held(load_case(case_id))
    show_said()
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        with st.container(horizontal=True, vertical_alignment="center"):
            view = st.segmented_control(
                "Show", VIEWS, default=VIEWS[0], required=True, key=VIEW, label_visibility="collapsed"
            )
            _own_class()
        if view == "fields":
            show_fields(known, by)
        else:
            show_gallery(known, by)
    with right:
        show_differential(count_cells(known.cells, known.case.specimen, known.classes), known.classes)


def show_gallery(known: Held, by: str) -> None:
    """Draw cells by class, the most doubtful first."""
    with st.container(horizontal=True, vertical_alignment="center"):
        only_open = st.toggle("only cells to review", key=ONLY_OPEN, value=False)
        cells = [cell for cell in known.cells if not only_open or cell.state is CellState.OPEN]
        chosen = _choose_class(cells, known)
    shown = most_doubtful_first([cell for cell in cells if chosen in (EVERY, _group(cell))])
    pages = max(1, -(-len(shown) // A_PAGE))
    page = st.pagination(pages, key=f"{PAGE}.{chosen}.{pages}") if pages > 1 else 1
    part = shown[(page - 1) * A_PAGE : page * A_PAGE]
    if not part:
        st.info(
            "Every cell here is reviewed." if known.cells else "No white cell was found on these fields.",
            icon=":material/check:",
        )
    pictures = thumbnails(part, known.cells, known.fields)
    _gallery(
        key="leuk-smear-gallery",
        data=_sent(known, part, f"cells: {chosen}")
        | {"kind": "gallery", "cells": [sent_cell(cell, known) | {"src": pictures[cell.number]} for cell in part]},
        on_acted_change=lambda: _acted(known, by, "leuk-smear-gallery"),
    )


def show_fields(known: Held, by: str) -> None:
    """Draw a field large with its boxes, and the strip of all fields under it."""
    if not known.fields:
        return
    numbers = [field.number for field in known.fields]
    asked = st.session_state.get(FIELD)
    field = known.fields[numbers.index(asked) if asked in numbers else 0]
    cells = [cell for cell in known.cells if cell.field == field.number]
    _field(
        key="leuk-smear-field",
        data=_sent(known, cells, f"field {field.number}")
        | {"kind": "field", "name": field.pixels_sha256, "width": field.width, "height": field.height},
        on_acted_change=lambda: _acted(known, by, "leuk-smear-field", field),
    )
    _picture(
        key="leuk-smear-picture",
        data={"picture": {"name": field.pixels_sha256, "src": field_uri(field.pixels_sha256)}},
    )
    scale = "scale unknown" if field.microns_per_pixel is None else f"{field.microns_per_pixel:.3g} µm per pixel"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Field {field.number}, {field.width} x {field.height} pixels, {scale} ({field.scale_source})")
        if st.button("Take this field out", icon=":material/delete:", type="tertiary", key="leuk.smear.out"):
            _tell(lambda: remove_field(known.case.id, by, field.number))
            st.rerun(scope="fragment")
    _film(known, field)


def _film(known: Held, chosen: CaseField) -> None:
    place = known.fields.index(chosen)
    first = max(0, min(place - FILM // 2, len(known.fields) - FILM))
    columns = st.columns(FILM, gap="small")
    for column, field in zip(columns, known.fields[first : first + FILM], strict=False):
        left = sum(cell.field == field.number and cell.state is CellState.OPEN for cell in known.cells)
        with column:
            st.html(f'<img src="{film_uri(field.pixels_sha256)}" alt="" style="width:100%;border-radius:4px">')
            st.button(
                f"{field.number}{'' if left else ' ✓'}",
                key=f"leuk.smear.film.{field.number}",
                help=f"Field {field.number}: {left} cells to review",
                type="primary" if field is chosen else "secondary",
                on_click=_look_at,
                args=(field.number,),
                width="stretch",
            )


def _look_at(number: int) -> None:
    st.session_state[FIELD] = number


def _choose_class(cells: list[CaseCell], known: Held) -> str:
    counts: dict[str, int] = {}
    for cell in cells:
        counts[_group(cell)] = counts.get(_group(cell), 0) + 1
    options = [EVERY, *sorted(counts, key=lambda code: -counts[code])]
    if st.session_state.get(CLASS) not in options:
        st.session_state[CLASS] = EVERY
    return str(
        st.pills(
            "Class", options, key=CLASS, required=True, label_visibility="collapsed",
            format_func=lambda code: f"{known.names.get(code, code)} {counts.get(code, len(cells))}",
        )
    )  # fmt: skip


def _group(cell: CaseCell) -> str:
    if cell.state in (CellState.UNIDENTIFIED, CellState.NOT_COUNTED):
        return str(cell.state)
    return cell.shown or "nothing said"


def _own_class() -> None:
    with st.popover("Own class", icon=":material/new_label:"), st.form("leuk.smear.own", border=False):
        name = st.text_input("Name", max_chars=60)
        kind = st.selectbox("It counts as", [kind for kind in Kind if kind not in (Kind.ERYTHROBLAST, Kind.PLATELET)])
        st.caption("Stands in the list 'another class' then, in every case of this installation.")
        if st.form_submit_button("Add"):
            _tell(lambda: own_class(name, kind))
            st.rerun(scope="fragment")


def _sent(known: Held, cells: list[CaseCell], words: str) -> dict[str, Any]:
    return {
        "cells": [sent_cell(cell, known) for cell in cells],
        "classes": [[entry.code, entry.name] for entry in known.classes],
        "keys": list(KEYS),
        "words": words,
    }


def _acted(known: Held, by: str, key: str, field: CaseField | None = None) -> None:
    what = st.session_state[key].get("acted") or {}
    if what.get("what") == "draw" and field is not None:
        box = tuple(float(value) for value in what["box"])
        _tell(lambda: _draw(known, by, field, box))  # type: ignore[arg-type]
    elif what:
        act(known.case.id, by, what)


def _draw(known: Held, by: str, field: CaseField, box: tuple[float, float, float, float]) -> None:
    """Add a cell that a person drew, with what the machine says of it where it is loaded already."""
    from components.models import loaded  # noqa: PLC0415
    from components.smear_intake import sorter  # noqa: PLC0415
    from leuk_core.cases.labelled import field_picture  # noqa: PLC0415
    from leuk_core.cases.machine import answer_box  # noqa: PLC0415 brings scikit-learn

    version = sorter()
    answer = answer_box(field_picture(field.pixels_sha256), field, box, loaded(version.ref)) if version else None
    add_cell(known.case.id, by, field.number, box, answer)


def _tell(do: Any) -> None:
    try:
        do()
    except LeukError as error:
        st.session_state[SAID] = ("error", str(error))
    st.session_state.pop(HELD, None)
