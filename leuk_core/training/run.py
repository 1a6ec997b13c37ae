"""A run folder: what was asked, with what seed and environment, and what came out."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

_PACKAGES = ("numpy", "scikit-learn", "opencv-python-headless", "keras", "tensorflow", "skops")


def environment() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def today() -> str:
    """Return the date (UTC) as runs and evaluations are named by it."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def write_json(path: Path, facts: Any) -> None:
    """Write JSON so that a reader sees the old file or the whole new one."""
    with whole(path) as unfinished:
        unfinished.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_array(path: Path, values: np.ndarray) -> None:
    """Write an array (.npy) so that a reader sees the old file or the whole new one."""
    with whole(path) as unfinished, unfinished.open("wb") as file:
        np.save(file, values, allow_pickle=False)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place beside a file to write to, which then takes the file's place; or is gone where writing failed.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it isn't there.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with whole(file) as unfinished:
    ...     _ = unfinished.write_text("all of it")
    >>> [one.name for one in file.parent.iterdir()]
    ['a.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # machines that share a folder may have processes of one number
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        yield unfinished
        os.replace(unfinished, path)  # noqa: PTH105 - the atomic one of the two
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Delete what killed processes left of a file that only one process at a time writes."""
    for unfinished in path.parent.glob(f".{path.name}.*.part"):
        unfinished.unlink(missing_ok=True)
