"""`python -m leuk_core.jobs.worker`: takes jobs and runs each in a process of its own, one at a time on one device."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from datetime import UTC, datetime

from leuk_core.database import DatabaseUnavailable
from leuk_core.errors import LeukError
from leuk_core.jobs import leases
from leuk_core.jobs.attempt import Attempt
from leuk_core.jobs.device import Device, found_devices

LOOK_S = 0.5
BEAT_S = 1.0


class Worker:
    """Takes jobs until it is told to end.

    Parameters
    ----------
    devices : tuple of Device
        On what it may work; each job leases one.
    parent : int or None
        Id of the process with which it ends; None for none.
    """

    def __init__(self, devices: tuple[Device, ...], parent: int | None = None) -> None:
        self.devices = devices
        self.parent = parent
        self.name = f"{platform.node()}-{os.getpid()}-{datetime.now(UTC):%H%M%S}"
        self._told_to_end = False
        self._last_beat = 0.0
        self._complaint = ""

    @property
    def ending(self) -> bool:
        """Whether it was told to end, or its parent is gone."""
        return self._told_to_end or (self.parent is not None and os.getppid() != self.parent)

    def end(self) -> None:
        """Let the job stop, leave it to the next worker, and end."""
        self._told_to_end = True

    def beat(self) -> bool:
        """Say that this worker is there, once a second; return whether it did."""
        now = time.monotonic()
        if now - self._last_beat < BEAT_S:
            return False
        leases.beat(self.name, self.devices[0].words)
        self._last_beat = now
        return True

    def complain(self, error: Exception) -> None:
        """Say what is wrong on standard error, the same thing once."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            print(error, file=sys.stderr, flush=True)  # noqa: T201

    def run(self) -> None:
        """Take one job after another."""
        while not self.ending:
            try:
                self.beat()
                leases.release_lost()
                taken = leases.claim(self.name, self.devices)
            except DatabaseUnavailable as error:
                self.complain(error)
                taken = None
            if taken is None:
                time.sleep(LOOK_S)
            else:
                Attempt(*taken, self).run()
        try:
            leases.leave(self.name)
        except DatabaseUnavailable as error:
            self.complain(error)


def main(arguments: list[str] | None = None) -> int:
    """Work until SIGTERM or Ctrl+C; 0 after that, 2 with one sentence where work can't begin."""
    parser = argparse.ArgumentParser(description="Run the jobs that wait, one after another.")
    add_arguments(parser)
    return work(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a worker can be told."""
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends")


def work(args: argparse.Namespace) -> int:
    """Work as the command line says."""
    worker = Worker(found_devices(), os.getppid() if args.with_parent else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.end())
    try:
        worker.run()
    except LeukError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
