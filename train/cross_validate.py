"""`python -m train cross-validate`: out-of-fold scores of the five classifiers, by subject and by image."""

import argparse
import json
from pathlib import Path

from leuk_core.data.splits import Protocol
from leuk_core.registry.versions import load_task
from leuk_core.training.cross_validate import cross_validate, write_sizes_and_colours
from leuk_core.zoo import classical
from train.context import Bar, add_data_arguments, default_run
from train.features import add_feature_arguments, compute


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("cross-validate", help="judge classifiers on cells and persons they did not see")
    add_data_arguments(parser)
    add_feature_arguments(parser)
    parser.add_argument("--model", choices=(*classical.NAMES, "all"), default="all")
    parser.add_argument("--protocol", choices=("by-subject", "by-image", "both"), default="both")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--preset", choices=("paper",), help="by image, five folds, 75 %% / 5 %% / 20 %% in each")
    parser.add_argument("--runs", type=Path, help="where run folders go")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a run."""
    if args.preset == "paper":
        args.protocol, args.folds = "by-image", 5
    bar = Bar()
    prepared, features, recipe = compute(args, bar)
    classes = [entry.id for entry in load_task(args.task).classes]
    config = {
        "task": args.task,
        "data": prepared.cells.name,
        "cells": prepared.shown.key,
        "extractor": args.extractor,
        "copies": args.copies,
        "recipe_hash": recipe.hash,
        "classes": classes,
        "aliases_known": prepared.aliases_known,
        "preset": args.preset,
    }
    protocols = list(Protocol)[:2] if args.protocol == "both" else [Protocol(args.protocol)]
    for protocol in protocols:
        for model in classical.NAMES if args.model == "all" else (args.model,):
            folder = default_run(args, model, str(protocol))
            cross_validate(
                model, features, prepared.labels, prepared.groups, classes, folder, config,
                protocol=protocol, folds=args.folds, seed=args.seed,
                spare=0.0625 if args.preset == "paper" else 0.0, progress=bar,
            )  # fmt: skip
            bar.close()
            shown, used = prepared.shown, prepared.positions
            write_sizes_and_colours(folder, shown.areas[used], shown.colours[used])
            print(json.dumps({"run": str(folder), "model": model, "protocol": protocol}), flush=True)
    return 0
