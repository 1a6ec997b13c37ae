"""`python -m train tried`: whether a version beats others on the same cells, and what else was tried."""

import argparse
import json
from pathlib import Path
from typing import Any

from leuk_core.errors import InvalidData
from leuk_core.evaluation.out_of_fold import OutOfFold
from leuk_core.evaluation.results import compare
from leuk_core.registry.versions import find_version
from leuk_core.training.cross_validate import Validated, read_run
from leuk_core.training.evaluated import judge
from leuk_core.training.run import today, write_json

NAMES = {"f1_weighted": "weighted F1", "auroc": "AUROC"}


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("tried", help="tell whether a version beats others, and what else was tried")
    parser.add_argument("made_from", metavar="RUN", type=Path, help="run that the version was made from")
    parser.add_argument("--version", required=True, help="version beside which it is stored")
    parser.add_argument("--against", type=Path, nargs="*", default=[], help="runs of other models on the same cells")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="runs of this model with other settings")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON."""
    own = read_run(args.made_from)
    version = find_version(f"{own.config['task']}/{own.config['model']}@{args.version}")
    against, others = (list(map(read_run, folders)) for folders in (args.against, args.others))
    judged = judge(own)
    facts = {
        "kind": "tried", "version": args.version, "date": today(), "protocol": str(judged.protocol), "n": len(judged),
        "sentences": [
            *(_compared(judged, found, own) for found in against),
            *(f"Also tried, {settings_of(found)}: {_figures(judge(found))}." for found in others),
        ],
    }  # fmt: skip
    write_json(version.folder.parent / "evaluations" / f"{today()}-tried-{args.version}.json", facts)
    print(json.dumps({"model": version.ref, "sentences": facts["sentences"]}, ensure_ascii=False), flush=True)
    return 0


def settings_of(found: Validated) -> str:
    """Return what a network's run was asked for, in words."""
    schedule, recipe = found.config.get("schedule"), found.config.get("recipe")
    if not isinstance(schedule, dict) or not isinstance(recipe, dict):
        return f"run {found.folder.name}"
    start = schedule["tail_from"] or "its catalogue's layer"
    views = found.config.get("views", 1)
    return ", ".join(
        [
            f"{recipe['size']} pixels",
            "stain normalised" if recipe["stain"] != "none" else "colours as they are",
            "LoGMH" if recipe["logmh"] else "no LoGMH",
            f"trained from {start} on" if schedule["cached"] else f"trained: {schedule['free']}",
            f"{schedule['epochs']} epochs",
            *([f"mean of {views} views"] if views != 1 else []),
        ]
    )


def _compared(own: OutOfFold, other: Validated, run: Validated) -> str:
    found = judge(other)
    same = len(own.of_all[0]) == len(found.of_all[0]) and (own.of_all[1] == found.of_all[1]).all()
    if own.protocol is not found.protocol or not same or not (own.at == found.at).all():
        raise InvalidData(f"`--against` needs runs that judged the same cells alike. Received: {other.folder.name}")
    differences = compare(own, found.probabilities)["differences"]
    name = str(other.config["model"])
    words = ", ".join(f"{NAMES[figure]} {_signed(differences[figure]['difference'])}" for figure in NAMES)
    verdict = "Better than" if all(differences[figure]["beats"] for figure in NAMES) else "Not shown to be better than"
    return f"{verdict} {name} on the same cells, {_protocol(run, own)}: {words}."


def _figures(judged: OutOfFold) -> str:
    overall = judged.evaluation().to_dict()["overall"]
    words = (f"{NAMES[name]} {value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"
             for name in NAMES if (value := overall[name]))  # fmt: skip
    return ", ".join(words)


def _protocol(run: Validated, judged: OutOfFold) -> str:
    return judged.protocol.words(aliases_known=bool(run.config["aliases_known"]))


def _signed(found: dict[str, Any]) -> str:
    return f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
