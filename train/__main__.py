"""`python -m train VERB`, from the audit of a set to a version with its figures; results on stdout as JSON Lines."""

import argparse
import contextlib
import os
import sys

from leuk_core.errors import LeukError
from train import (
    audit,
    batch,
    cancel,
    cells,
    cross_validate,
    evaluate,
    features,
    fit,
    import_set,
    jobs,
    limits,
    maps,
    novelty,
    promote,
    reproduce,
    rollback,
    seen,
    submit,
    tried,
    worker,
)

VERBS = [audit, features, novelty, cross_validate, fit, evaluate, limits, maps, tried, reproduce, promote, rollback]
VERBS += [seen, batch, cells, import_set, submit, jobs, cancel, worker]


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 0 when all went well, 2 with one sentence on stderr otherwise."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        verb.add_parser(verbs)
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except LeukError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. What is finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
