"""`python -m train evaluate`: figures, calibration and threshold from finished runs, stored beside a version."""

import argparse
import json
from pathlib import Path

import numpy as np

from leuk_core.data.splits import Protocol
from leuk_core.evaluation.calibration import cross_fit, fit_calibrator
from leuk_core.evaluation.coverage import choose_threshold
from leuk_core.evaluation.metrics import evaluate
from leuk_core.registry.versions import load_task
from leuk_core.settings import settings
from leuk_core.training.cross_validate import read_run
from leuk_core.training.run import today, write_json

COVERAGE = 0.85
"""Share of out-of-fold cells that the threshold on the highest probability lets through."""


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("evaluate", help="figures with intervals from finished cross-validations")
    parser.add_argument("runs", nargs="+", type=Path, help="run folders of `cross-validate`")
    parser.add_argument("--version", help="store the results beside this version of the run's model")
    parser.add_argument("--models", type=Path, help="where versions are; default: the installed models")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a run."""
    root = args.models if args.models is not None else settings().models_dir
    for folder in args.runs:
        found = read_run(folder)
        config = found.config
        task = load_task(str(config["task"]))
        classes = [entry.id for entry in task.classes]
        target = np.array([classes.index(label) for label in found.labels])
        protocol = Protocol(str(config["protocol"]))
        by_subject = protocol is Protocol.BY_SUBJECT
        kept_together = found.groups if by_subject else np.arange(len(target))
        method = "sigmoid" if len(classes) == 2 else "temperature"
        probabilities = cross_fit(found.scores, target, kept_together, method, fold=found.fold).probabilities
        figures = evaluate(
            target, probabilities, classes, found.groups, positive=task.positive,
            protocol=protocol, aliases_known=bool(config["aliases_known"]),
        )  # fmt: skip
        line = {
            "run": str(folder),
            "model": config["model"],
            "protocol": protocol,
            **{
                name: [round(float(value), 4) for value in (e.value, e.low, e.high) if value is not None]
                for name in ("f1_weighted", "auroc", "accuracy", "ece")
                for e in [figures.figure(name)]
            },
        }
        print(json.dumps(line), flush=True)
        if args.version:
            place = root / str(config["task"]) / str(config["model"]) / "evaluations"
            facts = {
                "kind": "results", "version": args.version, "date": today(), "protocol": protocol,
                "run": config, "figures": figures.to_dict(),
            }  # fmt: skip
            write_json(place / f"{today()}-{protocol}.json", facts)
            if by_subject:
                write_json(
                    place / f"{today()}-decision.json",
                    _decision(args.version, method, found.scores, target, probabilities),
                )
    return 0


def _decision(
    version: str, method: str, scores: np.ndarray, target: np.ndarray, probabilities: np.ndarray
) -> dict[str, object]:
    calibrator = fit_calibrator(scores, target, method)
    return {
        "kind": "decision",
        "version": version,
        "date": today(),
        "protocol": "by-subject",
        "calibration": {"method": method, **calibrator.to_dict(), "fitted_on": "out-of-fold scores of all cells"},
        "threshold": choose_threshold(target, probabilities, coverage=COVERAGE),
        "threshold_rule": f"lets {COVERAGE:.0%} of the out-of-fold cells through",
    }
