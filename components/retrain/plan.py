"""Step 3 of Retrain: task, model, start point, protocol, and settings of one's own; together they are a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from components.models import chosen_task, model_title
from components.retrain.words import PRESETS, fitting_tasks, model_words
from components.scale import remembered
from leuk_core.data.imports import ImportedSet
from leuk_core.data.splits import Protocol
from leuk_core.network import WEIGHTS
from leuk_core.registry import installed_tasks, load_task
from leuk_core.registry.versions import MODELS, ModelVersion, current_version, installed_versions
from leuk_core.training.networks.schedule import STAGES, preset
from leuk_core.training.retrain_request import FOLDS
from leuk_core.zoo import catalogue

TASK, MODEL, START, PROTOCOL, PRESET, SCALE = (
    f"leuk.retrain.{name}" for name in ("task", "model", "start", "protocol", "preset", "scale")
)
OWN = "leuk.retrain.own."

PROTOCOLS = {
    Protocol.BY_SUBJECT: "by patient: judged on patients it did not learn from",
    Protocol.BY_IMAGE: "by picture: flatters, since cells of one patient stand on both sides",
    Protocol.SUBJECTS_UNKNOWN: "patients unknown: flatters as much as nobody knows",
}
STARTS = {
    "imagenet": "ImageNet: everyday photographs",
    "in-domain": "white blood cells of a public set (PBC)",
    "random": "from scratch: random weights; needs many cells and hours",
}
FREE = {"head": "the last layer", "tail": "the last block", "all": "everything"}

NUMBERS = {
    "epochs": "Passes over the cells",
    "batch": "Cells a step",
    "rate": "Learning rate",
    "size": "Side of the picture, pixels",
    "copies": "Changed copies of each cell",
    "folds": "Folds",
    "seed": "Seed",
}
HELP = {
    "copies": "Turned, mirrored, with other colours: more copies, less learnt by heart, more time.",
    "folds": "Each part of the cells is judged once by a model that did not see it.",
    "seed": "The same seed repeats a training.",
}


def choose_plan(chosen: ImportedSet, on_gpu: bool) -> dict[str, Any]:
    """Draw the choices and return the request that they make, without confirmations and name.

    Parameters
    ----------
    chosen : ImportedSet
        The cells.
    on_gpu : bool
        Whether a GPU was found: it decides which preset is offered first.
    """
    task, model = _what(chosen)
    network = model in catalogue.ENTRIES
    left, right = st.columns(2, gap="medium")
    with left:
        start = _start(task, model) if network else "shipped"
        protocol = _protocol(chosen)
    with right:
        named = _preset(on_gpu) if network else None
        scale = _scale()
    own = _own(named) if network else _own_of_classifier()
    return {
        "set": chosen.id,
        "task": task,
        "model": model,
        "start": start,
        "protocol": protocol,
        "preset": named,
        "settings": own | ({} if scale is None else {"microns_per_pixel": scale}),
    }


def _what(chosen: ImportedSet) -> tuple[str, str]:
    tasks = installed_tasks()
    fitting = fitting_tasks(chosen.images)
    if st.session_state.get(TASK) not in tasks or st.session_state.get(f"{TASK}.of") != chosen.id:
        st.session_state[TASK] = chosen_task() if chosen_task() in fitting else next(iter([*fitting, *tasks]))
        st.session_state[f"{TASK}.of"] = chosen.id
    left, right = st.columns(2, gap="medium")
    left.selectbox("Task", tasks, format_func=lambda task: load_task(task).title, key=TASK, persist_state="session")
    right.selectbox("Model", MODELS, format_func=_model, key=MODEL, index=MODELS.index("svm"), persist_state="session")
    task, model = str(st.session_state[TASK]), str(st.session_state[MODEL])
    answers = current_version(task, model)
    told = f"Now {answers.version} answers" if answers else "No version answers yet"
    kind = "a network, with heat maps" if model in catalogue.ENTRIES else "quick, works with few cells"
    st.caption(f"{model_words(model)}: {kind}. {told} for this task.")
    return task, model


def _model(model: str) -> str:
    return f"{model_words(model)}{' (network)' if model in catalogue.ENTRIES else ''}"


def _start(task: str, model: str) -> str:
    stored = [
        version
        for version in installed_versions()
        if version.model == model and (version.folder / WEIGHTS).is_file() and version.task == task
    ]
    options: dict[str, str] = {}
    if any(not version.own for version in stored):
        options["shipped"] = "the shipped version"
    options |= {f"version:{version.ref}": _own_words(version) for version in stored if version.own}
    options |= {name: STARTS[name] for name in (*catalogue.entry(model).starts, "random")}
    key = f"{START}.{task}.{model}"
    return str(
        st.selectbox("Starts from", list(options), format_func=options.__getitem__, key=key, persist_state="session")
    )


def _own_words(version: ModelVersion) -> str:
    return f"your {model_title(version)}, {version.version}"


def _protocol(chosen: ImportedSet) -> str:
    first = Protocol.BY_SUBJECT if chosen.subjects_known else Protocol.SUBJECTS_UNKNOWN
    return str(
        st.radio(
            "How cells are kept apart when it is judged",
            [str(first), str(Protocol.BY_IMAGE)],
            format_func=lambda name: PROTOCOLS[Protocol(name)],
            key=f"{PROTOCOL}.{chosen.subjects_known}",
            persist_state="session",
        )
    )


def _preset(on_gpu: bool) -> str:
    return str(
        st.segmented_control(
            "Settings",
            list(PRESETS),
            default="gpu" if on_gpu else "cpu",
            format_func=PRESETS.__getitem__,
            required=True,
            key=PRESET,
            persist_state="session",
            help="For a processor only the last block learns, in minutes to hours. For a GPU all of the network does.",
        )
    )


def _scale() -> float | None:
    return st.number_input(
        "Micrometres a pixel of these pictures",
        min_value=0.001,
        max_value=9.999,
        value=remembered(),
        step=0.001,
        format="%.4f",
        placeholder="unknown",
        key=SCALE,
        persist_state="session",
        help="Of the microscope and camera. Size is part of what is learnt: without it cells are shown as large as "
        "they are in pixels. Leave it empty where it is unknown, or a manifest has a column microns_per_pixel.",
    )


def _own(named: str | None) -> dict[str, Any]:
    """Draw a network's own settings; only what a person has filled in is returned."""
    schedule = preset(named or "cpu")
    given: Mapping[str, Any] = schedule.to_dict() | {"folds": FOLDS, "size": "its own"}
    found: dict[str, Any] = {}
    with st.expander("Own settings", type="compact"):
        st.caption("What stays empty is as the settings above have it, in grey.")
        columns = st.columns(4)
        free = columns[0].selectbox(
            "What learns", STAGES, index=None, format_func=FREE.__getitem__, key=f"{OWN}free", persist_state="session",
            placeholder=FREE[schedule.free],
        )  # fmt: skip
        for number, name in enumerate(NUMBERS, start=1):
            with columns[number % len(columns)]:
                found[name] = _number(name, given[name])
    return {name: value for name, value in (found | {"free": free}).items() if value is not None}


def _own_of_classifier() -> dict[str, Any]:
    found = {}
    with st.expander("Own settings", type="compact"):
        for column, (name, usual) in zip(st.columns(3), {"copies": 2, "folds": FOLDS, "seed": 0}.items(), strict=True):
            with column:
                found[name] = _number(name, usual)
    return {name: value for name, value in found.items() if value is not None}


def _number(name: str, usual: Any) -> float | None:
    whole = name != "rate"
    return st.number_input(
        NUMBERS[name],
        value=None,
        min_value=0 if whole else 0.0,
        step=1 if whole else 1e-5,
        format="%d" if whole else "%.5f",
        placeholder=str(usual),
        help=HELP.get(name),
        key=f"{OWN}{name}",
        persist_state="session",
    )
