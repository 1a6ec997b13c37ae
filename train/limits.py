"""`python -m train limits`: how often models label, without a doubt, what they never learnt; stored beside them."""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from leuk_core.data.layouts import open_cells
from leuk_core.evaluation.intervals import exact_interval
from leuk_core.evaluation.noncells import non_cells
from leuk_core.images import SmearImage
from leuk_core.prediction import Predictor, load_predictor
from leuk_core.training.run import today, write_json
from train.context import Bar

Counts = dict[str, tuple[int, int]]

DRAWN = "drawn pictures without a cell"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("limits", help="measure what gets a label without a doubt and should not")
    parser.add_argument("models", nargs="+", help="<task>/<model>[@version]")
    parser.add_argument(
        "--data", nargs=3, action="append", default=[], metavar=("PATH", "SCALE", "TITLE"),
        help="cells of another set, their micrometres a pixel (or \"own\"), and how people call the set",
    )  # fmt: skip
    parser.add_argument("--exempt", action="append", default=[], help="class that may well get a label")
    parser.add_argument("--rename", action="append", default=[], metavar="CLASS=WORDS", help="words for a class")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints one line of JSON a model."""
    predictors = [load_predictor(model) for model in args.models]
    words = dict(entry.split("=", 1) for entry in args.rename)
    bar = Bar()
    found: dict[str, dict[str, Counts]] = defaultdict(dict)
    for path, scale, title in args.data:
        cells = open_cells(Path(path))
        pictures = ((words.get(cell.label, cell.label), cell.picture()) for cell in cells)
        micrometres = None if scale == "own" else float(scale)
        for ref, counts in _answered(predictors, pictures, len(cells), micrometres, title, bar).items():
            found[ref][title] = counts
    drawn = [(kind, SmearImage(pixels, f"{kind}.png", "drawn")) for kind, pixels in non_cells()]
    for ref, counts in _answered(predictors, iter(drawn), len(drawn), None, "drawn pictures", bar).items():
        found[ref][DRAWN] = counts
    bar.close()
    exempt = {words.get(label, label) for label in args.exempt}
    for predictor in predictors:
        facts = _facts(predictor, found[predictor.ref], exempt)
        place = predictor.version.folder.parent / "evaluations" / f"{today()}-limits.json"
        write_json(place, facts)
        print(json.dumps({"model": predictor.ref, "sentences": facts["sentences"]}, ensure_ascii=False), flush=True)
    return 0


def _answered(
    predictors: list[Predictor],
    pictures: Iterator[tuple[str, SmearImage]],
    total: int,
    micrometres: float | None,
    title: str,
    bar: Bar,
) -> dict[str, Counts]:
    counts: dict[str, dict[str, list[int]]] = {entry.ref: defaultdict(lambda: [0, 0]) for entry in predictors}
    for number, (label, picture) in enumerate(pictures, 1):
        for predictor in predictors:
            got = predictor.predict(picture, micrometres).label is not None
            counts[predictor.ref][label][0] += got
            counts[predictor.ref][label][1] += 1
        bar(number, total, title)
    return {ref: {label: (k, n) for label, (k, n) in sorted(table.items())} for ref, table in counts.items()}


def _facts(predictor: Predictor, answered: dict[str, Counts], exempt: set[str]) -> dict[str, object]:
    return {
        "kind": "limits",
        "version": predictor.version.version,
        "date": today(),
        "protocol": "by-image",
        "rule": "answered: a label, and not one of all reasons for doubt",
        "answered": {title: {label: list(pair) for label, pair in table.items()} for title, table in answered.items()},
        "exempt": sorted(exempt),
        "sentences": sentences(answered, exempt),
    }


def sentences(answered: dict[str, Counts], exempt: set[str]) -> list[str]:
    """Return what was measured in words: all other sets together first, then each of them.

    Parameters
    ----------
    answered : dict of str to dict of str to (int, int)
        By title of the set and by class: cells with a label without a doubt, and cells shown.
    exempt : set of str
        Classes that may well get a label.
    """
    sets = [title for title in answered if title != DRAWN]
    cells = [pair for title in sets for pair in answered[title].values()]
    said = []
    if cells:
        labelled, shown = (sum(column) for column in zip(*cells, strict=True))
        words = f"cells of other sets ({', '.join(sets)})"
        few = labelled < 0.1 * shown
        said.append(
            _sentence(words, cells) + (" It answers about pictures like its training cells only." if few else "")
        )
    for title, counts in answered.items():
        spared = sorted(exempt & set(counts))
        of = "" if title == DRAWN else "cells "
        kinds = f"{of}other than {' and '.join(spared)} of {title}" if spared else f"{of and 'cells of '}{title}"
        said.append(_sentence(kinds, [pair for label, pair in counts.items() if label not in exempt]))
        said += [_sentence(f"cells of the class {label} of {title}", [counts[label]]) for label in spared]
    return said


def _sentence(kinds: str, counts: list[tuple[int, int]]) -> str:
    answered, shown = (sum(column) for column in zip(*counts, strict=True))
    share = exact_interval(answered, shown)
    return f"{answered} of {shown} {kinds} got a label without a doubt ({share.low:.1%} to {share.high:.1%}, by image)."
