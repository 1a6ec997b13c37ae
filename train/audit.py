"""`python -m train audit`: examine a data set before anything is learnt from it."""

import argparse
import json
import sys
from pathlib import Path

from leuk_core.data.audit import AuditReport, audit, summary, to_html
from leuk_core.data.cells import RefusedCells
from leuk_core.data.layouts import open_cells
from train.context import Bar


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("audit", help="find duplicates, aliased subjects, label conflicts and shortcuts")
    parser.add_argument("data", type=Path, help="a manifest.csv or a folder in a known layout")
    parser.add_argument("--json", type=Path, help="write everything found to this file, for --audit of other verbs")
    parser.add_argument("--html", type=Path, help="write a page with the offending pairs side by side to this file")
    parser.add_argument(
        "--summary", type=Path, help="write what was found without the names of pictures, to be shipped"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes that look at pictures")
    parser.add_argument("--seed", type=int, default=0, help="of folds and intervals")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; prints a line of JSON a verdict."""
    try:
        cells = open_cells(args.data)
    except RefusedCells as refused:
        for row in refused.rows:
            print(json.dumps({"ok": False, **row.to_dict()}, ensure_ascii=False), flush=True)
        print(refused, file=sys.stderr)
        return 1
    bar = Bar()
    report = audit(cells, bar, jobs=args.jobs, seed=args.seed)
    bar.close()
    _write(report, args.json, args.html, args.summary)
    for name, verdict in report.verdicts.items():
        print(json.dumps({"check": name, **verdict.to_dict()}, ensure_ascii=False), flush=True)
    return 0


def _write(report: AuditReport, as_json: Path | None, as_html: Path | None, as_summary: Path | None) -> None:
    facts = report.to_dict()
    for path, content in ((as_json, facts), (as_summary, summary(facts))):
        if path is not None:
            path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if as_html is not None:
        as_html.write_text(to_html(report), encoding="utf-8")
