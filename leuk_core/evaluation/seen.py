"""Pictures that shipped versions learnt from, as hashes: others are known again, also renamed, re-encoded or resized.

models/seen/<set>/card.json           what the list is of, with the SHA-256 of the other file
models/seen/<set>/seen.safetensors    a hash of the pixels and a hash of the look of each picture

The look is the angular spectrum by which the audit finds duplicates (`leuk_core.data.audit.look`): of a cut-out cell
its own, of a raw crop that of the whole picture. Its hash tells on which side of 256 fixed planes it lies. Measured on
200 pictures of each of C-NMC and both parts of PBC: copies as JPEG of quality 70, at half or 1.4 times the size, or
brighter by 15 % differ in up to 32 bits (one of 2,400 in 86); the most alike of cells from another source in 73 or
more. Turned copies are not found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import Parallel, delayed
from safetensors.numpy import load_file, save_file

from leuk_core.data.audit.look import RADII, look_at
from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.errors import InvalidData, ModelUnavailable
from leuk_core.registry.versions import check_files, sha256_of
from leuk_core.settings import settings
from leuk_core.training.run import today, write_json

ALIKE = 48
"""Looks that differ in no more bits than this are of the same picture; see above."""

FILE = "seen.safetensors"

_BITS = 256
_HARMONICS = 16
_WORTH_PROCESSES = 100  # pictures
_AT_ONCE = 500


class Prints:
    """What pictures are known again by; found when first asked for.

    Parameters
    ----------
    cells : LabelledCells
        The pictures.
    pixels : sequence of str or None
        `pixels_sha256` of each, where it is known already.
    """

    def __init__(self, cells: LabelledCells, pixels: Sequence[str] | None = None) -> None:
        self.cells = cells
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def pixels(self) -> list[str]:
        """`pixels_sha256` of each picture."""
        return [cell.picture().pixels_sha256 for cell in self.cells] if self._pixels is None else list(self._pixels)

    @cached_property
    def looks(self) -> np.ndarray:
        """Hash of the look of each picture, uint8 (n, 32); zeros where it shows nothing."""
        return looks_of(self.cells)[1]


@dataclass(frozen=True)
class SeenCells:
    """A list of pictures that were learnt from.

    Parameters
    ----------
    pixels : ndarray of shape (n,), uint64
        First eight bytes of each picture's `pixels_sha256`.
    looks : ndarray of shape (n, 32), uint8
        Hash of each picture's look.
    """

    pixels: np.ndarray
    looks: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def among(self, prints: Prints) -> np.ndarray:
        """Return, for each picture, whether it is one of the list, (n,) bool."""
        found = np.isin(short(prints.pixels), self.pixels)
        if found.all():
            return found
        mine = _signs(self.looks)
        for start in range(0, len(found), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            alike = _signs(prints.looks[part]) @ mine.T >= _BITS - 2 * ALIKE
            found[part] |= alike.any(axis=1) & prints.looks[part].any(axis=1)
        return found


def short(pixels: Sequence[str]) -> np.ndarray:
    """Return the first eight bytes of each SHA-256 as a number.

    Examples
    --------
    >>> short(["000000000000000b" + "0" * 48])
    array([11], dtype=uint64)
    """
    return np.array([int(digest[:16], 16) for digest in pixels], np.uint64)


def looks_of(cells: LabelledCells) -> tuple[list[str], np.ndarray]:
    """Return `pixels_sha256` and the hash of the look, uint8 (n, 32), of each picture.

    Raises
    ------
    LeukError
        If a picture can't be read.
    """
    jobs = 2 if len(cells) > _WORTH_PROCESSES else 1
    made = Parallel(jobs, batch_size=25)(delayed(_one)(cell, alone=jobs > 1) for cell in cells)
    spectra = np.array([spectrum for _, spectrum in made], np.float32).reshape(len(made), -1)
    return [digest for digest, _ in made], np.packbits(spectra @ _planes() > 0, axis=1)


def list_seen() -> list[Path]:
    """Return the folders of all lists."""
    return sorted(path.parent for path in (settings().models_dir / "seen").glob("*/card.json"))


def load_seen(name: str) -> SeenCells:
    """Return the list of a set's pictures.

    Parameters
    ----------
    name : str
        Name of the published set, such as "C-NMC".

    Raises
    ------
    ModelUnavailable
        If there is no such list, or it was changed.
    """
    folder = settings().models_dir / "seen" / _slug(name)
    try:
        files = json.loads((folder / "card.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(
            f"The list of the cells of {name} can't be read: install the models anew. Received: {error}"
        ) from error
    if wrong := check_files(folder, files):
        raise ModelUnavailable(
            f"The list of the cells of {name} can't be used: install the models anew. Received: {' '.join(wrong)}"
        )
    return _loaded(folder / FILE, files[FILE])


def store_seen(root: Path, name: str, sets: Sequence[LabelledCells]) -> dict[str, Any]:
    """Write the list of a published set's pictures; return its card.

    Parameters
    ----------
    root : Path
        The models folder.
    name : str
        Name of the published set.
    sets : sequence of LabelledCells
        All of it that anything learnt from.

    Raises
    ------
    InvalidData
        If there is such a list already.
    """
    folder = root / "seen" / _slug(name)
    if folder.exists():
        raise InvalidData(f"A list is never written over: delete it first. Received: {folder.name}")
    made = [looks_of(cells) for cells in sets]
    pixels = short([digest for digests, _ in made for digest in digests])
    order = np.argsort(pixels, kind="stable")
    folder.mkdir(parents=True)
    save_file({"pixels": pixels[order], "looks": np.concatenate([looks for _, looks in made])[order]}, folder / FILE)
    card = {"set": name, "n": len(pixels), "created": today(), "files": {FILE: sha256_of(folder / FILE)}}
    write_json(folder / "card.json", card)
    return card


@lru_cache(maxsize=4)
def _loaded(path: Path, sha256: str) -> SeenCells:  # noqa: ARG001 - another file is another list
    return SeenCells(**load_file(path))


def _one(cell: LabelledCell, *, alone: bool) -> tuple[str, np.ndarray]:
    if alone:  # a process of its own among others: one thread is its share
        cv2.setNumThreads(1)
    found = look_at(cell)
    kept = found.spectra[-1][:_HARMONICS]
    return found.pixels_sha256, np.concatenate([kept.real, kept.imag]).ravel()


@lru_cache(maxsize=1)
def _planes() -> np.ndarray:
    """Return the normals of the planes, (numbers of a spectrum, 256), of 1 and -1; the same for ever."""
    numbers = 2 * _HARMONICS * RADII
    raw = np.random.Philox(key=0).random_raw(numbers * _BITS // 64)
    return _signs(raw.astype("<u8").view(np.uint8)).reshape(numbers, _BITS)


def _signs(packed: np.ndarray) -> np.ndarray:
    return np.unpackbits(packed, axis=-1).astype(np.float32) * 2 - 1


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold())
