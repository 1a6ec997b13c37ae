"""Works that tests submit. Each holds on until it is let go, so that a test decides when something happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from leuk_core.errors import InvalidData
from leuk_core.jobs.progress import Tell


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
