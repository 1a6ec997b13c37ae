"""How steady each model's answer about the open cell is, worked out in a thread once a person asks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from components.all_models import is_under_trained
from components.cards import two_digits
from components.classes import tally
from components.incidents import record
from components.model_table import UNDER_TRAINED
from components.models import loaded, model_title
from leuk_core.errors import LeukError
from leuk_core.images import SmearImage
from leuk_core.registry import ModelVersion, Task, load_task

if TYPE_CHECKING:  # importing it brings scikit-learn, which a slider has no need of
    from leuk_core.steadiness import Steadiness

COPIES, WORK, BUTTON = "leuk.prep.copies", "leuk.prep.steady", "leuk.prep.steady.button"
OFFERED, AT_FIRST = (50, 100, 200), 100
CALM = 0.6
"""Seconds without a moved slider after which the thread goes on: the picture under the hand comes first."""
POLL = 0.5

_GLUE = "\N{NO-BREAK SPACE}"

ABOUT = (
    "Each model is asked about the cell as its own recipe shows it, whatever the sliders say, and about copies changed "
    "by all seven augmentations at once. A flip: another class is likeliest than for the cell itself, whether or not "
    "the model is decided. A steady answer may still be wrong."
)


class _Stopped(Exception):
    """The work is not wanted any more."""


@dataclass(eq=False)
class Work:
    """One cell asked about by several models in a thread of its own; ends with the last model or when stopped.

    Parameters
    ----------
    picture : SmearImage
        The cell.
    microns_per_pixel : float or None
        Scale given by a person.
    versions : tuple of ModelVersion
        Which models, in order.
    copies, seed : int
        How many augmented copies, and the seed of their draws.
    """

    picture: SmearImage
    microns_per_pixel: float | None
    versions: tuple[ModelVersion, ...]
    copies: int
    seed: int
    found: dict[str, Steadiness | str] = field(default_factory=dict)
    share: float = 0.0
    words: str = ""
    working: bool = True
    stopped: bool = False
    _moved: float = 0.0

    def is_for(self, other: Work) -> bool:
        """Return whether it answers what another one would be asked."""
        return self._question == other._question

    @property
    def _question(self) -> tuple[object, ...]:
        refs = tuple(version.ref for version in self.versions)
        return self.picture.pixels_sha256, self.microns_per_pixel, refs, self.copies, self.seed

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="leuk-steady", daemon=True).start()

    def stop(self) -> None:
        """Give up after the copies that are under way; what was found stays."""
        self.stopped = True

    def wait_for_hand(self) -> None:
        """Let the thread rest until the hand on a slider does."""
        self._moved = time.monotonic()

    def _run(self) -> None:
        try:
            for place, version in enumerate(self.versions):
                if version.ref in self.found:
                    continue
                self._tell(place, version, 0, self.copies)
                self.found[version.ref] = self._ask(place, version)
        except _Stopped:
            pass
        finally:
            self.working = False

    def _ask(self, place: int, version: ModelVersion) -> Steadiness | str:
        from leuk_core.steadiness import steadiness  # noqa: PLC0415 brings scikit-learn

        def tell(done: int, total: int) -> None:
            self._tell(place, version, done, total)

        try:
            return steadiness(loaded(version.ref), self.picture, self.copies, self.seed, self.microns_per_pixel, tell)
        except LeukError as error:
            return str(error)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 one model must not take the others with it
            return f"No answer: something unexpected happened (error {record(error, (self.picture.name,))} in the log)."

    def _tell(self, place: int, version: ModelVersion, done: int, total: int) -> None:
        self.share = (place + done / total) / len(self.versions)
        self.words = f"{model_title(version)}, model {place + 1} of {len(self.versions)}: {done} of {total} copies"
        while not self.stopped and time.monotonic() - self._moved < CALM:
            time.sleep(0.05)
        if self.stopped:
            raise _Stopped


def let_rest() -> None:
    """Tell the work of this session, if any, that a slider was moved."""
    work: Work | None = st.session_state.get(WORK)
    if work is not None and work.working:
        work.wait_for_hand()


def steady(picture: SmearImage, microns_per_pixel: float | None, versions: Sequence[ModelVersion], seed: int) -> None:
    """Draw the section; nothing is asked before its button is pressed.

    Parameters
    ----------
    picture : SmearImage
        The open cell.
    microns_per_pixel : float or None
        Scale given by a person.
    versions : sequence of ModelVersion
        The installed models of the task.
    seed : int
        Of the draws.
    """
    copies = int(st.session_state.get(COPIES) or AT_FIRST)
    watched = _runs(_known(Work(picture, microns_per_pixel, tuple(versions), copies, seed)))
    # a run that waits for the work would hold up the sliders: Streamlit ends no run for another fragment's sake
    st.fragment(_section, run_every=POLL if watched else None)(
        picture, microns_per_pixel, tuple(versions), seed, watched=watched
    )


def _section(
    picture: SmearImage,
    microns_per_pixel: float | None,
    versions: tuple[ModelVersion, ...],
    seed: int,
    *,
    watched: bool,
) -> None:
    st.markdown("**How steady is each model's answer under these changes?**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        copies = st.segmented_control(
            "Copies", OFFERED, default=AT_FIRST, required=True, key=COPIES, persist_state="session"
        )
        wanted = Work(picture, microns_per_pixel, versions, int(copies or AT_FIRST), seed)
        work = _known(wanted)
        if _runs(work) != watched:
            st.rerun()  # the whole page: the watch over the work begins or ends with it
        if work is None or work.stopped:
            words = "Go on" if work else "Ask the model" if len(versions) == 1 else f"Ask all {len(versions)} models"
            st.button(words, icon=":material/groups:", key=BUTTON, on_click=_begin, args=(wanted,))
        elif work.working:
            st.button("Stop", icon=":material/stop_circle:", key=BUTTON, on_click=work.stop)
    if work is not None:
        if _runs(work):
            st.progress(min(work.share, 1.0), text=work.words)
        st.html(table_html(work, load_task(versions[0].task)))
    st.caption(ABOUT)


def _runs(work: Work | None) -> bool:
    return work is not None and work.working and not work.stopped


def _known(wanted: Work) -> Work | None:
    """Return the work of this session if it is about what is wanted now; any other one is stopped."""
    work: Work | None = st.session_state.get(WORK)
    if work is None or work.is_for(wanted):
        return work
    work.stop()
    return None


def _begin(wanted: Work) -> None:
    before = _known(wanted)
    if before is not None:
        wanted.found |= before.found
    st.session_state[WORK] = wanted
    wanted.start()


def table_html(work: Work, task: Task) -> str:
    """Return a line a model: the cell's own answer, flips of n copies with their exact interval, where they go.

    Parameters
    ----------
    work : Work
        With what was found so far.
    task : Task
        Names the classes.
    """
    heads = ("model", "likeliest for the cell", "label flips", "95 % interval", "flips to", "its probability on copies")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    lines = "".join(_line(version, work, task) for version in work.versions)
    table = f'<table class="leuk-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    n = f"n = {work.copies} augmented copies of this one cell, seed {work.seed}; the interval is exact, over the draws."
    return f'<div data-testid="leuk-steady">{table}<div class="leuk-quiet">{n}</div></div>'


def _line(version: ModelVersion, work: Work, task: Task) -> str:
    mark = f' <span class="leuk-mark">{UNDER_TRAINED}</span>' if is_under_trained(version) else ""
    name = f'<th scope="row" title="{escape(version.ref)}">{escape(model_title(version))}{mark}</th>'
    found = work.found.get(version.ref)
    if found is None or isinstance(found, str):
        why = found or ("was not asked" if work.stopped else "…")
        return f'<tr>{name}<td colspan="5">{escape(why)}</td></tr>'
    short = {entry.id: entry.short for entry in task.classes}
    share = found.share
    interval = f"{100 * (share.low or 0.0):.1f} to {100 * (share.high or 0.0):.1f} %"
    others = tally([(short[label], count) for label, count in found.flips_to.items()]) or "–"
    cells = (
        f"{short[found.label]} {two_digits(found.probability)}",
        f"{found.flips} of {found.copies}: {100 * (share.value or 0.0):.0f} %".replace(" ", _GLUE),
        interval.replace(" ", _GLUE),
        others,
        f"{two_digits(found.lowest)} to {two_digits(found.highest)}",
    )
    flips = f"<b>{escape(cells[1])}</b>" if found.flips else escape(cells[1])
    said = "".join(f"<td>{text}</td>" for text in (escape(cells[0]), flips, *map(escape, cells[2:])))
    return f"<tr>{name}{said}</tr>"
