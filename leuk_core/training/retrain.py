"""Retraining: from a set of the clinic's own to a version, compared with the one that answers now.

Each step leaves on disk what it found, so that a job that was killed goes on at its last finished step, fold or epoch,
and a step that is done again changes nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leuk_core.data.groups import join_by_report
from leuk_core.data.imports import open_set
from leuk_core.data.imports_audit import audited, reserved_of
from leuk_core.errors import InvalidData
from leuk_core.evaluation.candidate import Comparison, compare
from leuk_core.evaluation.seen import Prints
from leuk_core.evaluation.unseen import LEARNT_FROM, proof
from leuk_core.registry.own import claim_name, forget_staged, publish, staging_folder, version_of_job
from leuk_core.registry.versions import ModelVersion, current_version, own_models_dir, sha256_of
from leuk_core.settings import settings
from leuk_core.training.evaluated import decision_of, judge, results_of, store_results
from leuk_core.training.fit import about
from leuk_core.training.retrain_estimate import estimate
from leuk_core.training.retrain_material import Material, Shown, Tells, open_material, run_folder
from leuk_core.training.retrain_parts import Hands, Training, open_training
from leuk_core.training.retrain_request import Request, check
from leuk_core.training.run import write_json

__all__ = ["against_current", "check", "estimate", "work"]

SHOWN = ("f1_weighted", "auroc", "accuracy", "balanced_accuracy", "ece")
START_SAW = (
    "It started from a version that may have seen these cells, so the figures of its cross-validation flatter it: only "
    "the comparison on reserved patients counts."
)


def work(request: Mapping[str, Any], folder: Path, tell: Tells) -> dict[str, Any]:
    """Do a retraining, or go on with one that was stopped.

    Parameters
    ----------
    request : mapping
        See `leuk_core.training.retrain_request.Request`.
    folder : Path
        The job's own; its name is the job's id.
    tell : Tells
        What it speaks through; its `progress` and `checkpoint` may end the work at any time.

    Returns
    -------
    dict
        "version" (reference), "title", "figures" (out of fold, with intervals, protocol, n), "comparison"
        (`Comparison.to_dict`), "sentence", "notes", "warning".

    Raises
    ------
    InvalidData
        If the request can't be met; the first reason.
    """
    if problems := check(request):
        raise InvalidData(problems[0])
    asked, job = Request.from_dict(request), folder.name
    version = version_of_job(job)
    if version is None:
        version = _trained(asked, folder, tell)
    _tidy(folder)
    tell.step("comparing with the current version")
    comparison = against_current(version, tell)
    return _told(version, comparison)


def against_current(version: ModelVersion, tell: Tells) -> Comparison:
    """Compare an own version with the one that answers now, on the reserved persons of its set.

    Parameters
    ----------
    version : ModelVersion
        Own.
    tell : Tells
        What it speaks through.
    """
    data = version.card["data"][0]
    current = current_version(version.task, version.model)
    answering = "" if current is None else current.ref
    if answering == version.ref:
        return Comparison(answering, version.ref, False, "This version answers already.")
    report, reserved = audited(data["set"], tell.progress), reserved_of(data["set"])
    if reserved is None or not reserved.enough:
        why = "" if reserved is None else f"{reserved.sentence[:1].upper()}{reserved.sentence[1:]}."
        return Comparison(answering, version.ref, False, why)
    cells = open_set(data["set"], unchanged=True)
    unreadable = {one["where"] for one in report["unreadable"]}
    kept = [at for at in reserved.sides(cells.subjects)[1].tolist() if cells[at].name not in unreadable]
    found = compare(
        current,
        version,
        cells.select(kept),
        join_by_report(report, cells)[kept],
        settings().cache_dir,
        microns_per_pixel=version.card["training"]["microns_per_pixel"],
        progress=tell.progress,
    )
    place = _evaluations(version.task, version.model) / f"{version.version}-compared.json"
    write_json(place, {"kind": "comparison", "version": version.version, **found.to_dict()})
    return found


def _trained(asked: Request, folder: Path, tell: Tells) -> ModelVersion:
    """Train, judge and store a version; what an earlier attempt has finished is not done again."""
    material, hands = open_material(asked, tell), Hands(asked, folder, tell)
    training = open_training(material, folder, tell)
    run = hands.fold_all(training)
    tell.step("judging")
    judged = judge(run)
    decision = decision_of(None, judged)
    facts = results_of(run, judged, float(decision["threshold"]))
    name = claim_name(asked.task, asked.model, folder.name)
    notes = _start_notes(training, material)
    facts["notes"] += notes
    staged = staging_folder(folder.name)
    if not _complete(staged):
        forget_staged(folder.name)
        card = _card(material, training, folder.name, name, facts, notes)
        hands.store(training, staged, card)
        _add_learnt_from(staged, material, training.shown)
    tell.checkpoint()
    tell.step("storing the version")
    place = _evaluations(asked.task, asked.model)
    store_results(place / f"{name}-{judged.protocol}.json", run, name, facts)
    write_json(place / f"{name}-decision.json", {**decision, "version": name})
    publish(folder.name, asked.task, asked.model, name)
    stored = version_of_job(folder.name)
    if stored is None:
        raise InvalidData(f"The version was stored but can't be found. Received: {asked.task}/{asked.model}@{name}")
    tell.log(f"Stored {stored.ref}.")
    return stored


def _card(
    material: Material, training: Training, job: str, name: str, facts: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    asked, shown, figures = material.request, training.shown, facts["figures"]
    data = about(
        shown.labels, shown.groups, material.data_card, aliases_known=True,
        subjects_known=material.about.subjects_known,
    )  # fmt: skip
    return {
        "task": asked.task,
        "model": asked.model,
        "version": name,
        "default": False,
        "job": job,
        "asked_by": asked.by,
        "protocol": asked.protocol,
        "results": {
            "protocol": figures["protocol_words"],
            "n": figures["n"],
            "n_subjects": figures["n_subjects"],
            **{figure: figures["overall"][figure] for figure in SHOWN},
        },
        **data,
        "limits": [*data["limits"], *notes],
    }


def _start_notes(training: Training, material: Material) -> list[str]:
    """Say where a network started from weights that may have seen the cells that it is judged on."""
    version = material.request.start_version()
    if version is None:
        return []
    shown = training.shown
    prints = Prints(
        material.learn.select(shown.positions.tolist()), [shown.shown.pixels_sha256[at] for at in shown.positions]
    )
    return [] if proof(version, prints).unseen else [START_SAW]


def _add_learnt_from(staged: Path, material: Material, shown: Shown) -> None:
    """Write down which cells the version learnt from, and name that file in its card; with it the version is whole."""
    facts = {
        "set": material.about.id,
        "sha256": material.about.sha256,
        "pixels_sha256": sorted({shown.shown.pixels_sha256[at] for at in shown.positions}),
        "subjects": sorted({subject for subject in material.learn.subjects if subject is not None}),
    }
    write_json(staged / LEARNT_FROM, facts)
    card = json.loads((staged / "card.json").read_text("utf-8"))
    card["files"][LEARNT_FROM] = sha256_of(staged / LEARNT_FROM)
    write_json(staged / "card.json", card)


def _tidy(folder: Path) -> None:
    """Delete what only an unfinished training needs: its backups and the networks of its folds."""
    shutil.rmtree(folder / "fit", ignore_errors=True)
    for path in run_folder(folder).glob("fold_*.safetensors"):
        path.unlink(missing_ok=True)


def _complete(staged: Path) -> bool:
    try:
        return LEARNT_FROM in json.loads((staged / "card.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return False


def _evaluations(task: str, model: str) -> Path:
    return own_models_dir() / task / model / "evaluations"


def _told(version: ModelVersion, comparison: Comparison) -> dict[str, Any]:
    card = version.card
    return {
        "version": version.ref,
        "title": card["title"],
        "figures": card["results"],
        "comparison": comparison.to_dict(),
        "sentence": comparison.sentence,
        "notes": card["limits"],
        "warning": card.get("warning", ""),
    }
