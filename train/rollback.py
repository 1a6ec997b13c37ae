"""`python -m train rollback`: take the last promotion of a model back."""

import argparse
import json
from dataclasses import asdict

from leuk_core.registry.promotions import rollback
from train.promote import add_who_and_why


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("rollback", help="let the version answer again that did before the last promotion")
    parser.add_argument("model", metavar="TASK/MODEL")
    add_who_and_why(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints the step as a line of JSON."""
    task, _, model = args.model.partition("@")[0].partition("/")
    print(json.dumps(asdict(rollback(task, model, args.by, args.reason)), ensure_ascii=False))
    return 0
