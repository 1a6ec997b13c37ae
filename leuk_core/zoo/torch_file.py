"""Reads the tensors of a torch weights file without torch, and without running what a pickle may hold.

Only what a plain dictionary of tensors needs is let through: ordered dictionaries, torch's function that puts a tensor
together, and its storages. Everything else in the file is refused before it is called. Used by the programs that
convert weights once; the application never opens such a file.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from leuk_core.errors import ModelUnavailable

MAGIC = 0x1950A86A20F9469CFC6C
"""First number of files written before torch 1.6."""

STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}


class _Storage(NamedTuple):
    """Where a tensor's numbers are, and of which kind."""

    key: str
    kind: np.dtype[Any]


class _Tensor(NamedTuple):
    """What a file says about a tensor before its numbers are read."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the tensor, given the numbers of its storage."""
        last = self.offset + sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape or min((self.offset, *self.strides)) < 0 or last >= len(numbers):
            raise ModelUnavailable(
                f"A tensor reaches beyond its numbers. Received: {self.shape}, {len(numbers)} numbers"
            )
        steps = tuple(step * numbers.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps, writeable=False).copy()


class _Reader(pickle.Unpickler):
    """Builds nothing but what a dictionary of tensors needs."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a global of the file; refuse all that is not on the list."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise ModelUnavailable(f"The file holds more than tensors. Received: {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """Return where a storage is."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or pid[1] not in STORAGES.values():
            raise ModelUnavailable(f"The file names an unknown kind of storage. Received: {pid!r}")
        return _Storage(str(pid[2]), np.dtype(pid[1]))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a torch file (`torch.save` of a state dictionary, old or new format) by name.

    Raises
    ------
    ModelUnavailable
        If the file is another or holds anything but tensors by name.
    """
    try:
        if zipfile.is_zipfile(path):
            described, numbers = _read_archive(path)
        else:
            with path.open("rb") as file:
                described, numbers = _read_stream(file)
        return {str(name): tensor.of(numbers(tensor.storage)) for name, tensor in described.items()}
    except ModelUnavailable:
        raise
    except Exception as error:  # a broken pickle lets many kinds through
        raise ModelUnavailable(f"{path.name} is not a readable torch file of tensors. Received: {error}") from error


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def _read_stream(file: BinaryIO) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """Read the old format: magic, protocol, system, objects, keys, then each storage's length and numbers."""
    if _Reader(file).load() != MAGIC:
        raise ModelUnavailable("The file does not begin as a torch file does. Received: another magic number")
    _, system, described = (_Reader(file).load() for _ in range(3))
    if not system.get("little_endian", True):
        raise ModelUnavailable("The file was written on a big-endian machine. Received: little_endian=False")
    kinds = {tensor.storage.key: tensor.storage.kind for tensor in described.values()}
    stored = {}
    for key in map(str, _Reader(file).load()):
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length * kinds[key].itemsize)
        stored[key] = np.frombuffer(raw, kinds[key], count=length)
    return described, lambda storage: stored[storage.key]


def _read_archive(path: Path) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    """Read the format since torch 1.6: a zip archive of `<name>/data.pkl` and `<name>/data/<key>`."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        described_at = next(name for name in names if name.endswith("/data.pkl"))
        folder = described_at.removesuffix("data.pkl") + "data/"
        raw = {name.removeprefix(folder): archive.read(name) for name in names if name.startswith(folder)}
        with archive.open(described_at) as file:
            described = _Reader(file).load()
    return described, lambda storage: np.frombuffer(raw[storage.key], storage.kind)
