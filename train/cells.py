"""`python -m train cells`: the detector of white cells, trained, judged on held-out fields, and its limits measured."""

import argparse
import json
from pathlib import Path

RULE = (
    "A found box is right where it overlaps a box that people drew by IoU 0.5; scale by the red cells; learnt from and "
    "tuned on BCCD train and val alone (the segmentation's numbers also on TXL train; that a box of the network must "
    "hold a nucleus, after red cells of the leukemia fields were boxed); leukemia fields: recall and the number of "
    "boxes only, since people's boxes are incomplete there and some lie on empty ground."
)


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its steps."""
    steps = verbs.add_parser("cells", help="train and judge the detector of white cells on whole fields")
    parser = steps.add_subparsers(required=True, metavar="STEP")

    fit = parser.add_parser("fit", help="train on BCCD; the same command goes on where it was stopped")
    fit.add_argument("--data", type=Path, required=True, help="folder of BCCD")
    fit.add_argument("--run", dest="folder", type=Path, required=True, help="folder of state, log and weights")
    fit.add_argument("--epochs", type=int, default=20)
    fit.add_argument("--steps", type=int, default=40, help="of each epoch")
    fit.add_argument("--batch", type=int, default=16, help="crops a step")
    fit.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--minutes", type=float, default=38.0, help="no epoch begins after so long")
    fit.set_defaults(run=run_fit)

    store = parser.add_parser("store", help="make a version of what was trained; its threshold comes from BCCD's val")
    store.add_argument("--data", type=Path, required=True, help="folder of BCCD")
    store.add_argument("--run", dest="folder", type=Path, required=True, help="folder of `fit`")
    store.add_argument("--default", action="store_true", help="it answers unless another detector is asked for")
    store.set_defaults(run=run_store)

    judge = parser.add_parser("judge", help="recall and precision on held-out fields, stored beside each detector")
    judge.add_argument("detectors", nargs="+", metavar="NAME")
    judge.add_argument("--bccd", type=Path, required=True)
    judge.add_argument("--txl", type=Path, required=True)
    judge.add_argument("--leukemia", type=Path, required=True)
    judge.set_defaults(run=run_judge)

    blasts = parser.add_parser("blasts", help="how many blasts get a type of healthy blood without a doubt")
    blasts.add_argument("models", nargs="*", metavar="REF", help="without one, all of wbc-types")
    blasts.add_argument("--leukemia", type=Path, required=True)
    blasts.set_defaults(run=run_blasts)


def run_fit(args: argparse.Namespace) -> int:
    """Train; prints what was trained as one line of JSON."""
    from train import cells_fit, fields  # noqa: PLC0415 - they load Keras
    from train.cells_crops import USUAL_SCALE, material  # noqa: PLC0415

    learnt = [material(field, USUAL_SCALE) for field in fields.bccd(args.data, "train")]
    cells_fit.fit(
        learnt,
        args.folder,
        epochs=args.epochs,
        steps=args.steps,
        size=args.batch,
        rate=args.rate,
        seed=args.seed,
        minutes=args.minutes,
    )
    print(json.dumps({"fields": len(learnt), "run": args.folder.name}), flush=True)
    return 0


def run_store(args: argparse.Namespace) -> int:
    """Store a version; prints its threshold and figures on the validation fields."""
    from train import cells_judge, fields  # noqa: PLC0415
    from train.cells_crops import USUAL_SCALE  # noqa: PLC0415

    facts = {"default": args.default, "data": "BCCD, train (MIT), white cells; see train/fields.py"}
    print(json.dumps(cells_judge.store(args.folder, fields.bccd(args.data, "val"), USUAL_SCALE, facts)), flush=True)
    return 0


def run_judge(args: argparse.Namespace) -> int:
    """Judge detectors; prints the sentences of each."""
    from train import cells_judge, fields  # noqa: PLC0415

    leukemia = "leukemia fields"
    sets = {
        "BCCD, test": fields.bccd(args.bccd, "test"),
        "TXL raabin, test": fields.txl(args.txl, "raabin", "test"),
        "TXL bcd, test": fields.txl(args.txl, "bcd", "test"),
        leukemia: fields.leukemia(args.leukemia),
    }
    for name in args.detectors:
        found = cells_judge.judge(name, sets, [leukemia], RULE)
        print(json.dumps({"detector": name, "sentences": found["sentences"]}), flush=True)
    return 0


def run_blasts(args: argparse.Namespace) -> int:
    """Measure and store; prints a sentence for each model."""
    from train import cells_judge, fields  # noqa: PLC0415

    for row in cells_judge.blasts(fields.leukemia(args.leukemia), "the leukemia fields", args.models):
        print(json.dumps(row), flush=True)
    return 0
