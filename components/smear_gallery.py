"""The cells of a case as a gallery: by class, in each the most doubtful first, page by page."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.models import default_of, loaded, model_title, warming
from components.plain import plain
from components.smear_cells import SET_ASIDE, Held, act, asked, group_of, sent, sent_cell
from components.smear_fields import draw, look_at
from components.smear_parts import PARTS
from components.smear_pictures import send_again, thumbnails
from leuk_core.cases import CaseCell, CellClass, CellState, most_doubtful_first
from leuk_core.errors import LeukError
from leuk_core.registry import list_versions

CLASS, ONLY_OPEN, PAGE, LIKE_ALL = "leuk.smear.class", "leuk.smear.open", "leuk.smear.page", "leuk.smear.like-all"
A_PAGE = 96
SOON = 0.3
"""Seconds after which a bar tells how far the order is."""

LIKE_ALL_HELP = (
    "Within each class, cells that {model} finds most like the ALL cells of its training set come first, instead of "
    "the most doubtful. It learnt from cut-out marrow cells of another microscope: take this as an order to look in. "
    "It changes no class and no count, and says nothing about this patient."
)
EVERY = "all cells"
"""What is chosen while no class is."""

GALLERY = "leuk-smear-gallery"


def show_gallery(
    known: Held, by: str, places: tuple[DeltaGenerator, DeltaGenerator], twice: Mapping[int, int]
) -> None:  # fmt: skip
    """Draw the cells.

    Parameters
    ----------
    known : Held
        The case.
    by : str
        Name of the person.
    places : tuple of DeltaGenerator
        The row in which what is shown is chosen, and where rarer choices go.
    twice : mapping of int to int
        Cells that another field shows too.
    """
    top, more = places
    orderer = default_of([version for version in list_versions() if version.task == "all-vs-normal"])
    with top:
        only_open = st.toggle("to review only", key=ONLY_OPEN, value=False)
    with more:
        like_all = orderer is not None and st.toggle(
            "ALL-like first", key=LIKE_ALL, value=False, help=LIKE_ALL_HELP.format(model=model_title(orderer))
        )
    cells = [cell for cell in known.cells if not only_open or cell.state is CellState.OPEN]
    counts = counted(cells, known.classes)
    chosen = _choose_class(counts, known, len(cells))
    chosen_cells = [cell for cell in cells if chosen in (EVERY, group_of(cell))]
    likeness = likenesses(chosen_cells, known, orderer.ref) if orderer is not None and like_all else {}
    shown = ordered(chosen_cells, list(counts), likeness)
    pages = max(1, -(-len(shown) // A_PAGE))
    key = f"{PAGE}.{chosen}.{pages}"
    with top:  # drawn for one page too where there are more cells: what stands beside it keeps its place
        page = st.pagination(pages, key=key) if len(known.cells) > A_PAGE else 1
    part = shown[(page - 1) * A_PAGE : page * A_PAGE]
    if not part:
        st.info(
            "Every cell here is reviewed." if known.cells else "No white cell was found on these fields.",
            icon=":material/check:",
        )
    names = {code: known.group_name(code) for code in counts}
    PARTS["gallery"](
        key=GALLERY,
        data=sent(known, f"cells: {names.get(chosen, chosen)}")
        | {"kind": "gallery", "view": f"{known.case.id} {chosen} {only_open} {like_all} {page}",
           "cells": [sent_cell(cell, known, twice) | {"group": names[group_of(cell)]} for cell in part],
           "totals": {names[code]: n for code, n in counts.items()}},
        on_acted_change=lambda: _acted(known, by, key, page, pages),
    )  # fmt: skip
    PARTS["thumbnails"](key="leuk-smear-thumbnails", data={"thumbnails": thumbnails(part, known.fields)})


def counted(cells: Sequence[CaseCell], classes: Sequence[CellClass]) -> dict[str, int]:
    """Return how many cells each class has, in the order of classes; what has none or was set aside comes last."""
    counts = Counter(map(group_of, cells))
    order = dict.fromkeys([*(entry.code for entry in classes), *sorted(set(counts).difference(SET_ASIDE)), *SET_ASIDE])
    return {code: counts[code] for code in order if counts[code]}


def ordered(
    cells: list[CaseCell], classes: list[str], likeness: Mapping[int, float] | None = None
) -> list[CaseCell]:  # fmt: skip
    """Return cells by class; of each the most doubtful first, or those first that `likeness` puts highest."""
    place, like = {code: number for number, code in enumerate(classes)}, likeness or {}
    return sorted(most_doubtful_first(cells), key=lambda cell: (place[group_of(cell)], -like.get(cell.number, 0.0)))


def likenesses(cells: Sequence[CaseCell], known: Held, model: str) -> dict[int, float]:
    """Return by cell how like ALL cells a model finds it, with a bar where that takes long; what is known is kept."""
    from leuk_core.cases.likeness import likeness  # noqa: PLC0415 brings scikit-learn

    bar, fields, found = st.empty(), {field.number: field for field in known.fields}, {}
    try:
        for seconds in warming():
            bar.progress(0.0, text=f"Loading the model ({seconds} s)")
        loaded(model)
        told = time.monotonic()
        for done, cell in enumerate(sorted(cells, key=lambda cell: cell.field)):  # a field is read once for all
            found[cell.number] = likeness(cell, fields[cell.field], model)
            if time.monotonic() - told > SOON:
                told = time.monotonic()
                bar.progress(done / len(cells), text=f"Looking at cell {done + 1:,} of {len(cells):,} for the order")
    except LeukError as error:
        st.warning(plain(str(error)), icon=":material/error:")
    bar.empty()
    return found


def _choose_class(counts: dict[str, int], known: Held, every: int) -> str:
    options = [EVERY, *counts]
    if st.session_state.get(CLASS) not in options:
        st.session_state[CLASS] = EVERY
    return str(
        st.pills(
            "Class", options, key=CLASS, required=True, label_visibility="collapsed",
            format_func=lambda code: f"{plain(known.group_name(code))} {counts.get(code, every)}",
        )
    )  # fmt: skip


def _acted(known: Held, by: str, key: str, page: int, pages: int) -> None:
    for what in asked(GALLERY):
        if what["what"] == "page":
            page = st.session_state[key] = min(pages, max(1, page + int(what["by"])))
        elif what["what"] == "pictures":
            send_again()
        elif what["what"] == "look":
            cell = next((cell for cell in known.cells if cell.number == what["cell"]), None)
            if cell:
                look_at(cell.field, cell.number)
        elif what["what"] == "draw":
            draw(known, by, what)
        elif what["what"] not in ("field", "turn"):
            act(str(what["case"]), by, what)
