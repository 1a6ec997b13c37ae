"""`python -m train evaluate`: figures, calibration and threshold from finished runs, stored beside a version."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.evaluation.ensemble import KIND, evaluated_version, judge_ensemble, store
from leuk_core.evaluation.out_of_fold import OutOfFold
from leuk_core.evaluation.results import COMPARED, GIVEN_IDS, compare
from leuk_core.settings import settings
from leuk_core.training.cross_validate import Validated, read_run
from leuk_core.training.evaluated import (
    COVERAGE,
    array_of,
    decision_of,
    judge,
    results_of,
    sizes_and_colours,
    store_results,
)
from leuk_core.training.run import today, write_json

LINE_FIGURES = ("f1_weighted", "auroc", "accuracy", "balanced_accuracy", "ece")


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("evaluate", help="figures with intervals from finished cross-validations")
    parser.add_argument("runs", nargs="+", type=Path, help="run folders of `cross-validate`")
    parser.add_argument("--version", help="store the results beside this version of the run's model")
    parser.add_argument("--models", type=Path, help="where versions are; default: the installed models")
    parser.add_argument(
        "--given-ids", type=Path, metavar="RUN", help="the same by subject without --audit: how far aliases moved it"
    )
    parser.add_argument("--paired", action="store_true", help="compare two runs on the same cells; stores nothing")
    parser.add_argument(
        "--ensemble", action="store_true", help="the runs' models together, by subject: figures of their mean, stored"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a run, or with --paired a line a figure."""
    if args.paired:
        return _paired(args.runs)
    root = args.models if args.models is not None else settings().models_dir
    found = [read_run(folder) for folder in args.runs]
    if args.ensemble:
        return _ensemble(found, root)
    # by image goes last: its threshold is that of the run by subject
    for one in sorted(found, key=lambda one: one.config["protocol"] == Protocol.BY_IMAGE):
        _evaluate(one, root, args.version, args.given_ids)
    return 0


def _evaluate(found: Validated, root: Path, version: str | None, given_ids: Path | None) -> None:
    judged = judge(found)
    place = root / str(found.config["task"]) / str(found.config["model"]) / "evaluations"
    decision = decision_of(version, judged)
    threshold = float(decision["threshold"])
    if judged.protocol is Protocol.BY_IMAGE:
        threshold = _stored_threshold(place, version, threshold)
    facts = results_of(found, judged, threshold)
    if given_ids is not None and judged.protocol is Protocol.BY_SUBJECT:
        facts[GIVEN_IDS] = _by_given_ids(given_ids, found)
    print(json.dumps(_line(found, judged, facts), ensure_ascii=False), flush=True)
    if not version:
        return
    store_results(_free(place, f"{today()}-{judged.protocol}", version), found, version, facts)
    if judged.protocol is not Protocol.BY_IMAGE:
        write_json(_free(place, f"{today()}-decision", version), decision)


def _by_given_ids(folder: Path, joined: Validated) -> dict[str, Any]:
    """Return the figures of the same model where ids of one person were not joined yet."""
    found = read_run(folder)
    same = ("task", "model", "cells", "protocol")
    if found.config["aliases_known"] or any(found.config.get(name) != joined.config.get(name) for name in same):
        raise InvalidData(f"`--given-ids` must be the same run without `--audit`. Received: {folder.name}")
    figures = judge(found).evaluation().to_dict()
    kept = {name: figures["overall"][name] for name in COMPARED}
    return {"n": figures["n"], "n_subjects": figures["n_subjects"], "overall": kept}


def _ensemble(found: list[Validated], root: Path) -> int:
    """Judge the mean of the runs' calibrated probabilities; under-trained models are left out, as on the pages."""
    named = {evaluated_version(one.config, root): one for one in found}
    left_out = [ref for ref in named if _card(ref, root).get("under_trained")]
    runs = {ref: one for ref, one in named.items() if ref not in left_out}
    if len({str(one.config["task"]) for one in found}) != 1 or len(named) != len(found):
        raise InvalidData(f"An ensemble needs one run a model, of one task. Received: {', '.join(named)}")
    first = next(iter(runs.values()), found[0])
    if not all(_same_cells(first, one) for one in runs.values()):
        raise InvalidData("An ensemble needs runs on the same cells. Received: runs of different data")
    facts = judge_ensemble(
        {ref: judge(one) for ref, one in runs.items()},
        coverage=COVERAGE,
        features=sizes_and_colours(first),
        doubted=next((doubted for one in runs.values() if (doubted := array_of(one, "unlike")) is not None), None),
    )
    head = {"kind": KIND, "date": today(), "protocol": facts["figures"]["protocol"], "cells": first.config.get("cells")}
    path = store(head | {"left_out": left_out} | facts, str(first.config["task"]), root)
    overall = facts["figures"]["overall"]
    line = {
        "stored": path.name,
        "members": facts["members"],
        "left_out": left_out,
        "n": facts["figures"]["n"],
        "n_subjects": facts["figures"]["n_subjects"],
        **{name: _short(overall[name]) for name in LINE_FIGURES},
        "beats": {
            ref: {name: entry["beats"] for name, entry in compared["differences"].items()}
            for ref, compared in facts["against"].items()
        },
        "notes": [*facts["figures"]["notes"], *facts["notes"]],
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return 0


def _same_cells(one: Validated, other: Validated) -> bool:
    """Tell whether two runs judged the same cells in the same order, brought to form by the same recipe or not."""
    if one.config.get("cells") == other.config.get("cells"):
        return True
    first, second = (array_of(run, "area") for run in (one, other))
    if first is None or second is None or not np.array_equal(first, second):
        return False  # to the last digit the area tells one cell from another
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("labels", "groups"))


def _card(ref: str, root: Path) -> dict[str, Any]:
    model, _, version = ref.partition("@")
    card: dict[str, Any] = json.loads((root / model / version / "card.json").read_text("utf-8"))
    return card


def _stored_threshold(place: Path, version: str | None, otherwise: float) -> float:
    """Return the threshold of the newest decision of a version, by which its answers are given everywhere."""
    for path in sorted(place.glob("*.json"), reverse=True):
        facts = json.loads(path.read_text("utf-8"))
        if version and facts.get("kind") == "decision" and facts.get("version") == version:
            return float(facts["threshold"])
    return otherwise


def _line(found: Validated, judged: OutOfFold, facts: dict[str, Any]) -> dict[str, Any]:
    figures = facts["figures"]
    line = {
        "run": str(found.folder),
        "model": found.config["model"],
        "protocol": str(judged.protocol),
        "n": figures["n"],
        "n_subjects": figures["n_subjects"],
        **{name: _short(figures["overall"][name]) for name in LINE_FIGURES},
    }
    if "baseline" in facts:
        line["baseline"] = {name: _short(facts["baseline"]["figures"]["overall"][name]) for name in COMPARED}
        line["beats_baseline"] = {name: entry["beats"] for name, entry in facts["paired"]["differences"].items()}
    return line | {"notes": [*figures["notes"], *facts["notes"]]}


def _short(estimate: dict[str, float | None]) -> list[float]:
    return [round(float(value), 4) for value in estimate.values() if value is not None]


def _free(place: Path, stem: str, version: str) -> Path:
    """Return the path for a version's results: another version's of the same day stay."""
    path = place / f"{stem}.json"
    if path.is_file() and json.loads(path.read_text("utf-8")).get("version") != version:
        return place / f"{stem}-{version}.json"
    return path


def _paired(folders: list[Path]) -> int:
    if len(folders) != 2:
        raise InvalidData(f"`--paired` compares two runs. Received: {len(folders)}")
    first, second = (read_run(folder) for folder in folders)
    if first.config["protocol"] != second.config["protocol"]:
        raise InvalidData(
            "Results of different protocols are not compared. "
            f"Received: {first.config['protocol']} and {second.config['protocol']}"
        )
    same = len(first.labels) == len(second.labels)
    if not (same and (first.labels == second.labels).all() and (first.groups == second.groups).all()):
        raise InvalidData(
            "`--paired` needs two runs on the same cells in the same order. "
            f"Received: {len(first.labels)} and {len(second.labels)} cells, or other labels or groups"
        )
    a, b = judge(first), judge(second)
    _, in_a, in_b = np.intersect1d(a.at, b.at, return_indices=True)
    if not len(in_a):
        raise InvalidData("No cell was judged by both runs. Received: two runs of different folds")
    a, b = a.part(in_a), b.part(in_b)
    found = compare(a, b.probabilities)
    head = {"a": str(folders[0]), "b": str(folders[1]), "protocol": str(a.protocol), "notes": a.notes()}
    for name, entry in found["differences"].items():
        print(json.dumps({**head, "figure": name, **entry}), flush=True)
    print(json.dumps({**head, "figure": "mcnemar", **found["mcnemar"]}), flush=True)
    return 0
