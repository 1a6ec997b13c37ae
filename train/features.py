"""`python -m train features`: bring cells to form and compute their DCNN features, once."""

import argparse
import json

from leuk_core.features.extractor import load_extractor
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.settings import settings
from leuk_core.training.features import features_of
from train.context import DEFAULT_EXTRACTOR, Bar, Prepared, add_data_arguments, open_prepared


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("features", help="bring cells to form and compute their features; kept on disk")
    add_data_arguments(parser)
    add_feature_arguments(parser)
    parser.set_defaults(run=run)


def add_feature_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that decide what the classifiers learn from."""
    parser.add_argument("--extractor", default=DEFAULT_EXTRACTOR, help="feature extractor, name@version")
    parser.add_argument("--copies", type=int, default=2, help="augmented copies of each training cell")
    parser.add_argument("--seed", type=int, default=0)


def compute(args: argparse.Namespace, bar: Bar) -> tuple[Prepared, list, Recipe]:
    """Return the prepared set, the features of its usable cells (as they are, then the copies) and the recipe."""
    extractor = load_extractor(args.extractor)
    recipe = extractor.recipe
    prepared = open_prepared(args, recipe, bar)
    everything = features_of(
        prepared.shown, recipe, extractor, settings().cache_dir, args.copies, args.seed, progress=bar
    )
    bar.close()
    return prepared, [copy[prepared.positions] for copy in everything], recipe


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    prepared, features, recipe = compute(args, Bar())
    facts = {
        "cells": len(prepared.labels),
        "features": int(features[0].shape[1]),
        "copies": len(features) - 1,
        "recipe_hash": recipe.hash,
        "extractor": args.extractor,
    }
    print(json.dumps(facts))
    return 0
