"""Diagnose: drop pictures, get for each a label, probabilities, the reasons for doubt, and what all models say."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from components.about import limits_html
from components.all_models import ask_all, choose_every_cell, every_cell
from components.answers import Row, ask, forget_gone
from components.cards import row_html
from components.details import details
from components.frame import page
from components.model_table import table_html
from components.models import chosen_task, chosen_version, loaded, warming
from components.pictures import arrivals, clear, drop_zone, show_notice
from components.samples import offer_samples
from components.scale import choose_scale, offer_scale
from components.share import choose_share, chosen_share
from components.sheet import AS_GIVEN, BY_DISAGREEMENT, BY_DOUBT, Sheet
from components.table import to_csv
from components.untrained import untrained_note
from leuk_core.errors import LeukError
from leuk_core.registry import ModelVersion, task_of

ROWS_A_PAGE = 60
VIEWS = ("rows", "table")
SORT, VIEW, NAMES = "leuk.sort", "leuk.view", "leuk.names"
LEAD = "Drop pictures of single cells: which class each resembles, and what speaks against it."


def main() -> None:
    version, task = chosen_version(), chosen_task()
    sheet = Sheet(version, chosen_share(task_of(version)) if version else None)
    page("Diagnose", "" if arrivals() else LEAD)
    head(sheet)
    show_notice()
    if version and (limits := to_know(version)):
        st.html(limits_html(limits))
    if version is None and task is not None:
        untrained_note(task)
    if arrivals():
        workbench(sheet)
    else:
        nothing_yet()


def to_know(version: ModelVersion) -> list[str]:
    """Return what must be known before an answer is believed: what was measured, of an own version what its card says.

    Nothing is measured about an own version after its training, and it doubts no picture that is unlike its cells.
    """
    measured: list[str] = version.card["measured_limits"]
    return measured or (version.card["limits"] if version.own else [])


def head(sheet: Sheet) -> None:
    """Draw the drop zone and the settings; beside each other once there are pictures, so that answers stand higher."""
    begun = bool(arrivals())
    left, right = st.columns(2) if begun else (st.container(), st.container())
    with left:
        drop_zone("Drop more" if begun else "Drop cell pictures here")
    with right, st.container(horizontal=True, vertical_alignment="center", key="leuk-actions"):
        if not begun:
            offer_samples()
        choose_scale()
        if begun:
            st.button("Clear all", icon=":material/delete:", on_click=clear, type="tertiary")
        if sheet.share:
            choose_share(sheet.share.task)
        if begun and len(sheet.models) > 1:
            choose_every_cell(len(sheet.models))


def nothing_yet() -> None:
    st.info(
        "Nothing is open yet. Drop one cell or hundreds: each a picture of one white cell, cut out on black or cropped "
        "from a smear with the cell in the middle. Each file gets a row, also one that cannot be read.",
        icon=":material/add_photo_alternate:",
    )


def workbench(sheet: Sheet) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="leuk-controls"):
        status = st.empty()
        status.markdown(f"**{sheet.summary}**")
        controls(sheet)
    offer, first, place = st.empty(), which_page(len(sheet.rows)), st.empty()
    if sheet.closing:
        offer.caption(sheet.closing)  # at the end too: who counts labels should not have to scroll for it
    if sheet.version and any(row.state == "waiting" for row in sheet.rows):
        with place.container():
            slots = show_waiting(sheet.rows[first : first + ROWS_A_PAGE], sheet)
        if not answer(sheet, slots, status):
            return
        status.markdown(f"**{sheet.summary}**")
    with offer.container():
        if sheet.closing:
            st.caption(sheet.closing)
        offer_scale(sum(row.doubts("scale-unknown") for row in sheet.rows))
    with place.container():
        if st.session_state[VIEW] == "table":
            ask_everyone(sheet, [], {}, {}, status)
            show_table(sheet)
        else:
            shown = sheet.ordered(st.session_state[SORT])[first : first + ROWS_A_PAGE]
            slots, tables = show_rows(shown, sheet)
            closing(sheet)
            ask_everyone(sheet, shown, slots, tables, status)


def controls(sheet: Sheet) -> None:
    sorts = (BY_DOUBT, BY_DISAGREEMENT, AS_GIVEN) if len(sheet.models) > 1 and every_cell() else (BY_DOUBT, AS_GIVEN)
    if st.session_state.get(SORT) not in sorts:
        st.session_state[SORT] = BY_DOUBT
    for label, options, key in (("Sort", sorts, SORT), ("Show as", VIEWS, VIEW)):
        st.session_state.setdefault(key, options[0])
        st.segmented_control(
            label,
            options,
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
        sort = st.session_state[SORT]
        st.download_button(
            "Download the answers",
            # made when it is asked for, so that it holds the answers that came after this was drawn
            data=lambda: to_csv(sheet.records(sort, with_names=with_names)),
            file_name="smear-answers.csv",
            mime="text/csv",
            on_click="ignore",
        )


def which_page(count: int) -> int:
    """Draw a choice of pages where there is more than one; return the place of the first row to be shown."""
    pages = -(-count // ROWS_A_PAGE)
    return (st.pagination(pages, key="leuk.page") - 1) * ROWS_A_PAGE if pages > 1 else 0


def show_table(sheet: Sheet) -> None:
    table = sheet.records(st.session_state[SORT], with_names=True)
    two_digits = {name: st.column_config.NumberColumn(format="%.2f") for name in table[0] if "probability " in name}
    wide = {"doubts": st.column_config.TextColumn(width="large")}
    st.dataframe(table, hide_index=True, placeholder="", column_config={**two_digits, **wide})


def show_waiting(found: list[Row], sheet: Sheet) -> dict[int, DeltaGenerator]:
    """Draw rows that are still to be answered; return by picture number the places where the answers go."""
    slots = {}
    for row in found:
        slots[row.arrival.number] = st.empty()
        slots[row.arrival.number].html(row_html(row, sheet.share, asides=sheet.asides(row), room=True))
    return slots


def show_rows(shown: list[Row], sheet: Sheet) -> tuple[dict[int, DeltaGenerator], dict[int, DeltaGenerator]]:
    """Draw the rows with their details; return by picture number the places of the rows and of all models' answers."""
    slots, tables = {}, {}
    for row in shown:
        number = row.arrival.number
        with st.container(gap=None):
            slots[number] = st.empty()
            slots[number].html(row_html(row, sheet.share, asides=sheet.asides(row)))
            place = details(row, sheet.models, opened=len(sheet.rows) == 1) if row.arrival.picture else None
        if place is not None and number in sheet.said:
            tables[number] = place
            place.html(table_html(sheet.said[number]))
    return slots, tables


def closing(sheet: Sheet) -> None:
    """Say under many cells how many normal ones would have got the label too."""
    if sheet.closing:
        st.markdown(f"**{sheet.closing}**")


def answer(sheet: Sheet, slots: dict[int, DeltaGenerator], status: DeltaGenerator) -> bool:
    """Ask about every waiting picture; each answer appears in its row as soon as it is there. False: no model."""
    ref = sheet.version.ref
    try:
        for seconds in warming():
            status.progress(0.0, text=f"Loading the model ({seconds} s); only the first answer waits for this.")
        model = loaded(ref)
    except LeukError as error:
        status.error(str(error), icon=":material/error:")
        return False
    forget_gone()
    for place, row in enumerate(sheet.rows):
        if row.state != "waiting" or row.arrival.picture is None:
            continue
        done = sum(other.state != "waiting" for other in sheet.rows)
        status.progress(done / len(sheet.rows), text=f"**{sheet.summary}**")
        told = Row(row.arrival, ask(model, ref, row.arrival.picture, sheet.scale).told(sheet.share))
        sheet.put(place, told)
        if row.arrival.number in slots:
            slots[row.arrival.number].html(row_html(told, sheet.share, asides=sheet.asides(told), room=True))
    return True


def ask_everyone(
    sheet: Sheet,
    shown: list[Row],
    slots: dict[int, DeltaGenerator],
    tables: dict[int, DeltaGenerator],
    status: DeltaGenerator,
) -> None:
    """Ask all models where that is wanted, what is shown first; answers appear as they come."""

    def show(row: Row) -> None:
        number = row.arrival.number
        sheet.look_up(row)
        if number in slots:
            slots[number].html(row_html(row, sheet.share, asides=sheet.asides(row)))
        if number in tables:
            tables[number].html(table_html(sheet.said[number]))

    wanted = sheet.wanted(first=shown)
    if wanted:
        ask_all(wanted, sheet.models, sheet.scale, show, lambda share, text: status.progress(share, text=text))
        status.markdown(f"**{sheet.summary}**")


main()
