"""A day's work at one installation: four persons review and sign cases at once, killed and backed up meanwhile.

Run from the project's folder: `.venv/bin/python -m benchmarks.day [CASES]` (60 cases, on SQLite). Each case has 4 drawn
fields of 20 cells with given answers, which are confirmed or corrected in steps, signed, taken away in every form, and
some amended. One person's program is killed (kill -9) each 20 s and started again; two backups are made in between and
brought back. Wanted: no signed case lost or changed, the trail whole, and
actions in the last quarter of the day as fast as in the first.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reclassify import answer, drawn_field
from leuk_core import cases
from leuk_core.backup import back_up, restore
from leuk_core.cases import CaseState, CellState, trail
from leuk_core.cases.export import FORMS, export_case
from leuk_core.settings import settings

PERSONS, CASES, FIELDS_EACH, KILL_EACH_S, BACKUPS = ("Ada", "Bob", "Cyd", "Dee"), 60, 4, 20.0, 2
STEP_CELLS, AMENDED_OF, LARGE = 8, 10, 100_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEUK_DATA_DIR"] = str(Path(folder, "data"))
        os.environ.pop("LEUK_DATABASE_URL", None)  # whose backups are not of this program's making
        settings.cache_clear()
        cases.search_cases()
        started = time.perf_counter()
        kills, copies = _day(Path(folder), count)
        lasted = time.perf_counter() - started
        signed = _signed(Path(folder))
        print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{len(signed)} cases signed in {lasted:.0f} s by {len(PERSONS)} persons, {kills} kills")
        _told(Path(folder))
        _kept(signed)
        for copy, when in copies:
            _restored(copy, [case for case, at in signed.items() if at < when])


def _day(folder: Path, count: int) -> tuple[int, list[tuple[Path, float]]]:
    """Let all persons work until their cases are signed; return how often one was killed, and the backups."""
    context = multiprocessing.get_context("spawn")

    def begin(person: str) -> Any:
        worker = context.Process(target=work, args=(folder, person, count // len(PERSONS)))
        worker.start()
        return worker

    workers = {person: begin(person) for person in PERSONS}
    kills, copies, last, each = 0, [], time.monotonic(), np.random.default_rng(0)
    while any(worker.is_alive() for worker in workers.values()):
        time.sleep(0.2)
        for person, worker in workers.items():
            if worker.exitcode not in (None, 0, -9):
                sys.exit(f"The program of {person} ended with {worker.exitcode}.")
        alive = [person for person, worker in workers.items() if worker.is_alive()]
        if alive and time.monotonic() - last > KILL_EACH_S:
            last, unlucky = time.monotonic(), str(each.choice(alive))
            workers[unlucky].kill()
            workers[unlucky].join()
            workers[unlucky], kills = begin(unlucky), kills + 1
        if len(copies) < BACKUPS and len(_signed(folder)) > (len(copies) + 1) * count / (BACKUPS + 1):
            when, copy = time.time(), folder / f"copy {len(copies)}"
            back_up(copy)
            copies.append((copy, when))
    return kills, copies


def work(folder: Path, person: str, count: int) -> None:
    """Bring in, review, sign and take away cases until all of this person are signed; goes on where it was killed."""
    log = (folder / f"{person}.jsonl").open("a")

    def timed(kind: str, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        done = act(*given, **named)
        print(json.dumps([kind, time.time(), time.perf_counter() - start]), file=log, flush=True)
        return done

    for number in range(count):
        name = f"{person} {number}"
        known = [entry.case for entry in cases.search_cases(name, limit=LARGE) if entry.case.name == name]
        case = known[0] if known else timed("case", cases.create_case, person, name)
        if case.state is not CaseState.CONFIRMED:
            _bring_in(case.id, person, number, timed)
            _review(case.id, person, timed)
            case = timed("sign", cases.confirm_case, cases.load_case(case.id), person)
            with (folder / "signed.jsonl").open("a") as signed:
                print(json.dumps([case.id, time.time()]), file=signed, flush=True)
        if number % AMENDED_OF == 0 and not cases.list_amendments(case.id):
            changed = {1: (CellState.RECLASSIFIED, "monocyte")}
            timed("amend", cases.amend_case, case, person, "seen again", changed)
        for form in FORMS:
            timed(f"export {form}", export_case, case.id, person, form)


def _bring_in(case_id: str, person: str, number: int, timed: Callable[..., Any]) -> None:
    for place in range(len(cases.list_fields(case_id)), FIELDS_EACH):
        seed = 1000 * PERSONS.index(person) + FIELDS_EACH * number + place
        image, boxes = drawn_field(seed)
        cells = [cases.NewCell(box, answer(seed + at), 0.9, "segmentation") for at, box in enumerate(boxes)]
        timed("field", cases.add_field, case_id, person, image, cells, microns_per_pixel=0.1)


def _review(case_id: str, person: str, timed: Callable[..., Any]) -> None:
    while still := [cell for cell in cases.list_cells(case_id) if cell.state is CellState.OPEN]:
        some = still[:STEP_CELLS]
        sure, doubted = [cell for cell in some if cell.suggested], [cell for cell in some if not cell.suggested]
        if sure:
            timed("confirm", cases.confirm_cells, sure, person)
        if doubted:
            timed("reclassify", cases.reclassify_cells, doubted, person, "promyelocyte")


def _signed(folder: Path) -> dict[str, float]:
    told = folder / "signed.jsonl"
    return dict(json.loads(line) for line in told.read_text().splitlines()) if told.exists() else {}


def _told(folder: Path) -> None:
    rows = [json.loads(line) for person in PERSONS for line in (folder / f"{person}.jsonl").read_text().splitlines()]
    rows.sort(key=lambda row: row[1])
    quarter = len(rows) // 4
    print(f"{'action':<24} {'times':>6} {'median':>8} {'95 %':>8} {'longest':>8}  ms   last quarter / first")
    for kind in sorted({row[0] for row in rows}):
        taken = np.array([row[2] for row in rows if row[0] == kind]) * 1000
        ends = [[row[2] for row in part if row[0] == kind] for part in (rows[:quarter], rows[-quarter:])]
        ratio = f"{np.median(ends[1]) / np.median(ends[0]):.1f}" if all(ends) else "-"
        print(
            f"{kind:<24} {len(taken):>6} {np.median(taken):>8.0f} {np.percentile(taken, 95):>8.0f} "
            f"{taken.max():>8.0f}       {ratio:>8}"
        )


def _kept(signed: dict[str, float]) -> None:
    faults = [fault for case in signed for fault in cases.check_case(case)]
    lost = [case for case in signed if cases.load_case(case).state is not CaseState.CONFIRMED]
    checked = trail.check()
    print(
        f"signed cases lost: {len(lost)}, faults found in them: {len(faults)}, "
        f"trail of {len(trail.entries(limit=LARGE * 100)):,} rows whole: {checked.whole}"
    )


def _restored(copy: Path, signed: list[str]) -> None:
    restore(copy, copy.with_name(f"{copy.name} again"))
    os.environ["LEUK_DATA_DIR"] = str(copy.with_name(f"{copy.name} again"))
    settings.cache_clear()
    _kept(dict.fromkeys(signed, 0.0))


if __name__ == "__main__":
    main()
