"""`python -m train import`: make a zip, folder or manifest known as a set that versions are trained and compared on."""

import argparse
import json
from pathlib import Path

from leuk_core.data.imports import ImportedSet, import_folder, import_zip
from leuk_core.data.imports_audit import audited, red_verdicts, reserved_of


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    words = "import a zip, folder or manifest, examine it, and say what is red about it"
    parser = verbs.add_parser("import", help=words)
    parser.add_argument("path", help="a zip; or a folder or manifest below LEUK_DATA_ROOTS")
    parser.add_argument("--name", help="of a zip, for people; as its file where none is given")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints the set as a line of JSON."""
    print(json.dumps(facts(_imported(args)), ensure_ascii=False), flush=True)
    return 0


def facts(found: ImportedSet) -> dict[str, object]:
    """Return what a person must know of a set before a training: cells, red verdicts, who is kept apart."""
    report = audited(found.id)
    reserved = reserved_of(found.id)
    return {
        "set": found.id, "layout": found.layout, "images": found.images, "subjects": found.subjects,
        "notes": found.notes, "red_verdicts": red_verdicts(report), "reserved": reserved.sentence if reserved else "",
    }  # fmt: skip


def _imported(args: argparse.Namespace) -> ImportedSet:
    path = Path(args.path)
    if path.suffix.casefold() != ".zip":
        return import_folder(args.path)
    return import_zip(path, args.name or path.name)
