"""`python -m train fit`: fit on all cells and write a version; `--model dcnn` learns the extractor's filters."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import MODELS, load_task
from leuk_core.settings import settings
from leuk_core.training.cross_validate import fit as fit_classifier
from leuk_core.training.fit import SEEN, about, classifier_facts, store_version
from leuk_core.training.networks.schedule import PRESETS
from leuk_core.training.run import today
from leuk_core.zoo import classical
from train import fit_networks, networks
from train.context import Bar, add_data_arguments, open_prepared
from train.cross_validate import COPIES
from train.features import add_feature_arguments, compute

EXTRACTOR_EPOCHS = 4


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("fit", help="fit on all cells and write a model version")
    add_data_arguments(parser)
    add_feature_arguments(parser)
    parser.add_argument("--model", choices=(*classical.NAMES, "all", "dcnn", *networks.NAMES), default="all")
    parser.add_argument("--version", default=today(), help="name of the new version")
    parser.add_argument("--models", type=Path, help="where versions go; default: the installed models")
    parser.add_argument("--data-card", type=Path, help="JSON that describes the data: name, licence, specimen, stain")
    parser.add_argument(
        "--reference", help="version of `python -m train novelty` that tells what is unlike these cells"
    )
    parser.add_argument("--default", help="model that answers when none is named", choices=MODELS)
    parser.add_argument("--preset", choices=tuple(PRESETS), help="settings of a network; cpu where none is named")
    parser.add_argument("--from-run", type=Path, help="settings, and epochs, of this cross-validation (networks)")
    parser.add_argument("--from-fold", type=int, metavar="K", help="store the network that this fold of it left")
    parser.add_argument("--bits", type=int, choices=(16, 8), default=16, help="of each stored weight (networks)")
    networks.add_network_arguments(parser)
    parser.set_defaults(run=run, copies=None)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a version."""
    root = args.models if args.models is not None else settings().models_dir
    data = json.loads(args.data_card.read_text("utf-8")) if args.data_card else {}
    if args.model == "dcnn":
        return _fit_extractor(args, root, data)
    if args.model in networks.NAMES:
        return fit_networks.run(args, root, data)
    args.copies = COPIES if args.copies is None else args.copies
    bar = Bar()
    prepared, features, recipe = compute(args, bar)
    classes = [entry.id for entry in load_task(args.task).classes]
    target = np.array([classes.index(label) for label in prepared.labels])
    data_facts = about(
        prepared.labels, prepared.groups, data, aliases_known=prepared.aliases_known,
        subjects_known=prepared.cells.subjects_known,
    )  # fmt: skip
    for model in classical.NAMES if args.model == "all" else (args.model,):
        classifier = fit_classifier(model, features, target, args.seed)
        card = {
            "task": args.task,
            "model": model,
            "version": args.version,
            "default": model == args.default,
            **classifier_facts(model, classifier, args.copies, args.seed, args.microns_per_pixel),
            **data_facts,
        }
        folder = root / args.task / model / args.version
        some = np.random.default_rng(args.seed).permutation(len(target))[:SEEN]
        store_version(folder, classifier, recipe, card, args.extractor, args.reference, features[0][some])
        print(json.dumps({"version": f"{args.task}/{model}@{args.version}", "folder": str(folder)}), flush=True)
    return 0


def _fit_extractor(args: argparse.Namespace, root: Path, data: dict) -> int:
    from leuk_core.training.pretrain import Pretraining, pretrain, store_extractor  # noqa: PLC0415 - needs Keras

    recipe, bar = Recipe(), Bar()
    prepared = open_prepared(args, recipe, bar)
    bar.close()
    how = replace(Pretraining(), epochs=args.epochs or EXTRACTOR_EPOCHS)
    folder = settings().data_dir / "runs" / f"dcnn-{args.version}"
    network, facts = pretrain(prepared.shown, prepared.all_labels, recipe, how, folder)
    target = root / "extractors" / "dcnn" / args.version
    store_extractor(network, recipe, facts, [data.get("about", {})], target)
    print(json.dumps({"extractor": f"dcnn@{args.version}", "folder": str(target), "held_out": facts["held_out"]}))
    return 0
