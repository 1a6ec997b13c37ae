"""The cell that is compared, at the left and always in view, and the session's other cells under it."""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.cards import shown_name
from components.compare import Comparison, choose_cell, open_cells, step
from components.compare_crop import Window, as_uri, crop, microns_across
from components.pictures import Arrival, thumbnail_uri
from leuk_core.registry import ModelVersion

A_PAGE, THUMBNAIL, SHOWN, LARGE = 12, 104, 52, 560


def show_cell(arrival: Arrival, window: Window) -> DeltaGenerator:
    """Draw the cell; return the place for what is known of it.

    Parameters
    ----------
    arrival : Arrival
        A file with a picture.
    window : tuple of float
        What of the picture is shown.
    """
    if arrival.picture is not None:
        uri = as_uri(crop(arrival.picture, window, LARGE))
        st.html(f'<div class="leuk-cmp-cell"><img src="{uri}" alt="picture {arrival.number}"></div>')
    return st.empty()


def facts_html(found: Comparison, version: ModelVersion) -> str:
    """Return number, name, size and scale of the cell, and how wide the part is that is shown.

    Parameters
    ----------
    found : Comparison
        The cell with what was said so far.
    version : ModelVersion
        The model whose window is shown.
    """
    arrival, picture = found.arrival, found.arrival.picture
    first = next((entry.prediction for entry in found.said.said if entry.prediction), None)
    facts = [f"{picture.width}x{picture.height}"] if picture else []
    if first is not None:
        known, across = first.microns_per_pixel, microns_across(version)
        facts.append("scale unknown" if known is None else f"{known:.3g} µm per pixel")
        if known is not None and across is not None:
            facts.append(f"{across:.1f} µm shown")
    words = " · ".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return (
        f'<div class="leuk-file"><b>picture {arrival.number}</b> · {shown_name(arrival.name)}<br>{words}</div>'
    )  # fmt: skip


def strip(chosen: Arrival) -> None:
    """Draw the session's cells as small pictures; a click looks at that one, as do the keys N and P.

    Parameters
    ----------
    chosen : Arrival
        The one that is looked at.
    """
    cells = open_cells()
    if len(cells) < 2:
        return
    place = cells.index(chosen)
    first = place // A_PAGE * A_PAGE
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="leuk-cmp-steps"):
        _step_button("Previous cell", "chevron_left", -1, "p", stop=place == 0)
        st.markdown(f":small[{place + 1} of {len(cells)}]", width="content")
        _step_button("Next cell", "chevron_right", 1, "n", stop=place == len(cells) - 1)
    with st.container(horizontal=True, key="leuk-cmp-strip", gap="xsmall"):
        for arrival in cells[first : first + A_PAGE]:
            _thumbnail(arrival, chosen=arrival is chosen)


def _thumbnail(arrival: Arrival, *, chosen: bool) -> None:
    if arrival.picture is None:
        return
    with st.container(key=f"leuk-cmp-pick-{arrival.number}", gap=None, width=SHOWN):
        kind = "leuk-cmp-thumb leuk-cmp-chosen" if chosen else "leuk-cmp-thumb"
        st.html(f'<div class="{kind}"><img src="{thumbnail_uri(arrival.picture, THUMBNAIL)}" alt=""></div>')
        st.button(
            f"Look at picture {arrival.number}",
            key=f"leuk.compare.pick.{arrival.number}",
            on_click=choose_cell,
            args=(arrival.number,),
        )


def _step_button(name: str, icon: str, by: int, shortcut: str, *, stop: bool) -> None:
    st.button(
        name,
        icon=f":material/{icon}:",
        key=f"leuk.compare.step.{by}",
        on_click=step,
        args=(by,),
        disabled=stop,
        shortcut=shortcut,
        type="tertiary",
    )
