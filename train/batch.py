"""`python -m train batch`: one model about every file of a manifest, in parts that a stopped command goes on with."""

import argparse
import json
from pathlib import Path

from leuk_core import batch
from leuk_core.settings import settings
from train.context import Bar

ANSWERED, REFUSED = 0, 1


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("batch", help="answers about every file of a manifest; goes on where it was stopped")
    parser.add_argument("manifest", type=Path, help="CSV with a column `path`, or a folder of pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder of the answers")
    parser.add_argument("--model", help="<task>/<model>[@version]; without it, the default one")
    parser.add_argument("--shard", metavar="I/N", default="1/1", help="only the i-th of n shares of the parts")
    parser.add_argument("--microns-per-pixel", type=float, metavar="X", help="scale where the manifest gives none")
    parser.add_argument("--part", type=int, default=batch.PART, help="files in a part")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints a line of JSON a part, then what all come to."""
    asked = batch.open_batch(args.manifest, args.out, args.model, args.microns_per_pixel, args.part)
    numbers = batch.shard(asked, args.shard)
    scheduler = settings().dask_scheduler
    found = batch.answer_on_dask(asked, numbers, scheduler) if scheduler else batch.answer(asked, numbers)
    bar, rows, refused = Bar(), 0, 0
    for done, part in enumerate(found, 1):
        rows, refused = rows + part.rows, refused + part.refused
        print(json.dumps({"part": part.number, "rows": part.rows, "refused": part.refused}), flush=True)
        bar(done, len(numbers), "parts")
    bar.close()
    table = batch.write_table(asked)
    facts = {"rows": rows, "refused": refused, "model": asked.model, "table": table.name if table else None}
    print(json.dumps(facts), flush=True)
    return REFUSED if refused else ANSWERED
