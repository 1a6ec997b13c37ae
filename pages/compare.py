"""Compare: what every model says about one cell, where each looked, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.answers import forget_gone
from components.compare import ALL, ONE, VIEW, choose_models, open_cells
from components.compare_cell import one_cell
from components.compare_table import all_cells
from components.frame import page
from components.models import chosen_task, chosen_version, newest_models
from components.pictures import clear, drop_zone, show_notice
from components.samples import offer_samples
from components.scale import choose_scale
from components.share import Share, choose_share, chosen_share
from components.untrained import untrained_panel
from leuk_core import PROJECT_ROOT
from leuk_core.registry import ModelVersion, load_task

LEAD = "One cell, every model: what each says, where it looked, and where they disagree."
STYLE = PROJECT_ROOT / "components" / "compare.css"


def main() -> None:
    page("Compare", "" if open_cells() else LEAD)
    st.html(STYLE)
    show_notice()
    version, task = chosen_version(), chosen_task()
    if version is None and task is not None:
        untrained_panel(task)
    elif version is None:
        st.info("No model is installed: there is nothing to compare.", icon=":material/info:")
    elif open_cells():
        workbench(newest_models(version), chosen_share(load_task(version.task)))
    else:
        nothing_yet()


def nothing_yet() -> None:
    drop_zone()
    offer_samples()
    st.info(
        "Nothing is open yet. Drop pictures of single cells here, or on the page Diagnose: both pages show the same.",
        icon=":material/add_photo_alternate:",
    )


def workbench(models: Sequence[ModelVersion], share: Share) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="leuk-cmp-head"):
        st.segmented_control(
            "View",
            (ONE, ALL),
            default=ONE,
            required=True,
            key=VIEW,
            label_visibility="collapsed",
            persist_state="session",
        )
        chosen = choose_models(models)
        choose_scale()
        choose_share(share.task)
        # another key is another popover: it closes once files were taken
        with st.popover("Add", icon=":material/add_photo_alternate:", key=f"leuk.compare.add.{len(open_cells())}"):
            drop_zone("Drop more")
            st.button("Clear all", icon=":material/delete:", on_click=clear, type="tertiary")
    forget_gone()
    if not chosen:
        st.info("Choose at least one model under “Models”.", icon=":material/groups:")
    elif st.session_state[VIEW] == ALL:
        all_cells(chosen, share)
    else:
        one_cell(chosen, share)


main()
