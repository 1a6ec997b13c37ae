"""The cells of a case to look at: by class, with who said what; nothing is changed here."""

from __future__ import annotations

import streamlit as st

from components.smear_cells import Held, asked, group_of, sent, sent_cell
from components.smear_gallery import A_PAGE, counted, ordered
from components.smear_parts import PARTS
from components.smear_pictures import send_again, thumbnails
from leuk_core.cases.gathered import Gathered

SHOWN, PAGE, PART = "leuk.cases.cells", "leuk.cases.page", "leuk-cases-cells"


@st.fragment
def show_cells(found: Gathered) -> None:
    """Draw a switch, and the cells once it is on."""
    if not found.cells or not st.toggle("Show its cells", key=SHOWN, persist_state="session"):
        return
    known = Held(found.case, found.fields, found.cells, found.classes)
    counts = counted(known.cells, known.classes)
    shown = ordered(list(known.cells), list(counts))
    pages = -(-len(shown) // A_PAGE)
    key = f"{PAGE}.{found.case.id}.{pages}"
    page = st.pagination(pages, key=key) if pages > 1 else 1
    part = shown[(page - 1) * A_PAGE : page * A_PAGE]
    names = {code: known.group_name(code) for code in counts}
    PARTS["gallery"](
        key=PART,
        data=sent(known, f"cells of {found.case.name}")
        | {"kind": "gallery", "readonly": True, "totals": {names[code]: n for code, n in counts.items()},
           "cells": [sent_cell(cell, known, {}) | {"group": names[group_of(cell)]} for cell in part]},
        on_acted_change=lambda: _acted(key, page, pages),
    )  # fmt: skip
    PARTS["thumbnails"](key="leuk-cases-thumbnails", data={"thumbnails": thumbnails(part, known.fields)})


def _acted(key: str, page: int, pages: int) -> None:
    for what in asked(PART):
        if what["what"] == "page":
            page = st.session_state[key] = min(pages, max(1, page + int(what["by"])))
        elif what["what"] == "pictures":
            send_again()
