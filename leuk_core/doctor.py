"""Is everything in place? One check after the other, each with what was found and, where it is broken, what to do."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from leuk_core import PROJECT_ROOT
from leuk_core.errors import ModelUnavailable
from leuk_core.private import read_by, written_by
from leuk_core.registry import list_versions
from leuk_core.settings import settings

OLDEST, TOO_NEW = (3, 11), (3, 14)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, and None or a sentence about what is wrong and what to do."""

    name: str
    found: str
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it is in place."""
        return self.error is None


def checks() -> Iterator[Check]:
    """Look at Python, the packages, the device, the models, the settings and the folders, in that order."""
    yield _python()
    yield from _packages(PROJECT_ROOT / "requirements.txt")
    yield _device()
    yield from _models()
    yield from _settings()
    for name in ("data_dir", "cache_dir"):
        yield _folder(name, getattr(settings(), name))
    yield from _secrets(PROJECT_ROOT / ".streamlit" / "secrets.toml")


def _python() -> Check:
    fits = OLDEST <= sys.version_info[:2] < TOO_NEW
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", found, None if fits else "Python 3.11 to 3.13 is needed: start with `python3 start.py`.")


def _packages(listing: Path) -> Iterator[Check]:
    """Compare each package that the application needs with the range it was written for."""
    if not listing.is_file():
        yield Check("packages", "no list", f"{listing.name} is missing: get the project anew.")
        return
    for line in listing.read_text("utf-8").splitlines():
        try:
            wanted = Requirement(line.split("#")[0].strip())
        except InvalidRequirement:
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield Check(wanted.name, "not installed", "Run `python3 start.py prepare`.")
            continue
        fits = wanted.specifier.contains(found, prereleases=True)
        yield Check(
            wanted.name, found, None if fits else f"{wanted.specifier} is needed: run `python3 start.py prepare`."
        )


def _device() -> Check:
    """Name the graphics processors that TensorFlow can use."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf  # noqa: PLC0415 (it takes seconds to load)

        found = tf.config.list_physical_devices("GPU")
        names = [tf.config.experimental.get_device_details(device).get("device_name", device.name) for device in found]
    except (ImportError, OSError, RuntimeError) as error:
        return Check(
            "device", "none", f"TensorFlow does not load ({type(error).__name__}): run `python3 start.py prepare`."
        )
    return Check("device", ", ".join(names) or f"no GPU: {os.cpu_count()} processor cores")


def _models() -> Iterator[Check]:
    """Compare the files of every installed model version with the hashes in its card."""
    try:
        versions = list_versions()
    except ModelUnavailable as error:
        yield Check("models", "unreadable", str(error))
        return
    if not versions:
        yield Check(
            "models", "none", f"No model is installed in {settings().models_dir}: get the project's models/ folder."
        )
    for entry in versions:
        wrong = entry.check()
        yield Check(entry.ref, "changed" if wrong else "unchanged", " ".join(wrong) or None)
    for folder in sorted((settings().models_dir / "seen").glob("*")):
        yield _list(folder.name)


def _list(name: str) -> Check:
    """Look at a list of cells that shipped versions learnt from, without which no comparison is proven."""
    from leuk_core.evaluation.seen import load_seen  # noqa: PLC0415 - loads what the audit needs

    try:
        return Check(f"seen/{name}", f"{len(load_seen(name)):,} cells, unchanged")
    except ModelUnavailable as error:
        return Check(f"seen/{name}", "changed", str(error))


def _settings() -> Iterator[Check]:
    for name, value in settings().model_dump().items():
        yield Check(f"LEUK_{name.upper()}", str(value))


def _secrets(path: Path) -> Iterator[Check]:
    """Look who may read the secrets of the login, where there is one; what they are stays there."""
    if path.is_file():
        who = read_by(path)
        yield Check(path.name, "there", f"{who.capitalize()}: chmod 600 takes that away." if who else None)


def _folder(name: str, folder: Path) -> Check:
    """Write a passing file into the folder, or into the nearest one above it where it does not exist yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Check(
            name, str(folder), f"It cannot be written ({error.strerror}): set LEUK_{name.upper()} to one that can."
        )
    if who := written_by(folder):
        return Check(
            name, str(folder), f"{who.capitalize()}: take that right away (chmod o-w), or set LEUK_{name.upper()}."
        )
    who = read_by(folder)
    return Check(name, f"{folder} can be written" + (f"; {who}: chmod o-rwx takes that away" if who else ""))
