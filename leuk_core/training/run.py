"""A run folder: what was asked, with what seed and environment, and what came out."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
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
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, path)  # noqa: PTH105 - the atomic one of the two


def write_array(path: Path, values: np.ndarray) -> None:
    """Write an array (.npy) so that a reader sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as file:
        np.save(file, values, allow_pickle=False)
    os.replace(unfinished, path)  # noqa: PTH105
