"""Parts that the tests of the cluster hand out; they travel by pickle."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from leuk_core.errors import InvalidData
from leuk_core.jobs import Cancelled


def waited_for(path, seconds=60.0):
    """Wait until a file is there and holds something."""
    end = time.monotonic() + seconds
    while not (path.is_file() and path.read_text()):
        assert time.monotonic() < end, f"{path} was waited for in vain"
        time.sleep(0.05)


@dataclass(frozen=True)
class Writes:
    """Writes a file, and tells a curve."""

    folder: Path
    number: int

    def __call__(self, tell):
        self.folder.mkdir(parents=True, exist_ok=True)
        tell.curve(self.number, 1, {"loss": 0.5})
        with (self.folder / f"{self.number}.txt").open("x") as file:
            file.write("done")


@dataclass(frozen=True)
class WaitsOnce:
    """Waits to be killed; done again, it writes."""

    folder: Path

    def __call__(self, tell):
        self.folder.mkdir(parents=True, exist_ok=True)
        begun = self.folder / "begun"
        if not begun.is_file():
            begun.write_text(str(os.getpid()))
            time.sleep(120)
        (self.folder / "again.txt").write_text(str(os.getpid()))


@dataclass(frozen=True)
class Endless:
    """Works until it is stopped."""

    folder: Path

    def __call__(self, tell):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "begun").write_text("1")
        try:
            while True:
                tell.checkpoint()
                time.sleep(0.05)
        except Cancelled:
            (self.folder / "ended").write_text("1")
            raise


def refuses(tell):
    """Ends as a work does that can't be done."""
    raise InvalidData("There is no cell at all. Received: nothing")
