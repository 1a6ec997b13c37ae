"""What the training commands share: opening data, the recipe, groups of subjects, progress bars, places on disk."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from leuk_core.data.cells import LabelledCells
from leuk_core.data.groups import join, join_by_report
from leuk_core.data.layouts import open_cells
from leuk_core.errors import InvalidData
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import TASKS
from leuk_core.settings import settings
from leuk_core.training.shown import Progress, ShownCells, prepare, scale_of_set

DEFAULT_EXTRACTOR = "dcnn@1"


class Bar:
    """One progress bar on stderr for each kind of work."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._words = ""

    def __call__(self, done: int, total: int, words: str) -> None:
        """Show that `done` of `total` are done."""
        if self._bar is None or words != self._words:
            self.close()
            self._bar, self._words = tqdm(total=total, desc=words, file=sys.stderr), words
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the bar that is shown."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@dataclass(frozen=True)
class Prepared:
    """A data set ready to be learnt from.

    Parameters
    ----------
    cells : LabelledCells
        The usable cells.
    shown : ShownCells
        All cells brought to form; `positions` are the usable ones among them.
    positions, labels, groups : ndarray
        Place in `shown`, class and group of each usable cell.
    all_labels : list of str
        Class of every cell in `shown`.
    aliases_known : bool
        Whether ids of the same person were joined.
    """

    cells: LabelledCells
    shown: ShownCells
    positions: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    all_labels: list[str]
    aliases_known: bool


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name task, data, scale and groups."""
    parser.add_argument("--task", choices=TASKS, required=True)
    add_set_arguments(parser)
    parser.add_argument("--jobs", type=int, default=2, help="processes that bring cells to form")


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name data, scale and groups."""
    parser.add_argument("--data", type=Path, required=True, help="a folder in a known layout, or a manifest.csv")
    parser.add_argument("--audit", type=Path, help="JSON of `python -m train audit`: its alias groups join subjects")
    parser.add_argument("--microns-per-pixel", type=float, help="scale of all pictures; C-NMC's is known")


def open_prepared(args: argparse.Namespace, recipe: Recipe, progress: Progress) -> Prepared:
    """Open the data that the arguments name and bring every cell to form."""
    cells = open_cells(args.data)
    given = args.microns_per_pixel if args.microns_per_pixel is not None else scale_of_set(cells)
    shown = prepare(cells, recipe, settings().cache_dir, given, progress, args.jobs)
    groups = groups_of(args.audit, cells)
    positions = shown.usable
    labels = np.array(cells.labels)
    if left_out := len(cells) - len(positions):
        print(f"{left_out} of {len(cells)} pictures show no cell and are left out.", file=sys.stderr)
    return Prepared(
        cells.select(positions),
        shown,
        positions,
        labels[positions],
        groups[positions],
        cells.labels,
        args.audit is not None,
    )


def groups_of(audit: Path | None, cells: LabelledCells) -> np.ndarray:
    """Return the group of each cell: its person, joined by what an audit's report found."""
    if audit is None:
        return join(cells.subjects)
    try:
        return join_by_report(json.loads(audit.read_text("utf-8")), cells)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidData(
            f"`--audit` must be a report of `python -m train audit`. Received: {audit} ({error})"
        ) from error


def default_run(args: argparse.Namespace, model: str, protocol: str) -> Path:
    """Return the run folder that these arguments lead to."""
    base = args.runs if getattr(args, "runs", None) else settings().data_dir / "runs"
    return Path(base) / f"{args.task}-{model}-{protocol}-seed{args.seed}"
