"""Works that tests submit. Most hold on until they are let go, so that a test decides when something happens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from leuk_core.errors import InvalidData
from leuk_core.jobs.progress import Tell
from leuk_core.registry.own import claim_name, forget_staged, publish, staging_folder, version_of_job
from leuk_core.registry.versions import sha256_of
from leuk_core.training.run import write_json

TASK, MODEL = "all-vs-normal", "knn"
PARTS = 8


def steps(request: dict, folder: Path, tell: Tell) -> dict:
    """Do three steps, each once and kept, as training does with epochs; before each, wait for a file "go-N"."""
    for number in range(3):
        kept = folder / f"step-{number}"
        tell.step(f"step {number}")
        while not kept.exists() and not (folder / f"go-{number}").exists():
            tell.progress(number, 3, "steps")
            time.sleep(0.02)
        if not kept.exists():
            kept.write_text(str(os.getpid()))
        tell.curve(0, number, {"loss": 1.0 / (number + 1)})
    return {"steps": 3}


def store(request: dict, folder: Path, tell: Tell) -> dict:
    """Go a retraining's way in small: parts that are kept, then a version that is staged file by file and published."""
    for number in range(PARTS):
        kept = folder / f"part-{number}.json"
        if not kept.is_file():
            tell.step(f"part {number}")
            for look in range(8):
                tell.progress(look, 8, "looks")
                time.sleep(0.02)
            write_json(kept, {"by": os.getpid()})
        tell.curve(0, number, {"loss": 1.0 / (number + 1)})
    if version_of_job(folder.name) is None:
        name = claim_name(TASK, MODEL, folder.name)
        forget_staged(folder.name)
        staged = staging_folder(folder.name)
        staged.mkdir(parents=True)
        files = {}
        for number in range(PARTS):
            tell.checkpoint()
            (staged / f"weights-{number}").write_bytes(os.urandom(2**16))
            files[f"weights-{number}"] = sha256_of(staged / f"weights-{number}")
            time.sleep(0.02)
        card = {"version": name, "task": TASK, "model": MODEL, "job": folder.name, "files": files}
        (staged / "card.json").write_text(json.dumps(card))
        publish(folder.name, TASK, MODEL, name)
    return {"parts": PARTS}


def alone(request: dict, folder: Path, tell: Tell) -> dict:
    """Fail where another job is at work."""
    mark = Path(request["mark"])
    with mark.open("x"):
        for number in range(10):
            tell.progress(number, 10, "looks")
            time.sleep(0.02)
    mark.unlink()
    return {"pid": os.getpid()}


def deaf(request: dict, folder: Path, tell: Tell) -> dict:
    """Listen to nothing, with a child that has left the session."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    tell.progress(0, 1, "deaf")
    while True:
        time.sleep(0.1)


def fill(request: dict, folder: Path, tell: Tell) -> dict:
    """Write until there is no room."""
    with (folder / "much").open("wb") as file:
        while True:
            file.write(bytes(2**16))
            file.flush()


def starve(request: dict, folder: Path, tell: Tell) -> dict:
    """Ask for more memory than there is."""
    return {"size": len(bytearray(2**62))}


def refuse(request: dict, folder: Path, tell: Tell) -> dict:
    """Say what is wrong."""
    raise InvalidData("This set has one class only. Received: all")


def stumble(request: dict, folder: Path, tell: Tell) -> dict:
    """Meet what nobody expected."""
    sys.stdout.write("before it happened\n")
    return {"share": 1 / int(request["zero"])}


def vanish(request: dict, folder: Path, tell: Tell) -> dict:
    """End without a word."""
    os._exit(3)
