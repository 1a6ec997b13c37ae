"""`python -m train seen`: list the pictures of a published set as hashes, by which they are known again."""

import argparse
import json
from pathlib import Path

from leuk_core.data.layouts import open_cells
from leuk_core.evaluation.seen import store_seen
from leuk_core.evaluation.unseen import LISTED
from leuk_core.settings import settings


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("seen", help="list what shipped versions learnt from, as hashes of the pictures")
    parser.add_argument("--set", choices=LISTED, required=True, help="published set; the list gets its name")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders or manifests that hold all of it")
    parser.add_argument("--models", type=Path, help="root of the versions; without it, the installed models")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints the list's card as a line of JSON."""
    root = args.models if args.models is not None else settings().models_dir
    print(json.dumps(store_seen(root, args.set, [open_cells(path) for path in args.data])))
    return 0
