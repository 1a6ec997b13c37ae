"""Who else on this machine may look into, or write to, the folders in which this program keeps things.

Windows has other rights than these; there nothing is set and nothing is found.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from leuk_core import PROJECT_ROOT


def make_private(folder: Path) -> None:
    """Make a folder that nobody else may enter; one that is there already stays as it is.

    Where the folder above it is one that a group shares, the group may enter this one too.

    Raises
    ------
    OSError
        If it can't be made.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_mode(folder.parent, 0o700, 0o770), exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file that nobody else may read, in a folder that is there; see `make_private`."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, _mode(path.parent, 0o600, 0o660)))


def written_by(folder: Path) -> str:
    """Say who else may change what is in a folder; "" where nobody may."""
    if os.name != "posix" or not folder.is_dir():
        return ""
    found = folder.stat()
    if found.st_uid not in {0, os.geteuid(), PROJECT_ROOT.stat().st_uid}:  # the program's owner could change it too
        return f"it belongs to another user of this machine (number {found.st_uid})"
    return "every user of this machine may write to it" if found.st_mode & stat.S_IWOTH and _reached(folder) else ""


def read_by(folder: Path) -> str:
    """Say who else may look into a folder or file; "" where nobody may."""
    if os.name != "posix" or not folder.exists():
        return ""
    return "every user of this machine may look into it" if folder.stat().st_mode & 0o005 and _reached(folder) else ""


def _reached(folder: Path) -> bool:
    """Return whether other users may pass through all folders above one."""
    return all(above.stat().st_mode & stat.S_IXOTH for above in folder.resolve().parents)


def _mode(above: Path, alone: int, shared: int) -> int:
    if os.name != "posix":
        return 0o777
    return shared if above.stat().st_mode & stat.S_IWGRP else alone
