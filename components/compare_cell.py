"""One cell by all models: rows that fill as answers come, heat maps beside them, and the sheet to take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.about import about_html
from components.all_models import Said, ask_all
from components.answers import Row
from components.compare import AS_GIVEN, MAPS, SORT, SORTS, Comparison, chosen_cell, compare, likeliest
from components.compare_crop import Window, window_of
from components.compare_rows import agreement_html, common_html, head_html, row_html, together_html
from components.compare_sheet import sheet_of
from components.compare_strip import facts_html, show_cell, strip
from components.heat import INFLUENCE, Found, Wanted, choose_maps, chosen_maps, make_map, map_html, map_of
from components.heat_large import BARE, open_large, show_large
from components.models import model_title, warming
from components.scale import Scale, chosen_scale, offer_scale
from components.share import Share
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion, load_task

ASKED = "leuk.compare.asked"
MAP_SIDE, MAP_SHOWN = 208, 104  # pixels sent and pixels on the page: sharp on a dense screen


@dataclass(frozen=True)
class _Places:
    """Where progress, what stands over the rows, and the rows go."""

    status: DeltaGenerator
    top: DeltaGenerator
    rows: DeltaGenerator


def one_cell(models: Sequence[ModelVersion], share: Share) -> None:
    """Draw the chosen cell and what the models say about it, asking those that were not asked yet.

    Parameters
    ----------
    models : sequence of ModelVersion
        Those that were chosen.
    share : Share
        The set that answers are told for.
    """
    arrival, scale = chosen_cell(), chosen_scale()
    if arrival is None or arrival.picture is None:
        return
    picture, found = arrival.picture, compare(arrival, models, scale, share)
    window = window_of(models[0], picture, scale)
    with st.container(key="leuk-narrow-compare"):
        left, right = st.columns([1, 3.6], gap="medium")
    with left, st.container(key="leuk-cmp-cell"):
        facts = show_cell(arrival, window)
        strip(arrival)
    with right:
        sort, wanted, download, status = _tools(share, models)
        offer, top, rows = st.empty(), st.empty(), st.empty()
        places = _Places(status, top, rows)
        if not found.said.complete:
            found = _ask(found, models, scale, places, mapped=wanted is not None)
        places.top.html(_top(found, mapped=wanted is not None))
        facts.html(facts_html(found, models[0]))
        with offer.container():
            offer_scale(int(any(doubt.code == "scale-unknown" for doubt in _doubts(found))))
        with places.rows.container(gap=None):
            slots = _rows(found, sort, scale, wanted, window)
        maps = _make_maps(found, sort, scale, wanted, window, slots, status) if wanted else {}
        if wanted:
            st.caption(INFLUENCE)
    _offer_sheet(download, found, sort, window, maps)
    _show_card(models)
    show_large(picture, arrival.number, models, scale, wanted or Wanted(), window)


def _tools(
    share: Share, models: Sequence[ModelVersion]
) -> tuple[str, Wanted | None, DeltaGenerator, DeltaGenerator]:  # fmt: skip
    """Draw the controls over the rows; return order, maps wanted, and the places of the download and of progress."""
    with st.container(horizontal=True, vertical_alignment="center", key="leuk-cmp-tools"):
        sort = st.selectbox(
            "Sort", SORTS, key=SORT, persist_state="session", label_visibility="collapsed", width=170,
            format_func=lambda name: f"sort: {name}",
        )  # fmt: skip
        with_maps = st.toggle(
            "Heat maps",
            key=MAPS,
            persist_state="session",
            help="Where each model looked. They take longer than answers.",
        )
        download, status = st.empty(), st.empty()
    if with_maps:
        with st.container(horizontal=True, vertical_alignment="center", key="leuk-cmp-maps"):
            choose_maps(share.task, models)
    return sort or AS_GIVEN, chosen_maps() if with_maps else None, download, status


def _top(found: Comparison, *, mapped: bool) -> str:
    """Return what stands over the rows: agreement, ensemble, doubts of all models, heads of the columns."""
    parts = (agreement_html(found), together_html(found), common_html(found), head_html(found.said.share))
    return f'<div class="leuk-cmp-top{" leuk-cmp-mapped" if mapped else ""}">{"".join(parts)}</div>'


def _ask(
    found: Comparison, models: Sequence[ModelVersion], scale: Scale, places: _Places, *, mapped: bool
) -> Comparison:
    """Ask the models that were not asked about this cell; each answer appears in its row as it comes."""
    with places.rows.container(gap=None):
        slots = {version.ref: st.empty() for version in models}

    def show(now: Comparison) -> None:
        places.top.html(_top(now, mapped=mapped))
        for entry in now.said.said:
            kind = "leuk-cmp-top leuk-cmp-early" + (" leuk-cmp-mapped" if mapped else "")
            slots[entry.version.ref].html(f'<div class="{kind}">{row_html(entry, now)}</div>')

    def answered(row: Row) -> None:
        show(compare(row.arrival, models, scale, found.said.share))

    show(found)
    for seconds in warming():
        places.status.progress(0.0, text=f"Loading the first model ({seconds} s); only the first answer waits.")
    ask_all([found.said.row], models, scale, answered, lambda part, text: places.status.progress(part, text=text))
    places.status.empty()
    return compare(found.arrival, models, scale, found.said.share)


def _rows(
    found: Comparison, sort: str, scale: Scale, wanted: Wanted | None, window: Window
) -> dict[str, DeltaGenerator]:
    """Draw a row a model; return by reference the places where heat maps go."""
    slots = {}
    for entry in found.ordered(sort):
        version = entry.version
        with st.container(
            horizontal=True, vertical_alignment="center", wrap=False, gap="small",
            key=f"leuk-cmp-model-{version.model}",
        ):  # fmt: skip
            kind = "leuk-cmp-mapped" if wanted else ""
            st.html(f'<div class="{kind}">{row_html(entry, found)}</div>')
            if wanted is not None and found.arrival.picture is not None:
                slots[version.ref] = _map_place(entry, found, scale, wanted, window)
            st.button(
                "About",
                icon=":material/info:",
                key=f"leuk.compare.about.{version.model}",
                help=f"{model_title(version)}: what speaks against it, what it learnt from, its figures",
                type="tertiary",
                on_click=_ask_for_card,
                args=(version.ref,),
            )
    return slots


def _ask_for_card(ref: str) -> None:
    st.session_state[ASKED] = ref


def _show_card(models: Sequence[ModelVersion]) -> None:
    asked = st.session_state.pop(ASKED, None)
    for version in models:
        if version.ref == asked:
            _card(version)


@st.dialog("About this model", width="large")
def _card(version: ModelVersion) -> None:
    st.html(about_html(version, load_task(version.task)))


def _map_place(entry: Said, found: Comparison, scale: Scale, wanted: Wanted, window: Window) -> DeltaGenerator:
    """Draw the place of a heat map, with the map where it was made already; the whole map is a button."""
    version, picture = entry.version, _picture(found)
    with st.container(key=f"leuk-cmp-map-{version.model}", gap=None, width=MAP_SHOWN):
        slot = st.empty()
        known = map_of(version, picture, scale, wanted)
        slot.html(map_html(known, picture, window, model_title(version), MAP_SIDE, wanted.opacity))
        st.button(
            f"Open the map of {model_title(version)} large",
            key=f"leuk.compare.large.{version.model}",
            on_click=open_large,
            args=(version.ref, _beside(entry, found)),
        )
    return slot


def _beside(entry: Said, found: Comparison) -> str:
    """Return whose map stands beside one that is opened: that of the model which differs most."""
    label = found.said.share.task.positive or likeliest(entry)
    if label is None:
        return BARE
    values = {
        other.version.ref: other.prediction.probabilities[label]
        for other in found.said.said
        if other.prediction and other.prediction.probabilities
    }
    own = values.pop(entry.version.ref, None)
    return max(values, key=lambda ref: abs(values[ref] - own)) if values and own is not None else BARE


def _make_maps(
    found: Comparison,
    sort: str,
    scale: Scale,
    wanted: Wanted,
    window: Window,
    slots: dict[str, DeltaGenerator],
    status: DeltaGenerator,
) -> dict[str, Found]:
    """Make the maps that are not there yet, from top to bottom; each appears as it is made."""
    picture, maps = _picture(found), {}
    entries = [entry for entry in found.ordered(sort) if entry.prediction is not None]
    for place, entry in enumerate(entries):
        version = entry.version
        known = map_of(version, picture, scale, wanted)
        if known is None:
            words = f"Heat map {place + 1} of {len(entries)}: {model_title(version)}"
            status.progress(place / len(entries), text=words)
            known = make_map(version, picture, scale, wanted)
            html = map_html(known, picture, window, model_title(version), MAP_SIDE, wanted.opacity)
            slots[version.ref].html(html)
        maps[version.ref] = known
    status.empty()
    return maps


def _picture(found: Comparison) -> SmearImage:
    picture = found.arrival.picture
    if picture is None:
        raise ValueError(f"A comparison is about a picture. Received: file {found.arrival.number} without one")
    return picture


def _doubts(found: Comparison) -> list:
    return [doubt for entry in found.said.said if entry.prediction for doubt in entry.prediction.doubts]


def _offer_sheet(
    place: DeltaGenerator, found: Comparison, sort: str, window: Window, maps: dict[str, Found]
) -> None:  # fmt: skip
    """Draw the downloads of the sheet once all models have answered; they are made when asked for."""
    if not found.said.complete:
        return
    opacity, stem = chosen_maps().opacity, f"compare-picture-{found.arrival.number}"

    def png() -> bytes:
        from leuk_core.reports.compare import to_png  # noqa: PLC0415 only where a sheet is made

        return to_png(sheet_of(found, sort, window, maps, opacity))

    def pdf() -> bytes:
        from leuk_core.reports.compare import to_pdf  # noqa: PLC0415 only where a sheet is made

        return to_pdf(sheet_of(found, sort, window, maps, opacity))

    with place.popover("Save", icon=":material/download:"):
        st.caption("This sheet with versions, hash and time; the picture by its number, without its file's name.")
        st.download_button("PNG", png, f"{stem}.png", "image/png", on_click="ignore", width="stretch")
        st.download_button("PDF", pdf, f"{stem}.pdf", "application/pdf", on_click="ignore", width="stretch")
