"""What it costs a training that it tells how far it is, and that a worker watches it.

Run from the project's folder: `.venv/bin/python -m benchmarks.jobs`. Wanted: under 2 % together. Steps of a training as
fast as the fastest here (the tail behind kept activations, a word a step, values a pass) are worked through with and
without telling, in turns; what decides is the processor time of the telling itself, which is measured beside it, since
on a busy machine two turns differ by more than 2 %. Then a real worker watches a real job for a while.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

STEP_S = 0.05  # the smallest network's tail takes longer for a batch of 64 on two cores
STEPS, PASS, TURNS = 100, 10, 9
WATCHED_S = 20.0
WANTED = 0.02


def turn(tell: object) -> float:
    """Work through some steps as long as a real one, tell of each or of none; return the processor seconds of all."""
    values = np.random.default_rng(0).random((220, 220))
    began = time.process_time()
    for step in range(STEPS):
        until = time.thread_time() + STEP_S
        while time.thread_time() < until:
            values @ values
        if tell is not None:
            tell.progress(step, STEPS, "steps")  # type: ignore[attr-defined]
            if step % PASS == 0:
                tell.curve(0, step // PASS, {"loss": 0.5, "accuracy": 0.7, "val_loss": 0.6})  # type: ignore[attr-defined]
    return time.process_time() - began


def telling() -> float:
    """Return the share of a training's processor time that telling takes."""
    from leuk_core.jobs import Tell  # noqa: PLC0415 - reads the settings

    ratios = []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory() as place, Tell(Path(place)) as tell:
            told = turn(tell)
            ratios.append(told / turn(None) - 1)
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"a training that tells takes {middle:+.2%} processor time (quartiles {low:+.2%} to {high:+.2%})")
    return float(middle)


def heartbeat() -> float:
    """Return the share of a core that a worker takes while it watches a job."""
    from leuk_core.jobs import JobState, find, submit  # noqa: PLC0415 - reads the settings

    worker = psutil.Popen([sys.executable, "-m", "leuk_core.jobs.worker"], stdin=subprocess.DEVNULL)
    try:
        job = submit("sleep", {})
        while find(job.id).state is not JobState.RUNNING:
            time.sleep(0.1)
        time.sleep(2.0)
        before, began = worker.cpu_times(), time.monotonic()
        time.sleep(WATCHED_S)
        after, seconds = worker.cpu_times(), time.monotonic() - began
    finally:
        worker.terminate()
        worker.wait()
    share = (after.user + after.system - before.user - before.system) / seconds
    cores = os.cpu_count() or 1
    print(f"its worker takes {share:.2%} of a core while it watches and beats, {share / cores:.2%} of {cores} cores")
    return share


def sleep(request: dict[str, object], folder: Path, tell: object) -> dict[str, object]:  # noqa: ARG001 - as every work
    """Be there, as a job, until it is asked to stop."""
    while True:
        tell.progress(0, 1, "sleeps")  # type: ignore[attr-defined]
        time.sleep(STEP_S)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {"LEUK_DATA_DIR": place, "LEUK_JOB_WORKS": "sleep=benchmarks.jobs:sleep"}
        os.environ.pop("LEUK_DATABASE_URL", None)
        print(f"steps of {1000 * STEP_S:.0f} ms, medians of {TURNS} turns; wanted: under {WANTED:.0%} together")
        together = telling() + heartbeat()
    print(f"together {together:.2%}, {together / WANTED:.2f} times what is wanted")


if __name__ == "__main__":
    main()
