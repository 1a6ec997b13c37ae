"""`python -m train cross-validate`: out-of-fold scores of classifiers and networks, by subject and by image."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidParameter
from leuk_core.registry.versions import load_task
from leuk_core.training.cross_validate import cross_validate, write_sizes_and_colours
from leuk_core.training.networks.schedule import PRESETS
from leuk_core.views import COUNTS
from leuk_core.zoo import classical
from train import networks
from train.context import Bar, Prepared, add_data_arguments, default_run
from train.features import add_feature_arguments, compute

COPIES = 2
"""Changed copies of a cell that classifiers learn from where nothing is asked for."""


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("cross-validate", help="judge models on cells and persons they did not see")
    add_data_arguments(parser)
    add_feature_arguments(parser)
    parser.add_argument("--model", choices=(*classical.NAMES, "all", *networks.NAMES), default="all")
    parser.add_argument(
        "--protocol", choices=(*Protocol, "both"), help="classifiers: both; networks: by-subject where none is named"
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument(
        "--judge", metavar="SOURCE", help="judge cells of this source only (manifest); the others are only learnt from"
    )
    parser.add_argument("--only-fold", type=int, metavar="K", help="train this fold only, from 0 (networks)")
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help="classifiers: paper is by image, five folds, 75 %% / 5 %% / 20 %% in each; networks: settings (cpu)",
    )
    parser.add_argument("--runs", type=Path, help="where run folders go")
    parser.add_argument(
        "--views", type=int, choices=COUNTS, default=1, help="judge by the mean over turned and mirrored views too"
    )
    parser.add_argument("--mlflow", action="store_true", help="log finished folds into MLflow too (networks)")
    networks.add_network_arguments(parser)
    parser.set_defaults(run=run, copies=None)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a run."""
    if args.model in networks.NAMES:
        return _networks(args)
    if args.preset not in (None, "paper") or args.only_fold is not None:
        raise InvalidParameter("`--preset cpu|gpu` and `--only-fold` are for networks. Received: --model " + args.model)
    args.copies = COPIES if args.copies is None else args.copies
    args.protocol = args.protocol or "both"
    if args.preset == "paper":
        args.protocol, args.folds = "by-image", 5
    bar = Bar()
    prepared, features, recipe = compute(args, bar)
    classes = [entry.id for entry in load_task(args.task).classes]
    config = _config(args, prepared) | {
        "extractor": args.extractor,
        "copies": args.copies,
        "recipe_hash": recipe.hash,
    }
    for protocol in _protocols(args.protocol):
        for model in classical.NAMES if args.model == "all" else (args.model,):
            folder = default_run(args, model, str(protocol))
            cross_validate(
                model, features, prepared.labels, prepared.groups, classes, folder, config,
                protocol=protocol, folds=args.folds, seed=args.seed,
                spare=0.0625 if args.preset == "paper" else 0.0, judged=_judged(args, prepared), progress=bar,
            )  # fmt: skip
            bar.close()
            shown, used = prepared.shown, prepared.positions
            write_sizes_and_colours(folder, shown.areas[used], shown.colours[used])
            print(json.dumps({"run": str(folder), "model": model, "protocol": protocol}), flush=True)
    return 0


def _networks(args: argparse.Namespace) -> int:
    from leuk_core.training.networks.cross_validate import Folds  # noqa: PLC0415 - needs Keras
    from leuk_core.training.networks.cross_validate import cross_validate as judge  # noqa: PLC0415

    bar = Bar()
    prepared, workshop = networks.workshop_of(args, bar)
    for protocol in _protocols(args.protocol or Protocol.BY_SUBJECT):
        folder = default_run(args, args.model, str(protocol))
        folder = folder.with_name(f"{folder.name}-{args.tag}" if args.tag else folder.name)
        folds = Folds(protocol, args.folds, args.seed, args.only_fold, _judged(args, prepared))
        found = judge(workshop, folds, folder, _config(args, prepared))
        if args.views > 1:
            from leuk_core.training.networks.more_views import judge_by_views  # noqa: PLC0415 - needs Keras

            found = judge_by_views(workshop, folds, folder, found, args.views)
        bar.close()
        judged = sorted(set(found.fold.tolist()) - {-1})
        print(f"{len(judged)} of {args.folds} folds are finished: {judged}", file=sys.stderr)
        if args.mlflow:
            from leuk_core.training.mlflow_export import export_run  # noqa: PLC0415 - optional

            export_run(folder)
        line = {"run": str(found.folder), "model": args.model, "protocol": protocol, "folds": judged}
        print(json.dumps(line), flush=True)
    return 0


def _protocols(named: str) -> list[Protocol]:
    return list(Protocol)[:2] if named == "both" else [Protocol(named)]


def _judged(args: argparse.Namespace, prepared: Prepared) -> np.ndarray | None:
    if args.judge is None:
        return None
    chosen = np.array([cell.source == args.judge for cell in prepared.cells])
    if not chosen.any():
        known = ", ".join(sorted({cell.source for cell in prepared.cells}))
        raise InvalidParameter(f"`--judge` must be a source of the data ({known}). Received: {args.judge}")
    return chosen


def _config(args: argparse.Namespace, prepared: Prepared) -> dict[str, Any]:
    return {
        "task": args.task,
        "data": prepared.cells.name,
        "cells": prepared.shown.key,
        "classes": [entry.id for entry in load_task(args.task).classes],
        "aliases_known": prepared.aliases_known,
        "preset": args.preset,
        **({"judged_source": args.judge} if args.judge else {}),
    }
