"""`python -m train maps`: the deletion test of each kind of heat map, on one cell a person."""

import argparse
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from leuk_core.data.layouts import open_cells
from leuk_core.errors import InvalidData
from leuk_core.evaluation.intervals import bootstrap_over_subjects
from leuk_core.explain import heat_map, methods
from leuk_core.explain.deletion import RANDOM, falls
from leuk_core.images import SmearImage
from leuk_core.prediction import Predictor, load_predictor
from leuk_core.training.run import today, write_json
from leuk_core.training.shown import scale_of_set
from train.context import Bar, add_set_arguments, groups_of

LEAST = 5
"""Maps with anything on them below which no interval is given."""


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("maps", help="measure whether what heat maps call hot matters to the answer")
    parser.add_argument("models", nargs="+", help="<task>/<model>[@version]")
    add_set_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="chooses each person's cell and the random tenths")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a model and method."""
    cells = open_cells(args.data)
    groups = groups_of(args.audit, cells)
    rng = np.random.default_rng(args.seed)
    chosen = [int(rng.choice(np.flatnonzero(groups == group))) for group in np.unique(groups)]
    pictures = [cells[position].picture() for position in chosen]
    scale = args.microns_per_pixel if args.microns_per_pixel is not None else scale_of_set(cells)
    bar = Bar()
    for predictor in map(load_predictor, args.models):
        rows = [_measured(predictor, method, pictures, scale, args.seed, bar) for method in methods(predictor)]
        bar.close()
        facts = {
            "kind": "maps", "version": predictor.version.version, "date": today(), "protocol": "one cell a person",
            "data": cells.name, "n": len(pictures), "n_subjects": len(chosen), "seed": args.seed,
            "rule": f"fall of the probability without a cell's hottest tenth, less that without {RANDOM} random ones",
            "maps": rows,
        }  # fmt: skip
        write_json(predictor.version.folder.parent / "evaluations" / f"{today()}-maps.json", facts)
        for row in rows:
            print(json.dumps({"model": predictor.ref, **row}), flush=True)
    return 0


def _measured(
    predictor: Predictor, method: str, pictures: list[SmearImage], scale: float | None, seed: int, bar: Bar
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    pairs = []
    for number, picture in enumerate(pictures, 1):
        found = heat_map(predictor, picture, scale, method)
        if not found.empty:
            pairs.append(falls(predictor, picture, found, rng, scale))
        bar(number, len(pictures), f"{predictor.version.model}, {method}")
    if len(pairs) < LEAST:
        raise InvalidData(f"Too few maps have anything on them. Received: {len(pairs)} of {len(pictures)} ({method})")
    hottest, random = np.array(pairs).T
    further = hottest - random
    difference = bootstrap_over_subjects(lambda drawn: float(further[drawn].mean()), np.arange(len(further)), seed=seed)
    return {
        "method": method,
        "maps": len(pairs),
        "empty": len(pictures) - len(pairs),
        "hottest": float(hottest.mean()),
        "random": float(random.mean()),
        "difference": asdict(difference),
    }
