"""`python -m train fit --model NETWORK`: a version from all cells, or from a finished fold of a cross-validation."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.settings import settings
from leuk_core.training.fit import about
from leuk_core.training.networks.schedule import Schedule
from leuk_core.training.networks.settled import settled
from train import networks
from train.context import Bar

if TYPE_CHECKING:
    from leuk_core.training.networks.workshop import Workshop

COMPARED = 500
"""Cells on which stored weights are compared with those that were learnt: of a fold the judged ones."""


def run(args: argparse.Namespace, root: Path, data: dict[str, Any]) -> int:
    """Fit and store one network; prints one line of JSON."""
    folder = root / args.task / args.model / args.version
    if (folder / "card.json").exists():
        raise InvalidData(f"A version is never changed: give `--version` another name. Received: {args.version}")
    if args.from_fold is not None:
        if args.from_run is None:
            raise InvalidParameter("`--from-fold` needs `--from-run`. Received: no run folder")
        network, workshop, card, places = _of_fold(args.from_run, args.from_fold, args, data)
    else:
        network, workshop, card, places = _of_all(args, data)
    from leuk_core.training.networks.store import store_network  # noqa: PLC0415 - needs Keras

    reference = {"reference": args.reference} if args.reference else {}
    views = {} if args.from_run is None else {"views": _config(args.from_run, args).get("views", 1)}
    facts = {"task": args.task, "version": args.version, **card, **views, **reference}
    facts["default"] = args.default == args.model
    store_network(folder, network, workshop.cells.recipe, facts, workshop.seen_whole(places[:COMPARED]), args.bits)
    line = {"version": f"{args.task}/{args.model}@{args.version}", "folder": str(folder)}
    print(json.dumps({**line, "epochs": card["epochs"], "warning": card["warning"]}), flush=True)
    return 0


def _of_all(args: argparse.Namespace, data: dict[str, Any]) -> tuple[Any, Workshop, dict[str, Any], np.ndarray]:
    """Train on all cells with the settings of a run, or of the arguments, and no validation part."""
    from leuk_core.training.networks.cross_validate import epochs_taken  # noqa: PLC0415 - needs Keras
    from leuk_core.training.networks.fit import train  # noqa: PLC0415
    from leuk_core.training.networks.machine import ready  # noqa: PLC0415
    from leuk_core.training.networks.store import network_card  # noqa: PLC0415

    bar = Bar()
    if args.from_run is not None:
        config = _config(args.from_run, args)
        recipe = Recipe.from_dict(config["recipe"])
        schedule, words = settled(Schedule.from_dict(config["schedule"]), args.from_run)
        sys.stderr.write(words)
        prepared, workshop = networks.workshop_with(args, recipe, schedule, config["parameters"], bar)
        if workshop.start.kind != config["start"] or workshop.start.sha256 != config["start_sha256"]:
            raise InvalidParameter(f"`--start` must be the run's, {config['start']}. Received: {workshop.start.kind}")
    else:
        prepared, workshop = networks.workshop_of(args, bar)
        workshop.schedule = replace(workshop.schedule, validation=0.0)
    schedule, recipe, everything = workshop.schedule, workshop.cells.recipe, np.arange(len(prepared.labels))
    place = settings().data_dir / "runs" / f"{args.task}-{args.model}-fit-{args.version}"
    with ready(schedule.mixed_precision) as machine:
        trainee = workshop.trainee()
        history = train(trainee, workshop.learnt(everything), schedule, place, progress=bar)
    bar.close()
    card = network_card(
        args.model, recipe, workshop.cells.classes, workshop.parameters, schedule, workshop.started,
        epochs_taken(history), history,
    )  # fmt: skip
    card["training"] |= {"machine": machine, "microns_per_pixel": args.microns_per_pixel}
    card |= about(
        prepared.labels, prepared.groups, data, aliases_known=prepared.aliases_known,
        subjects_known=prepared.cells.subjects_known,
    )  # fmt: skip
    shutil.rmtree(place)
    return trainee.whole, workshop, card, np.random.default_rng(0).permutation(everything)


def _of_fold(
    run: Path, number: int, args: argparse.Namespace, data: dict[str, Any]
) -> tuple[Any, Workshop, dict[str, Any], np.ndarray]:
    """Take the network that a finished fold left; the card says which persons it did not see."""
    from leuk_core.training.networks.store import fold_of_run, network_card, network_of_fold  # noqa: PLC0415

    config = _config(run, args)
    found = fold_of_run(run, number)
    schedule, recipe = Schedule.from_dict(config["schedule"]), Recipe.from_dict(config["recipe"])
    facts = found["facts"]
    card = network_card(
        args.model, recipe, tuple(config["classes"]), config["parameters"], schedule, facts["start"],
        facts["epochs"], found["history"],
    )  # fmt: skip
    card["training"] |= {"machine": facts["machine"], "microns_per_pixel": args.microns_per_pixel}
    learnt = ~found["judged"] if "persons" not in facts else np.isin(found["groups"], facts["persons"])
    prepared, workshop = networks.workshop_with(args, recipe, schedule, config["parameters"], Bar())
    if prepared.shown.key != config["cells"]:
        raise InvalidData(f"`--data` must be the cells of the run. Received: {prepared.cells.name}")
    known = prepared.cells.subjects_known
    card |= about(
        found["labels"][learnt], found["groups"][learnt], data, aliases_known=config["aliases_known"],
        subjects_known=known,
    )  # fmt: skip
    card["fold"] = {
        "number": number, "of": config["folds"], "protocol": config["protocol"],
        "cells_not_seen": int((~learnt).sum()),
    }  # fmt: skip
    if "persons" in facts and known:
        card["fold"]["persons_not_seen"] = sorted(set(found["groups"][~learnt].tolist()))
    places = np.random.default_rng(0).permutation(np.flatnonzero(found["judged"]))
    return network_of_fold(run, number, config), workshop, card, places


def _config(run: Path, args: argparse.Namespace) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((run / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidData(f"`--from-run` must be a run folder. Received: {run.name} ({error})") from error
    for name, wanted in (("kind", "network"), ("model", args.model), ("task", args.task)):
        if config.get(name) != wanted:
            raise InvalidData(f"`--from-run` must be a run of {wanted}. Received: {config.get(name)}")
    return config
