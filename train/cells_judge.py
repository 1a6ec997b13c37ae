"""What detectors find on fields they did not learn from, and how many blasts get a type of healthy blood."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np

from leuk_core.cells.agreement import Agreement, agreement
from leuk_core.cells.detect import Field, FoundCell, find_cells
from leuk_core.cells.detectors import SEGMENTATION, WEIGHTS, Detector, DetectorVersion, detectors_dir
from leuk_core.cells.scale import field_scale
from leuk_core.cells.segment import SMALLEST_NUCLEUS
from leuk_core.cells.sort import TASK, load_sorter, sort_cells
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.prediction import Predictor
from leuk_core.registry import list_versions
from leuk_core.registry.versions import sha256_of
from leuk_core.training.run import environment, today, write_json
from train.context import Bar
from train.fields import BoxedField

BLASTS = ("lymphoblast", "myeloblast", "abnormal promyelocyte")
THRESHOLDS = np.round(np.arange(0.1, 0.71, 0.05), 2)
SPARE = 1e-9
NEAR = 0.01


def store(run: Path, validation: list[BoxedField], usual_scale: float, facts: dict[str, Any]) -> dict[str, Any]:
    """Make a version of a trained network; its least score is the lowest of those near the best F1.

    A missed cell costs a reviewer more than a box too many.
    """
    versions = [today(), *(f"{today()}.{number}" for number in range(2, 100))]
    version = next(name for name in versions if not (detectors_dir() / "centernet" / name).exists())
    folder = detectors_dir() / "centernet" / version
    folder.mkdir(parents=True)
    copyfile(run / WEIGHTS, folder / WEIGHTS)
    epochs = [json.loads(line) for line in (run / "epochs.jsonl").read_text("utf-8").splitlines()]
    card = {
        "name": "centernet",
        "version": version,
        "title": "CenterNet, one class, on EfficientNet-Lite0 up to stride 16",
        "kind": "detector",
        "default": False,
        "parameters": {},
        "least_score": 0.3,
        "least_nucleus": SMALLEST_NUCLEUS / 2,
        "microns_per_pixel": 0.2,
        "start": "EfficientNet-Lite0, trained on ImageNet; the same weights as models/start/efficientnet-lite0",
        **facts,
        "training": {
            "epochs": len(epochs),
            "seconds": round(epochs[-1]["seconds"]),
            "losses": [e["loss"] for e in epochs],
        },
        "environment": environment(),
        "files": {WEIGHTS: sha256_of(folder / WEIGHTS)},
    }
    detector = Detector(DetectorVersion("centernet", version, folder, card))
    scores = _by_threshold(detector, validation, usual_scale)
    highest = max(table["f1"] for table in scores.values())
    best = min(least for least, table in scores.items() if table["f1"] >= highest - NEAR)
    card["least_score"] = best
    f1_by_score = {str(least): table["f1"] for least, table in scores.items()}
    card["chosen_on"] = {"set": "BCCD, val", "fields": len(validation), "f1_by_least_score": f1_by_score}
    write_json(folder / "card.json", card)
    return {"detector": f"centernet@{version}", "least_score": best, **scores[best]}


def _by_threshold(detector: Detector, fields: list[BoxedField], usual_scale: float) -> dict[float, dict[str, float]]:
    found = []
    for field in fields:
        image = field.picture()
        scale = field_scale(image)[0] or usual_scale
        found.append((field.boxes, detector.find(image.pixels, scale, float(THRESHOLDS[0]))))
    table = {}
    for least in THRESHOLDS:
        counts = agreement((drawn, boxes[boxes[:, 4] >= least, :4]) for drawn, boxes in found)
        f1 = 2 * counts.right / max(counts.cells + counts.found, SPARE)
        table[float(least)] = {"f1": round(f1, 4), "recall": counts.right / counts.cells, "found": float(counts.found)}
    return table


def judge(name: str, sets: dict[str, list[BoxedField]], recall_only: Iterable[str], rule: str) -> dict[str, Any]:
    """Store and return how well a detector agrees with the boxes of several sets of fields."""
    recall_only = set(recall_only)
    facts: dict[str, Any] = {
        "kind": "detection",
        "detector": name,
        "version": "1" if name == SEGMENTATION else today(),
        "date": today(),
        "protocol": "by-image",
        "rule": rule,
        "sets": {},
        "sentences": [],
    }
    bar = Bar()
    for title, fields in sets.items():
        found = []
        for number, field in enumerate(fields, 1):
            result = find_cells(field.picture(), detector=name)
            facts["version"] = result.detector.partition("@")[2] or "1"
            best_first = sorted(result.cells, key=lambda cell: -cell.score)
            found.append((field.boxes, np.array([cell.box for cell in best_first]).reshape(-1, 4)))
            bar(number, len(fields), f"{name}, {title}")
        counts: Agreement = agreement(found)
        complete = title not in recall_only
        entry = counts.to_dict(complete)
        subjects = {field.subject for field in fields if field.subject}
        if subjects:
            entry["n_subjects"] = len(subjects)
        facts["sets"][title] = entry
        facts["sentences"].append(f"{title}: {counts.words(complete)}.")
    bar.close()
    write_json(detectors_dir() / name / "evaluations" / f"{today()}-fields.json", facts)
    return facts


def blasts(fields: list[BoxedField], title: str, models: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Store beside models of wbc-types (all, or those named) how many blasts got a type of healthy blood."""
    refs = models or [version.ref for version in list_versions() if version.task == TASK]
    predictors = [load_sorter(ref) for ref in refs]
    types: dict[str, dict[str, list[str | None]]] = {entry.ref: defaultdict(list) for entry in predictors}
    whose: dict[str, list[str]] = defaultdict(list)
    bar = Bar()
    for number, field in enumerate(fields, 1):
        chosen = [(box, cell) for box, cell in zip(field.boxes, field.cells, strict=True) if cell in BLASTS]
        image = field.picture()
        cells = tuple(FoundCell(tuple(map(float, box)), 1.0) for box, _ in chosen)  # type: ignore[arg-type]
        whole = Field(image.pixels_sha256, image.width, image.height, cells, *field_scale(image), "drawn by people")
        for _, cell in chosen:
            whose[cell].append(field.subject)
        for predictor in predictors:
            for (_, cell), answer in zip(chosen, sort_cells(image, whole, predictor), strict=True):
                types[predictor.ref][cell].append(answer.type)
        bar(number, len(fields), title)
    bar.close()
    return [_stored(predictor, types[predictor.ref], whose, title) for predictor in predictors]


def _stored(
    predictor: Predictor, types: dict[str, list[str | None]], whose: dict[str, list[str]], title: str
) -> dict[str, Any]:
    answered = {cell: [sum(kind is not None for kind in found), len(found)] for cell, found in sorted(types.items())}
    k, n = (sum(pair[place] for pair in answered.values()) for place in (0, 1))
    subjects = {name for names in whose.values() for name in names}
    labelled = {
        name for cell, names in whose.items() for name, kind in zip(names, types[cell], strict=True) if kind is not None
    }
    share = exact_interval(k, n)
    parts = ", ".join(f"{cell} {pair[0]} of {pair[1]}" for cell, pair in answered.items())
    kinds: dict[str, int] = defaultdict(int)
    for found in types.values():
        for kind in found:
            if kind is not None:
                kinds[kind] += 1
    whose_cells = f"; they were of {len(labelled)} subject{'s' if len(labelled) > 1 else ''}" if labelled else ""
    sentence = (
        f"{k} of {n} lymphoblasts, myeloblasts and abnormal promyelocytes of {title} ({len(subjects)} subjects) got a "
        f"type of healthy blood without a doubt ({share.low:.1%} to {share.high:.1%}, by image; {parts}{whose_cells})."
    )
    facts = {
        "kind": "limits",
        "version": predictor.version.version,
        "date": today(),
        "protocol": "by-image",
        "rule": "answered: a type of healthy blood, and not one of all reasons for doubt; boxes as people drew them, "
        "scale by the red cells of the field",
        "answered": {title: answered},
        "exempt": [],
        "n_subjects": len(subjects),
        "n_subjects_answered": len(labelled),
        "types_given": dict(sorted(kinds.items())),
        "sentences": [sentence],
    }
    write_json(predictor.version.folder.parent / "evaluations" / f"{today()}-blasts.json", facts)
    return {"model": predictor.ref, "sentence": sentence}
