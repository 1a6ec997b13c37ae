"""What `cross-validate` and `fit` share for networks: arguments, and the workshop they lead to."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leuk_core.errors import InvalidParameter
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry.versions import load_task
from leuk_core.settings import settings
from leuk_core.training.networks.asked import GIVEN, asked_schedule, size_and_parameters
from leuk_core.training.networks.recipes import recipe_of
from leuk_core.training.networks.schedule import STAGES, WEIGHTS, Schedule
from leuk_core.zoo import catalogue
from train.context import Bar, Prepared, open_prepared

if TYPE_CHECKING:
    from leuk_core.training.networks.workshop import StartFrom, Workshop

NAMES = tuple(catalogue.ENTRIES)


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that only networks take; what is left out comes from the preset."""
    group = parser.add_argument_group("networks", "what is left out comes from --preset")
    group.add_argument("--size", type=int, help="side of the picture in pixels")
    group.add_argument("--start", help="imagenet | in-domain[:FILE] | file:FILE | random")
    group.add_argument("--epochs", type=int, help="passes with --free free")
    group.add_argument("--head-epochs", type=int, help="passes before them, with all but the head frozen")
    group.add_argument("--batch", type=int)
    group.add_argument("--free", choices=STAGES, help="what learns after the head")
    group.add_argument("--cached", action=argparse.BooleanOptionalAction, default=None, help="run the trunk once only")
    group.add_argument(
        "--statistics", action=argparse.BooleanOptionalAction, default=None, help="batch normalisation learns too"
    )
    group.add_argument("--tail-from", help="layer after which a cached trunk ends")
    group.add_argument("--rate", type=float, help="peak learning rate with --free free")
    group.add_argument("--head-rate", type=float)
    group.add_argument("--weight-decay", type=float)
    group.add_argument("--dropout", type=float)
    group.add_argument("--averaging", type=float, help="momentum of the average of the weights; 0: off")
    group.add_argument("--weigh", choices=WEIGHTS, help="what counts alike in the loss")
    group.add_argument("--validation", type=float, help="share of the training persons that decides when to stop")
    group.add_argument("--patience", type=int)
    group.add_argument("--stain-jitter", type=float, help="range of gain and offset of the optical density")
    group.add_argument("--logmh", action=argparse.BooleanOptionalAction, default=True, help="sharpen the cell")
    group.add_argument(
        "--stain", action=argparse.BooleanOptionalAction, default=True, help="bring colours to the reference stain"
    )
    group.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE",
        help="what else the network's `build` takes, such as blocks=[2,4,2]",
    )  # fmt: skip
    group.add_argument("--tag", default="", help="ending of the run folder's name")


def workshop_of(args: argparse.Namespace, bar: Bar) -> tuple[Prepared, Workshop]:
    """Return the prepared cells and the workshop that the arguments name; imports Keras."""
    schedule = schedule_of(args)
    size, parameters = size_and_parameters(args.model, schedule, args.size, _parameters(args.parameter))
    return workshop_with(
        args, recipe_of(args.model, size, logmh=args.logmh, stain=args.stain), schedule, parameters, bar
    )


def workshop_with(
    args: argparse.Namespace, recipe: Recipe, schedule: Schedule, parameters: dict[str, Any], bar: Bar
) -> tuple[Prepared, Workshop]:
    """Return the prepared cells and the workshop for settings that are known already; imports Keras."""
    from leuk_core.training.networks.workshop import CellSet, Workshop  # noqa: PLC0415 - only where one is trained

    start = start_of(args)
    prepared = open_prepared(args, recipe, bar)
    classes = tuple(entry.id for entry in load_task(args.task).classes)
    cells = CellSet(prepared.shown, prepared.positions, prepared.labels, prepared.groups, classes, recipe)
    return prepared, Workshop(args.model, cells, schedule, start, parameters, settings().cache_dir, bar)


def _parameters(given: list[str]) -> dict[str, Any]:
    found = {}
    for written in given:
        name, _, value = written.partition("=")
        try:
            found[name] = json.loads(value)
        except ValueError as error:
            raise InvalidParameter(
                f"`--parameter` must be NAME=VALUE, the value a number or a list of them. Received: {written}"
            ) from error
    return found


def schedule_of(args: argparse.Namespace) -> Schedule:
    """Return the preset with what the arguments name in place of its own."""
    given = {name: getattr(args, name) for name in GIVEN}
    return asked_schedule(args.preset, given, random_start=args.start == "random", stain_jitter=args.stain_jitter)


def start_of(args: argparse.Namespace) -> StartFrom:
    """Return the start weights that `--start` names, or the best that the network's catalogue line offers."""
    from leuk_core.training.networks.workshop import StartFrom  # noqa: PLC0415

    kind, _, path = (args.start or catalogue.entry(args.model).starts[0]).partition(":")
    if kind not in ("imagenet", "in-domain", "file", "random"):
        raise InvalidParameter(
            f"`--start` must be imagenet, in-domain, in-domain:FILE, file:FILE or random. Received: {args.start!r}"
        )
    if not path:
        return StartFrom(kind)
    from leuk_core.registry.versions import sha256_of  # noqa: PLC0415

    file = Path(path)
    if not file.is_file():
        raise InvalidParameter(f"`--start` must name a weights file that is there. Received: {path}")
    return StartFrom(kind, file, sha256_of(file))
