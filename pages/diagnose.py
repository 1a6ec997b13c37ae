"""Diagnose: drop pictures, get for each a label, probabilities and the reasons for doubt."""

from __future__ import annotations

import streamlit as st

from components.answers import Row, ask, forget_gone, rows, summary
from components.cards import row_html
from components.details import details
from components.frame import page
from components.models import chosen_version, loaded, warming
from components.pictures import arrivals, clear, drop_zone, sample_cells, show_notice, take_samples
from components.scale import choose_scale, chosen_scale, offer_scale
from components.table import records, to_csv
from leuk_core.errors import LeukError
from leuk_core.registry import ModelVersion, Task, load_task

ROWS_A_PAGE = 60
SORTS = ("doubt first", "order given")
VIEWS = ("rows", "table")
SORT, VIEW, NAMES = "leuk.sort", "leuk.view", "leuk.names"


def main() -> None:
    page("Diagnose", "Drop pictures of single cells: which class each resembles, and what speaks against it.")
    drop_zone()
    actions()
    show_notice()
    version = chosen_version()
    for sentence in version.card["measured_limits"] if version else ():
        st.caption(f":material/warning: {sentence}")
    if not arrivals():
        nothing_yet()
        return
    classes = load_task(version.task) if version else None
    found = rows(version.ref if version else None, chosen_scale())
    with st.container(horizontal=True, vertical_alignment="center", key="leuk-controls"):
        status = st.empty()
        status.markdown(f"**{summary(found)}**")
        controls(found, classes)
    offer, first, place = st.empty(), which_page(len(found)), st.empty()
    if version and any(row.state == "waiting" for row in found):
        with place.container():
            slots = show_waiting(found[first : first + ROWS_A_PAGE], classes)
        if not answer(version, classes, found, slots, status):
            return
        status.markdown(f"**{summary(found)}**")
    with offer.container():
        offer_scale(sum(row.doubts("scale-unknown") for row in found))
    with place.container():
        if st.session_state[VIEW] == "table":
            show_table(found, classes)
        else:
            show_rows(in_order(found)[first : first + ROWS_A_PAGE], classes, opened=len(found) == 1)


def actions() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if sample_cells() and st.button(
            "Try 12 cells from the test data",
            icon=":material/science:",
            help="Cells of C-NMC. Many of them were used in training: they show how this works, not how well.",
        ):
            take_samples()
            st.rerun()
        choose_scale()
        if arrivals():
            st.button("Clear all", icon=":material/delete:", on_click=clear, type="tertiary")


def nothing_yet() -> None:
    st.info(
        "Nothing is open yet. Drop one cell or hundreds: each a picture of one white cell, cut out on black or cropped "
        "from a smear with the cell in the middle. Each file gets a row, also one that cannot be read.",
        icon=":material/add_photo_alternate:",
    )


def controls(found: list[Row], classes: Task | None) -> None:
    for label, options, key in (("Sort", SORTS, SORT), ("Show as", VIEWS, VIEW)):
        st.segmented_control(
            label,
            options,
            default=options[0],
            required=True,
            key=key,
            persist_state="session",
            label_visibility="collapsed",
        )
    with st.popover("CSV", icon=":material/download:"):
        with_names = st.checkbox(
            "with file names",
            key=NAMES,
            persist_state="session",
            help="A file name may be a patient's. Without, a picture is called by its number.",
        )
        by_doubt = st.session_state[SORT] == SORTS[0]
        st.download_button(
            "Download the answers",
            # made when it is asked for, so that it holds the answers that came after this was drawn
            data=lambda: to_csv(records(ordered(found, by_doubt=by_doubt), classes, with_names=with_names)),
            file_name="smear-answers.csv",
            mime="text/csv",
            on_click="ignore",
        )


def ordered(found: list[Row], *, by_doubt: bool) -> list[Row]:
    return sorted(found, key=lambda row: row.doubt) if by_doubt else found


def in_order(found: list[Row]) -> list[Row]:
    return ordered(found, by_doubt=st.session_state[SORT] == SORTS[0])


def which_page(count: int) -> int:
    """Draw a choice of pages where there is more than one; return the place of the first row to be shown."""
    pages = -(-count // ROWS_A_PAGE)
    return (st.pagination(pages, key="leuk.page") - 1) * ROWS_A_PAGE if pages > 1 else 0


def show_table(found: list[Row], classes: Task | None) -> None:
    table = records(in_order(found), classes, with_names=st.session_state[NAMES])
    two_digits = {
        name: st.column_config.NumberColumn(format="%.2f") for name in table[0] if name.startswith("probability ")
    }
    wide = {"doubts": st.column_config.TextColumn(width="large")}
    st.dataframe(table, hide_index=True, placeholder="", column_config={**two_digits, **wide})


def show_waiting(found: list[Row], classes: Task | None) -> dict[int, st.delta_generator.DeltaGenerator]:
    """Draw rows that are still to be answered; return by picture number the places where the answers go."""
    slots = {}
    for row in found:
        slots[row.arrival.number] = st.empty()
        slots[row.arrival.number].html(row_html(row, classes, room=True))
    return slots


def show_rows(found: list[Row], classes: Task | None, *, opened: bool) -> None:
    for row in found:
        with st.container(gap=None):
            st.html(row_html(row, classes))
            if row.arrival.picture is not None:
                details(row, opened=opened)


def answer(
    version: ModelVersion,
    classes: Task | None,
    found: list[Row],
    slots: dict[int, st.delta_generator.DeltaGenerator],
    status: st.delta_generator.DeltaGenerator,
) -> bool:
    """Ask about every waiting picture; each answer appears in its row as soon as it is there. False: no model."""
    try:
        for seconds in warming():
            status.progress(0.0, text=f"Loading the model ({seconds} s); only the first answer waits for this.")
        model = loaded(version.ref)
    except LeukError as error:
        status.error(str(error), icon=":material/error:")
        return False
    forget_gone()
    scale = chosen_scale()
    for place, row in enumerate(found):
        if row.state != "waiting" or row.arrival.picture is None:
            continue
        done = sum(other.state != "waiting" for other in found)
        status.progress(done / len(found), text=f"**{summary(found)}**")
        found[place] = Row(row.arrival, ask(model, version.ref, row.arrival.picture, scale))
        if row.arrival.number in slots:
            slots[row.arrival.number].html(row_html(found[place], classes, room=True))
    return True


main()
