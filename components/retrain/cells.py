"""Step 1 of Retrain: which cells are learnt from. Imported sets to choose from, and ways to bring in others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import streamlit as st

from components.demonstration_cells import CELLS, bring_in
from components.pictures import let_go
from components.plain import plain
from components.retrain.importing import Importing, begin_folder, begin_zip, imports
from components.retrain.reviewed import bring_in_reviewed
from components.retrain.words import counted
from leuk_core.data.imports import ImportedSet, forget_set, list_sets
from leuk_core.errors import LeukError
from leuk_core.settings import settings

SET, PATH, AWAITED, PROBLEM = "leuk.retrain.set", "leuk.retrain.path", "leuk.retrain.awaited", "leuk.retrain.problem"
UPLOADS = "leuk.retrain.uploads"
ZIP, SERVER, CASES = "a zip from this computer", "a folder or manifest on the server", "reviewed cases"
LAYOUTS = (
    "Each picture shows one white cell. The form is recognised:\n\n"
    "- a `manifest.csv` beside the pictures, with the columns `path,label,subject,split`: `subject` is a code for the "
    "patient, never a name; `split` may stay empty\n"
    "- a folder a class, such as `all/…` and `hem/…`: patients are then unknown, and versions can't be compared\n"
    "- C-NMC or Leukemia Dataset 0.2 as they are published\n\n"
    "Names of classes are those of the task:\n\n{classes}"
)


def choose_cells(classes: Mapping[str, str]) -> ImportedSet | None:
    """Draw the choice of a set and the ways to bring one in; return the chosen one, None where there is none.

    Parameters
    ----------
    classes : mapping of str to str
        What the classes of each installed task are called, by its title.
    """
    _take_note()
    sets = {found.id: found for found in list_sets()}
    if not sets:
        st.info(
            "No cells are here yet. Bring in labelled cells of your own: at least 10 of each class, better hundreds, "
            "and of 10 or more patients of each class if versions are to be compared.",
            icon=":material/add_photo_alternate:",
        )
        st.button(
            f"Try it with {CELLS} drawn cells",
            icon=":material/science:",
            on_click=bring_in,
            key="leuk-retrain-drawn",
            disabled=any(not found.over for found in imports()),
            help="A program drew them, of made-up patients: to see how a training goes, not to learn from.",
        )
    chosen = None
    if sets:
        if st.session_state.get(SET) not in sets:
            st.session_state[SET] = next(iter(sets))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                "Cells", list(sets), format_func=lambda name: about(sets[name]), key=SET, persist_state="session"
            )
            chosen = sets[st.session_state[SET]]
            _forget(chosen)
        for note in chosen.notes:
            st.caption(plain(f"{note[:1].upper()}{note[1:]}."))
    _running()
    words = "Bring in other cells" if sets else "Bring in cells"
    with st.expander(words, expanded=not sets, icon=":material/upload:", key=f"leuk-retrain-bring-in-{bool(sets)}"):
        _bring_in(classes)
    return chosen


def about(found: ImportedSet) -> str:
    """Return a set's name, cells and patients in one line."""
    patients = f"patients: {counted(found.subjects)}" if found.subjects else "patients unknown"
    return f"{found.name} · {found.n:,} cells: {counted(found.images)} · {patients}"


def _bring_in(classes: Mapping[str, str]) -> None:
    way = st.segmented_control(
        "From where",
        (ZIP, SERVER, CASES),
        default=ZIP,
        required=True,
        key="leuk.retrain.way",
        label_visibility="collapsed",
    )
    if way == ZIP:
        place = st.session_state.setdefault(UPLOADS, 0)  # another key empties the field
        st.file_uploader(
            "A zip of labelled cells",
            type="zip",
            key=f"leuk.retrain.zip.{place}",
            on_change=_take_zip,
            args=(f"leuk.retrain.zip.{place}",),
            max_upload_size=settings().max_upload_mb,
            help="A larger set: copy it to the server and name its folder.",
        )
    elif way == CASES:
        bring_in_reviewed(AWAITED)
        return
    else:
        roots = " or ".join(map(str, settings().readable_roots))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "Folder or manifest.csv on the server",
                key=PATH,
                placeholder=f"below {roots}",
                help=f"Below {roots}; LEUK_DATA_ROOTS names other folders. Pictures stay where they are.",
            )
            st.button("Bring in", icon=":material/login:", on_click=_take_folder, key="leuk-retrain-folder")
    if refused := st.session_state.pop(PROBLEM, ""):
        st.error(plain(refused), icon=":material/error:")
    named = "\n".join(f"- {title}: {names}" for title, names in classes.items())
    st.caption(LAYOUTS.format(classes=named))


def _take_zip(key: str) -> None:
    file = st.session_state.get(key)
    if file is not None:
        st.session_state[AWAITED] = begin_zip(file, file.name)
        let_go([file.file_id])  # the import reads a copy of its own
        st.session_state[UPLOADS] += 1


def _take_folder() -> None:
    path = st.session_state[PATH].strip()
    if not path:
        st.session_state[PROBLEM] = "Type the path of a folder or of a manifest.csv first."
        return
    st.session_state[AWAITED] = begin_folder(path)


def _take_note() -> None:
    """Choose the set that this session has waited for, once it is there."""
    awaited: Importing | None = st.session_state.get(AWAITED)
    if awaited is not None and awaited.over:
        del st.session_state[AWAITED]
        if awaited.found is not None:
            st.session_state[SET] = awaited.found.id
            st.toast(f"{plain(awaited.found.name)}: {awaited.found.n:,} cells are here.", icon=":material/check:")


def _running() -> None:
    """Draw the imports: those under way with their progress, those refused with the reasons."""
    for number, found in enumerate(list(imports())):
        if found.found is not None:
            _noted(found)
        elif found.over:
            st.error(plain(f"{found.name} was not taken: {found.message}"), icon=":material/error:")
            if found.rows:
                st.dataframe(found.rows, hide_index=True)
            st.button("I see", on_click=_noted, args=(found,), key=f"leuk-retrain-refused-{number}")
        else:
            st.fragment(_progress, run_every=0.5)(found)


def _noted(found: Importing) -> None:
    with suppress(ValueError):  # another session was faster
        imports().remove(found)


def _progress(found: Importing) -> None:
    if found.over:
        st.rerun()
    steps = f"{found.done:,} of {found.total:,}" if found.total > 1 else ""
    st.progress(found.share, text=f"Bringing in {plain(found.name)}: {found.what} {steps}")


def _forget(chosen: ImportedSet) -> None:
    with st.popover("Forget", icon=":material/delete:", type="tertiary", key=f"leuk-retrain-forget-{chosen.id}"):
        kept = (
            "Its pictures on this server are deleted, those of your zip stay with you."
            if chosen.kind == "zip"
            else "Its pictures stay where they are."
        )
        st.markdown(f"**Forget {plain(chosen.name)}?** {kept} Versions trained on it stay.")
        st.button("Forget these cells", on_click=_forgotten, args=(chosen.id,), key="leuk-retrain-forget-now")
    if refused := st.session_state.pop(f"{PROBLEM}.forget", ""):
        st.error(plain(refused), icon=":material/error:")


def _forgotten(name: str) -> None:
    try:
        forget_set(name)
    except (LeukError, OSError) as error:
        st.session_state[f"{PROBLEM}.forget"] = str(error)
