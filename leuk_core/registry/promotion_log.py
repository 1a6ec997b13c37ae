"""The record of promotions: data/promotions.jsonl, a line a step, only ever added to; read anew when it has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Container
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from leuk_core.errors import InvalidData
from leuk_core.settings import settings

PROMOTE, ROLLBACK = "promote", "rollback"


@dataclass(frozen=True, slots=True)
class Promotion:
    """One step: which version answers from then on, who said so, and why.

    Parameters
    ----------
    at : str
        Date and time, UTC, as ISO 8601.
    what : {"promote", "rollback"}
        What was done.
    task, model : str
        Whose current version changed.
    version, before : str
        The version that answers afterwards, and the one that did before; empty where none did.
    by, reason : str
        Name of the person, and why.
    """

    at: str
    what: str
    task: str
    model: str
    version: str
    before: str
    by: str
    reason: str

    @property
    def ref(self) -> str:
        """Full reference of the version that answers afterwards."""
        return f"{self.task}/{self.model}@{self.version}"


def promotions_file() -> Path:
    """Return the file that holds every step."""
    return settings().data_dir / "promotions.jsonl"


def steps() -> tuple[Promotion, ...]:
    """Return every step, oldest first; a line that a full disk cut short is left out."""
    path = promotions_file()
    try:
        found = path.stat()
    except OSError:
        return ()
    return _parsed(path, found.st_mtime_ns, found.st_size)


def standing(task: str, model: str) -> list[str]:
    """Return the versions of a model that were promoted and not taken back, the last one last."""
    found: list[str] = []
    for step in steps():
        if (step.task, step.model) != (task, model):
            continue
        if step.what == PROMOTE:
            found.append(step.version)
        elif found:
            found.pop()
    return found


def promoted(task: str, model: str, installed: Container[str]) -> str | None:
    """Return the version that was promoted last and not taken back, of those that are installed; None without one."""
    return next((version for version in reversed(standing(task, model)) if version in installed), None)


def add(step: Promotion) -> None:
    """Write a step to the end of the record, whole or not at all.

    Raises
    ------
    InvalidData
        If it can't be written.
    """
    path = promotions_file()
    line = json.dumps(asdict(step), ensure_ascii=False).encode("utf-8") + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            if size and not _ends_a_line(path):
                line = b"\n" + line
            if file.write(line) != len(line):
                file.truncate(size)
                raise OSError("no space left")  # noqa: TRY301 - told as every other reason
            os.fsync(file.fileno())
    except OSError as error:
        raise InvalidData(f"The step can't be written down, so nothing was changed. Received: {error}") from error


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


@lru_cache(maxsize=4)
def _parsed(path: Path, _changed: int, _size: int) -> tuple[Promotion, ...]:
    found = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            found.append(Promotion(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return tuple(found)
