"""`python -m train worker`: do the jobs that wait, one after another, until Ctrl+C."""

import argparse

from leuk_core.jobs.worker import add_arguments, work


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("worker", help="do the jobs that wait, one after another")
    add_arguments(parser)
    parser.set_defaults(run=work)
