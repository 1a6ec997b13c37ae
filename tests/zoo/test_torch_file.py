"""Torch files are read without torch, and nothing in them is ever run."""

import io
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from leuk_core.errors import ModelUnavailable
from leuk_core.zoo.torch_file import MAGIC, read_tensors

VALUES = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "steps": np.array(7, np.int64)}


@pytest.fixture
def fake_torch(monkeypatch):
    """Put the three names of torch that its files refer to where pickle looks for them."""

    def _rebuild_tensor_v2(*_):
        raise AssertionError("never called: the reader has its own")

    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch", "__qualname__": name}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


class Stored:
    """A tensor that pickles as torch's do."""

    def __init__(self, torch, key, values, offset=0):
        self.key, self.values, self.offset, self.torch = key, values, offset, torch
        self.kind = torch.FloatStorage if values.dtype == np.float32 else torch.LongStorage

    def __reduce__(self):
        strides = tuple(step // self.values.itemsize for step in self.values.strides)
        place = Place(("storage", self.kind, self.key, "cpu", self.values.size))
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (place, self.offset, self.values.shape, strides, False, {})


class Place(tuple):
    """Where a storage is; pickled as a persistent id."""

    __slots__ = ()


class Writer(pickle.Pickler):
    """Writes places as persistent ids."""

    def persistent_id(self, thing):
        return tuple(thing) if isinstance(thing, Place) else None


def described(torch, **changes):
    """Return the pickled dictionary of tensors."""
    file = io.BytesIO()
    tensors = {name: Stored(torch, str(index), values) for index, (name, values) in enumerate(VALUES.items())}
    Writer(file, protocol=2).dump(tensors | changes)
    return file.getvalue()


def write_old(path, pickled):
    """Write the format before torch 1.6."""
    with path.open("wb") as file:
        for head in (MAGIC, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        file.write(pickled)
        pickle.dump(["0", "1"], file, protocol=2)
        for values in VALUES.values():
            file.write(values.size.to_bytes(8, "little") + values.tobytes())


def write_new(path, pickled):
    """Write the format since torch 1.6."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for index, values in enumerate(VALUES.values()):
            archive.writestr(f"archive/data/{index}", values.tobytes())


@pytest.mark.parametrize("write", [write_old, write_new])
def test_tensors_come_back(write, fake_torch, tmp_path):
    write(tmp_path / "weights.pth", described(fake_torch))
    found = read_tensors(tmp_path / "weights.pth")
    assert list(found) == list(VALUES)
    for name, values in VALUES.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


class Evil:
    """Runs a program when it is unpickled the usual way."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("write", [write_old, write_new])
def test_a_file_that_would_run_something_is_refused_before_it_does(write, fake_torch, tmp_path):
    write(tmp_path / "weights.pth", described(fake_torch, bad=Evil(tmp_path / "ran")))
    with pytest.raises(ModelUnavailable, match=r"holds more than tensors. Received: .*open"):
        read_tensors(tmp_path / "weights.pth")
    assert not (tmp_path / "ran").exists()


def test_a_tensor_beyond_its_numbers_is_refused(fake_torch, tmp_path):
    stray = Stored(fake_torch, "0", VALUES["conv.weight"], offset=1)
    write_old(tmp_path / "weights.pth", described(fake_torch, stray=stray))
    with pytest.raises(ModelUnavailable, match="reaches beyond its numbers"):
        read_tensors(tmp_path / "weights.pth")


@pytest.mark.parametrize("cut", [0, 10, 60, 300])
def test_a_cut_or_other_file_is_one_sentence(cut, fake_torch, tmp_path):
    write_old(tmp_path / "whole.pth", described(fake_torch))
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:cut])
    with pytest.raises(ModelUnavailable, match="Received: "):
        read_tensors(tmp_path / "cut.pth")
