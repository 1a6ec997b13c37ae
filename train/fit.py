"""`python -m train fit`: fit on all cells and write a version; `--model dcnn` learns the extractor's filters."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import load_task
from leuk_core.settings import settings
from leuk_core.training.cross_validate import fit as fit_classifier
from leuk_core.training.fit import store_version
from leuk_core.training.run import today
from leuk_core.zoo import classical
from train.context import Bar, Prepared, add_data_arguments, open_prepared
from train.features import add_feature_arguments, compute


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("fit", help="fit on all cells and write a model version")
    add_data_arguments(parser)
    add_feature_arguments(parser)
    parser.add_argument("--model", choices=(*classical.NAMES, "all", "dcnn"), default="all")
    parser.add_argument("--version", default=today(), help="name of the new version")
    parser.add_argument("--models", type=Path, help="where versions go; default: the installed models")
    parser.add_argument("--data-card", type=Path, help="JSON that describes the data: name, licence, specimen, stain")
    parser.add_argument(
        "--reference", help="version of `python -m train novelty` that tells what is unlike these cells"
    )
    parser.add_argument("--default", help="model that answers when none is named", choices=classical.NAMES)
    parser.add_argument("--epochs", type=int, default=4, help="passes over the cells (dcnn only)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a version."""
    root = args.models if args.models is not None else settings().models_dir
    data = json.loads(args.data_card.read_text("utf-8")) if args.data_card else {}
    if args.model == "dcnn":
        return _fit_extractor(args, root, data)
    bar = Bar()
    prepared, features, recipe = compute(args, bar)
    classes = [entry.id for entry in load_task(args.task).classes]
    target = np.array([classes.index(label) for label in prepared.labels])
    about = _about(prepared, data)
    for model in classical.NAMES if args.model == "all" else (args.model,):
        classifier = fit_classifier(model, features, target, args.seed)
        card = {
            "title": f"{model.upper()} on DCNN features",
            "task": args.task,
            "model": model,
            "version": args.version,
            "default": model == args.default,
            "training": {
                "parameters": "section 3.5.1 of Haque et al. 2024",
                "reduction": f"{classical.COMPONENTS} principal components" if model in classical.REDUCED else "none",
                "copies": args.copies,
                "seed": args.seed,
                "microns_per_pixel": args.microns_per_pixel,
            },
            **about,
        }
        folder = root / args.task / model / args.version
        store_version(folder, classifier, recipe, card, args.extractor, args.reference)
        print(json.dumps({"version": f"{args.task}/{model}@{args.version}", "folder": str(folder)}), flush=True)
    return 0


def _about(prepared: Prepared, data: dict) -> dict:
    counts = {label: int((prepared.labels == label).sum()) for label in np.unique(prepared.labels)}
    persons = {label: len(np.unique(prepared.groups[prepared.labels == label])) for label in np.unique(prepared.labels)}
    return {
        "data": [{**data.get("about", {}), "cells": counts, "subjects": persons}],
        "aliases_joined": prepared.aliases_known,
        "limits": data.get("limits", []),
    }


def _fit_extractor(args: argparse.Namespace, root: Path, data: dict) -> int:
    from leuk_core.training.pretrain import Pretraining, pretrain, store_extractor  # noqa: PLC0415 - needs Keras

    recipe, bar = Recipe(), Bar()
    prepared = open_prepared(args, recipe, bar)
    bar.close()
    how = replace(Pretraining(), epochs=args.epochs)
    folder = settings().data_dir / "runs" / f"dcnn-{args.version}"
    network, facts = pretrain(prepared.shown, prepared.all_labels, recipe, how, folder)
    target = root / "extractors" / "dcnn" / args.version
    store_extractor(network, recipe, facts, [data.get("about", {})], target)
    print(json.dumps({"extractor": f"dcnn@{args.version}", "folder": str(target), "held_out": facts["held_out"]}))
    return 0
