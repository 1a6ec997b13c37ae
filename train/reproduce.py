"""`python -m train reproduce`: from pictures to the five classifiers anew, compared with the shipped figures."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.registry.versions import TASKS, find_version
from leuk_core.settings import settings
from leuk_core.zoo import classical

FIGURES = ("f1_weighted", "auroc", "accuracy")


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("reproduce", help="audit, train and judge anew; compare with the shipped figures")
    parser.add_argument("--task", choices=TASKS, default="all-vs-normal")
    parser.add_argument("--data", required=True, help="the set that the shipped versions were trained on")
    parser.add_argument("--others", required=True, help="cells of other kinds, for `novelty`")
    parser.add_argument("--others-microns-per-pixel", required=True, help="their scale")
    parser.add_argument("--like", default="lymphocyte", help="class among them that is the same kind of cell")
    parser.add_argument("--model", choices=(*classical.NAMES, "all"), default="all")
    parser.add_argument("--out", type=Path, help="where runs and new versions go; default: the data folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a figure; 1 if one lies outside the shipped interval."""
    out = args.out if args.out is not None else settings().data_dir / "reproduced"
    names = classical.NAMES if args.model == "all" else (args.model,)
    for step in _steps(args, out, names):
        _verb(step)
    within = True
    for model in names:
        for line in _compared(args.task, model, out / "models"):
            within = within and line["within"]
            print(json.dumps(line), flush=True)
    return 0 if within else 1


def _steps(args: argparse.Namespace, out: Path, names: tuple[str, ...]) -> Iterator[list[str]]:
    audit, runs, models = out / "audit.json", out / "runs", out / "models"
    if not audit.is_file():
        yield ["audit", args.data, "--json", str(audit)]
    data = ["--task", args.task, "--data", args.data, "--audit", str(audit)]
    folders = {
        (model, protocol): runs / f"{args.task}-{model}-{protocol}-seed0" for model in names for protocol in _BOTH
    }
    for model in names:
        yield ["cross-validate", *data, "--model", model, "--protocol", "both", "--runs", str(runs)]
    if not (models / args.task / "reference" / "1").is_dir():
        yield [
            "novelty", *data, "--others", args.others, "--others-microns-per-pixel", args.others_microns_per_pixel,
            "--like", args.like, "--version", "1", "--models", str(models),
            "--runs", *(str(folders[model, Protocol.BY_SUBJECT]) for model in names),
        ]  # fmt: skip
    for model in names:
        if not (models / args.task / model / "1").is_dir():
            yield ["fit", *data, "--model", model, "--version", "1", "--reference", "1", "--models", str(models)]
        judged = [str(folders[model, protocol]) for protocol in _BOTH]
        yield ["evaluate", *judged, "--version", "1", "--models", str(models)]


def _verb(arguments: list[str]) -> None:
    from train.__main__ import main  # noqa: PLC0415 - which knows this verb too

    if main(arguments):
        raise InvalidData(f"`reproduce` stopped at a step that failed, see above. Received: {arguments[0]}")


def _compared(task: str, model: str, models: Path) -> Iterator[dict[str, Any]]:
    shipped = {entry["protocol"]: entry for entry in find_version(f"{task}/{model}").evaluations() if _is_result(entry)}
    for path in sorted((models / task / model / "evaluations").glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        if not _is_result(found) or found["protocol"] not in shipped:
            continue
        for name in FIGURES:
            old = shipped[found["protocol"]]["figures"]["overall"][name]
            new = found["figures"]["overall"][name]["value"]
            yield {
                "model": model,
                "protocol": found["protocol"],
                "figure": name,
                "shipped": [old["value"], old["low"], old["high"]],
                "reproduced": new,
                "within": old["low"] <= new <= old["high"],
            }


def _is_result(entry: dict[str, Any]) -> bool:
    return entry.get("kind") == "results"


_BOTH = (Protocol.BY_SUBJECT, Protocol.BY_IMAGE)
