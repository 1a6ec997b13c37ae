"""`python -m train novelty`: learn to tell cells apart that are unlike a task's training cells."""

import argparse
import json
from pathlib import Path

import numpy as np

from leuk_core.data.layouts import open_cells
from leuk_core.data.splits import Protocol, group_folds
from leuk_core.features.extractor import FeatureExtractor, load_extractor
from leuk_core.settings import settings
from leuk_core.training.features import features_of
from leuk_core.training.novelty import Measured, fit_novelty, store_novelty
from leuk_core.training.run import today, write_array
from leuk_core.training.shown import ShownCells, prepare
from train.context import DEFAULT_EXTRACTOR, Bar, add_data_arguments, open_prepared


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("novelty", help="learn what is unlike the training cells")
    add_data_arguments(parser)
    parser.add_argument("--others", type=Path, required=True, help="cells of other kinds, from another source")
    parser.add_argument("--others-microns-per-pixel", type=float, help="their scale")
    parser.add_argument(
        "--like", action="append", default=[], help="class among the others that is the same kind of cell"
    )
    parser.add_argument("--extractor", default=DEFAULT_EXTRACTOR, help="feature extractor, name@version")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--version", default=today(), help="name of the new reference")
    parser.add_argument("--models", type=Path, help="where it goes; default: the installed models")
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="runs by subject on these cells that count it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON."""
    bar = Bar()
    extractor = load_extractor(args.extractor)
    recipe = extractor.recipe
    prepared = open_prepared(args, recipe, bar)
    cells = _measured(prepared.shown, extractor, bar)[prepared.positions]
    others = open_cells(args.others)
    shown = prepare(others, recipe, settings().cache_dir, args.others_microns_per_pixel, bar, args.jobs)
    kinds = _measured(shown, extractor, bar).features
    bar.close()
    usable, labels = shown.usable, np.array(others.labels)
    same = np.isin(labels[usable], args.like)
    folds = group_folds(prepared.labels, prepared.groups, args.folds, args.seed)
    fitted = fit_novelty(cells, folds, kinds[usable[same]], kinds[usable[~same]], args.extractor, args.seed)
    root = args.models if args.models is not None else settings().models_dir
    known = prepared.cells.subjects_known
    facts = {
        "task": args.task, "data": prepared.cells.name, "n": len(prepared.labels),
        "n_subjects": len(np.unique(prepared.groups)) if known else None, "seed": args.seed,
        "protocol": str(Protocol.BY_SUBJECT if known else Protocol.SUBJECTS_UNKNOWN),
        "others": {"data": others.name, "like": args.like, "n_like": int(same.sum()), "n_unlike": int((~same).sum())},
    }  # fmt: skip
    store_novelty(root / args.task / "reference" / args.version, fitted.novelty, facts)
    for folder in args.runs:
        write_array(folder / "unlike.npy", fitted.unlike)
    print(
        json.dumps({"reference": args.version, "unlike": round(float(fitted.unlike.mean()), 4), "n": len(cells.areas)})
    )
    return 0


def _measured(shown: ShownCells, extractor: FeatureExtractor, bar: Bar) -> Measured:
    features = features_of(shown, extractor.recipe, extractor, settings().cache_dir, copies=0, progress=bar)[0]
    return Measured(shown.areas, shown.colours, features)
