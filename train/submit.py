"""`python -m train submit`: queue a retraining; a worker does it (`python -m train worker`)."""

import argparse
import json

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidParameter
from leuk_core.jobs import submit
from leuk_core.registry.versions import MODELS, TASKS


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("submit", help="queue a retraining, as the Retrain page does")
    parser.add_argument("set", help="id of an imported set, as `import` prints it")
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument(
        "--start",
        default="shipped",
        help="shipped (default), version:REF, imagenet, random, or run:ID of an earlier job",
    )
    parser.add_argument("--protocol", choices=tuple(Protocol), default=Protocol.BY_SUBJECT)
    parser.add_argument("--preset", help="settings of a network; as the model asks for where none is named")
    parser.add_argument("--setting", metavar="NAME=VALUE", action="append", default=[], help="one setting; repeat")
    parser.add_argument(
        "--confirm", metavar="VERDICT", action="append", default=[], help="a red verdict, by name; repeat"
    )
    parser.add_argument("--by", default="", metavar="NAME", help="who asks; stands on the version's card")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints the job as a line of JSON, or a line for each reason not to begin."""
    from leuk_core.training.retrain import check  # noqa: PLC0415 - loads what training needs

    request = {
        "set": args.set,
        "task": args.task,
        "model": args.model,
        "start": args.start,
        "protocol": str(args.protocol),
        "preset": args.preset,
        "settings": dict(_setting(given) for given in args.setting),
        "confirmed_verdicts": args.confirm,
        "by": args.by,
    }
    problems = check(request)
    for problem in problems:
        print(json.dumps({"ok": False, "problem": problem}, ensure_ascii=False), flush=True)
    if problems:
        return 1
    job = submit("retrain", request)
    print(json.dumps({"job": job.id, "state": job.state}), flush=True)
    return 0


def _setting(given: str) -> tuple[str, object]:
    """Return name and value of a setting; a value that is no JSON is text.

    Examples
    --------
    >>> _setting("epochs=3"), _setting("solver=adam")
    (('epochs', 3), ('solver', 'adam'))
    """
    name, equals, value = given.partition("=")
    if not equals or not name.strip():
        raise InvalidParameter(f"`--setting` must read like epochs=3. Received: {given}")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value
