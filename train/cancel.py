"""`python -m train cancel ID` and `retry ID`: end a job, or let one that ended go on from what it has finished."""

import argparse
import json

from leuk_core.jobs import cancel, retry


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs."""
    words = {
        cancel: "end a job: by asking, then by force",
        retry: "go on with a job that was cancelled, failed or killed",
    }
    for action, told in words.items():
        parser = verbs.add_parser(action.__name__, help=told)
        parser.add_argument("id", help="as `jobs` lists it")
        parser.set_defaults(run=run, action=action)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints what the job is at as a line of JSON."""
    job = args.action(args.id)
    print(json.dumps({"job": job.id, "state": job.state}), flush=True)
    return 0
