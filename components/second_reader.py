"""A second reader on the page Cases: cells called without seeing what the first called them, and how far both agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from components.smear_pictures import cell_uri
from leuk_core.cases import CaseCell, CaseField, CellState, agreements, calls_of, read_cells
from leuk_core.cases.gathered import Gathered
from leuk_core.errors import LeukError

A_PAGE = 24
ASIDE = {"unidentified": "unidentified", "not-counted": "not counted"}
READING, SAID = "leuk.second.on", "leuk.second.said"
PICTURE, CELL, CALL = "picture", "cell", "call"


@st.fragment
def show_second_reader(found: Gathered, by: str) -> None:
    """Draw how far second readers agree and, once it is asked for, cells that `by` may call."""
    with st.expander("Second reader", icon=":material/group:"):
        reading = by and st.toggle("Read its cells a second time", key=READING)
        if said := st.session_state.pop(SAID, ""):
            st.error(said)
        if reading:
            _read(found, by)
            return  # what others called is not shown meanwhile
        _agreements(found)
        if not by:
            st.caption("Give your name or initials to read its cells a second time.")


def left_to(cells: Iterable[CaseCell], called: Mapping[int, str], by: str) -> list[CaseCell]:
    """Return the cells that a second reader may call and has not called yet: those that another person reviewed."""
    return [
        cell for cell in cells if cell.state is not CellState.OPEN and cell.reviewer != by and cell.number not in called
    ]


def calls_in(rows: Iterable[Mapping[str, Any]], codes: Mapping[str, str]) -> dict[int, str]:
    """Return what was chosen in the rows of the table, by the number of the cell."""
    return {int(row[CELL]): codes[row[CALL]] for row in rows if row[CALL] in codes}


def _agreements(found: Gathered) -> None:
    names = found.names | ASIDE
    told = agreements(found.case.id)
    for one in told:
        st.text(one.words)
        if one.differences:
            rows = [
                {"first": names.get(first, first), "second": names.get(second, second), "cells": n}
                for first, second, n in one.differences
            ]
            st.dataframe(rows, hide_index=True, width="content")
    st.caption(
        "Kappa is 1 where two readers agree in full and 0 where they do as often as by chance; 95 % intervals. "
        "A second reading changes nothing in the case."
        if told
        else "Nobody has read this case a second time."
    )


def _read(found: Gathered, by: str) -> None:
    called = calls_of(found.case.id, by)
    left = left_to(found.cells, called, by)
    st.caption(f"{len(called)} cells called by you, {len(left)} are left: those that another person has reviewed.")
    if not left:
        return
    part, fields = left[:A_PAGE], {field.number: field for field in found.fields}
    codes = {name: code for code, name in (found.names | ASIDE).items()}
    table = st.data_editor(
        [
            {PICTURE: _picture(cell, fields[cell.field]), CELL: cell.number, CALL: None} for cell in part
        ],
        column_config={
            PICTURE: st.column_config.ImageColumn("", width=96),
            CELL: st.column_config.NumberColumn("cell", width="small"),
            CALL: st.column_config.SelectboxColumn("your call", options=list(codes), width="medium"),
        },
        disabled=[PICTURE, CELL],
        hide_index=True,
        row_height=96,
        width="content",
        key=f"leuk.second.{found.case.id}.{by}.{part[0].number}.{len(called)}",
    )  # fmt: skip
    if st.button("Keep these calls", icon=":material/save:", type="primary"):
        try:
            read_cells(found.case.id, by, calls_in(table, codes))
        except LeukError as error:
            st.session_state[SAID] = str(error)
        st.rerun(scope="fragment")


def _picture(cell: CaseCell, field: CaseField) -> str:
    return cell_uri(field.pixels_sha256, cell.box, field.microns_per_pixel)
