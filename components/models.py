"""Which task and model this session asks, and the model itself, loaded once a process and warmed in the background."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from components.incidents import record
from leuk_core.errors import LeukError
from leuk_core.registry import ModelVersion, find_version, installed_tasks, list_versions, load_task

if TYPE_CHECKING:
    from leuk_core.prediction import Predictor

TASK = "leuk.task"
MODEL = "leuk.model"
ANSWERING = "leuk.answering"

LONGEST_WAIT = 300.0

PROTOCOL_WORDS = {
    "by-subject": "split by subject",
    "by-image": "split by image",
    "subjects-unknown": "subjects unknown",
}


def chosen_task() -> str | None:
    """Return the task that this session looks at, with or without a trained version; None where none is installed."""
    tasks = installed_tasks()
    asked = st.session_state.get(TASK)
    if asked in tasks:
        return str(asked)
    installed = list_versions()
    return find_version().task if installed else next(iter(tasks), None)


def chosen_version() -> ModelVersion | None:
    """Return the version that this session asks, or None where none of its task is installed."""
    task = chosen_task()
    of_task = [version for version in list_versions() if version.task == task]
    asked = st.session_state.get(MODEL)
    return next((version for version in of_task if version.ref == asked), default_of(of_task))


def default_of(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """Return the version of a task that answers where none is named; None where there is none.

    Parameters
    ----------
    versions : sequence of ModelVersion
        All of one task.
    """
    return next((version for version in versions if version.card.get("default")), next(iter(versions), None))


def newest_models(version: ModelVersion) -> list[ModelVersion]:
    """Return the newest version of every model of a version's task, and the version itself in its model's place.

    Parameters
    ----------
    version : ModelVersion
        The one that this session asks.
    """
    found: dict[str, ModelVersion] = {}
    for entry in list_versions():
        if entry.task == version.task:
            found.setdefault(entry.model, entry)
    found[version.model] = version
    return list(found.values())


def model_title(version: ModelVersion) -> str:
    """Return a model's name for people."""
    return str(version.card.get("title") or version.model)


def threshold_of(version: ModelVersion) -> float:
    """Return the probability under which this version's answers are undecided; 0 where none was chosen."""
    return float(version.decision().get("threshold", 0.0))


class WarmUp:
    """Loads the first model in a thread of its own, so that the first picture does not wait for TensorFlow.

    Parameters
    ----------
    pause : float
        Seconds between the first page and the work, so that the page reaches the browser first.

    Attributes
    ----------
    state : {"idle", "warming", "ready", "failed"}
        Where it stands.
    sentence : str
        Why it failed; empty otherwise.
    """

    def __init__(self, pause: float = 1.0) -> None:
        self.pause = pause
        self.state = "idle"
        self.sentence = ""
        self._lock = threading.Lock()
        self._done = threading.Event()

    def start(self, ref: str) -> None:
        """Begin to load `ref`; does nothing where that has begun already."""
        with self._lock:
            if self.state != "idle":
                return
            self.state = "warming"
        threading.Thread(target=self._load, args=(ref,), name="leuk-warm-up", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait until the work has ended, at most `seconds`; return whether it has."""
        return self._done.wait(seconds)

    def _load(self, ref: str) -> None:
        time.sleep(self.pause)
        try:
            from leuk_core.prediction import load_predictor  # noqa: PLC0415 brings scikit-learn and TensorFlow

            load_predictor(ref)
            _set_aside()
        except LeukError as error:
            self.state, self.sentence = "failed", str(error)
        except Exception as error:  # noqa: BLE001 a thread has nobody above it to tell
            self.state, self.sentence = "failed", f"The model could not be loaded (error {record(error)} in the log)."
        else:
            self.state = "ready"
        finally:
            self._done.set()


@st.cache_resource(show_spinner=False)
def warm_up() -> WarmUp:
    """Return the one warm-up of this process."""
    return WarmUp()


def warming() -> Iterator[int]:
    """Yield the seconds waited, about once a second, while the warm-up is under way.

    Two loads at once take longer than one after the other, so a page waits for it and says so.
    """
    warmth = warm_up()
    start = time.monotonic()
    while warmth.state == "warming" and time.monotonic() - start < LONGEST_WAIT:
        yield round(time.monotonic() - start)
        warmth.wait(1.0)


def loaded(ref: str) -> Predictor:
    """Return the loaded model `ref`; loads it where that has not happened yet.

    Parameters
    ----------
    ref : str
        `<task>/<model>@<version>`.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """
    from leuk_core.prediction import load_predictor  # noqa: PLC0415 brings scikit-learn and TensorFlow

    predictor = load_predictor(ref)
    if ref not in _aside():
        _set_aside()
        _aside().add(ref)
    return predictor


def _set_aside() -> None:
    """Take what is loaded out of the garbage collector's sight.

    Streamlit and Keras each collect all garbage at the end of every run. With TensorFlow loaded that takes half a
    second, in which no widget is heard. What is set aside is still freed when nothing refers to it any more.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def _aside() -> set[str]:
    """Return the references of the models that were set aside in this process."""
    return set()


def begin_warm_up() -> None:
    """Begin to load this session's model in the background; called once the page stands."""
    version = chosen_version()
    if version:
        warm_up().start(version.ref)


def figure_sentence(card: dict[str, Any]) -> str:
    """Return a card's shown figure with its interval, protocol and n, as one line.

    Parameters
    ----------
    card : dict
        A version's card; `shown_figure` holds name, value, low, high, protocol, n and n_subjects.

    Returns
    -------
    str
        Empty where the card has no figure.

    Examples
    --------
    >>> figure_sentence({"shown_figure": {"name": "weighted F1", "value": 0.82, "low": 0.77, "high": 0.86,
    ...                  "protocol": "by-subject", "n": 6150, "n_subjects": 33}})
    'weighted F1 0.82 (95 % 0.77 to 0.86), split by subject, n = 6,150 cells of 33 subjects'
    """
    figure = card.get("shown_figure")
    if not figure:
        return ""
    text = f"{figure['name']} {figure['value']:.2f}"
    if figure.get("low") is not None and figure.get("high") is not None:
        text += f" (95 % {figure['low']:.2f} to {figure['high']:.2f})"
    protocol = str(figure.get("protocol", ""))
    text += f", {PROTOCOL_WORDS.get(protocol, protocol or 'protocol not stated')}"
    if figure.get("n"):
        text += f", n = {figure['n']:,} cells"
        if figure.get("n_subjects"):
            text += f" of {figure['n_subjects']} subjects"
    return text


def choose() -> None:
    """Draw task and model in the sidebar, each a choice only where there is more than one, with what is known of it."""
    installed, tasks = list_versions(), installed_tasks()
    if not tasks:
        st.caption("No model is installed. Pictures can be read and preprocessed, but not answered.")
        return
    task = _one_of("Task", {task: load_task(task).title for task in tasks}, TASK, chosen_task() or tasks[0])
    of_task = [version for version in installed if version.task == task]
    first = default_of(of_task)
    if first is None:
        st.markdown(":small[:gray[Model]]  \nnone is installed for this task")
        st.caption("Pictures can be read and preprocessed, but not answered. What is missing stands on the page Home.")
        return
    _follow(of_task)
    _one_of("Model", _names(of_task), MODEL, first.ref)
    version = chosen_version()
    if version is None:
        return
    figure = figure_sentence(version.card) or "no figure has been measured yet"
    st.caption(f"Version {version.version}: {figure}")
    for data in version.card.get("data", ()):
        kind = [data[name] for name in ("specimen", "stain") if data.get(name)]
        if kind:
            st.caption(f"Learnt from: {'; '.join(kind)}")


def _follow(of_task: list[ModelVersion]) -> None:
    """Go with a promotion, or with one taken back, where this session asks the version that answered until then."""
    now: dict[str, str] = {}
    for version in of_task:  # of each model the one that answers comes first
        now.setdefault(f"{version.task}/{version.model}", version.ref)
    before = st.session_state.get(ANSWERING, {})
    asked = st.session_state.get(MODEL)
    for model, ref in now.items():
        if asked is not None and before.get(model) == asked:
            st.session_state[MODEL] = ref
    st.session_state[ANSWERING] = {**before, **now}


def _names(versions: list[ModelVersion]) -> dict[str, str]:
    """Return by reference what stands in the choice: the title, with the version only where one title has several."""
    titles = [model_title(version) for version in versions]
    return {
        version.ref: (f"{version.version}, " if titles.count(model_title(version)) > 1 else "")
        + model_title(version)
        + (" (under-trained)" if version.card.get("under_trained") else "")
        for version in versions
    }


def _one_of(label: str, titles: dict[str, str], key: str, preferred: str) -> str:
    """Draw a choice, or plain text where there is nothing to choose; return the key of the chosen one."""
    if st.session_state.get(key) not in titles:
        st.session_state[key] = preferred if preferred in titles else next(iter(titles))
    if len(titles) > 1:
        st.selectbox(label, list(titles), format_func=titles.__getitem__, key=key)
    else:
        st.markdown(f":small[:gray[{label}]]  \n{titles[st.session_state[key]]}")
    return str(st.session_state[key])


def light() -> None:
    """Draw the small light that says whether the first answer will be quick; polls only until it is."""
    if chosen_version() is None:
        return
    if warm_up().state in {"ready", "failed"}:
        _light()
    else:  # it stops to poll with the next run of the page: asking for one here could swallow a person's click
        st.fragment(_light, run_every=1.5)()


def _light() -> None:
    warmth = warm_up()
    if warmth.state == "ready":
        st.caption(":material/check_circle: Models are ready")
    elif warmth.state == "failed":
        st.caption(f":material/error: {warmth.sentence}")
    else:
        st.caption(":material/hourglass_top: Models are warming up")
