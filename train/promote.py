"""`python -m train promote`: let a version answer for its model from now on."""

import argparse
import json
from dataclasses import asdict

from leuk_core.registry.promotions import promote


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("promote", help="let a version answer for its model; `rollback` takes it back")
    parser.add_argument("version", metavar="TASK/MODEL@VERSION")
    add_who_and_why(parser)
    parser.set_defaults(run=run)


def add_who_and_why(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say who decides and why; both stay on record."""
    parser.add_argument("--by", required=True, metavar="NAME", help="who decides")
    parser.add_argument("--reason", required=True, help="why")


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints the step as a line of JSON."""
    print(json.dumps(asdict(promote(args.version, args.by, args.reason)), ensure_ascii=False))
    return 0
