"""Zips that were made to cost memory: the list of a million entries is never read, whatever it says of itself."""

import io
import struct
import zipfile

import pytest

from leuk_core.data import unzip as room
from leuk_core.data.unzip import unzip
from leuk_core.errors import InvalidData
from leuk_core.settings import settings


def archive(entries, said, *, zip64):
    """Return a zip whose list has so many entries, all of them the same file, and which says another number."""
    row = b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, *(0,) * 7, 1, *(0,) * 6) + b"a"
    head = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    data, size = head + row * entries, len(row) * entries
    if zip64:
        data += b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, said, said, size, len(head))
        data += b"PK\x06\x07" + struct.pack("<IQI", 0, len(head) + size, 1)
        return data + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, said, said, size, len(head), 0)


@pytest.mark.parametrize("zip64", [False, True])
@pytest.mark.parametrize("said", [3, 5000])
def test_too_many_entries_are_refused_before_any_is_read(tmp_path, monkeypatch, zip64, said):
    made = archive(5000, said, zip64=zip64)
    assert len(zipfile.ZipFile(io.BytesIO(made)).infolist()) == 5000  # the reader itself believes no number
    monkeypatch.setattr(settings(), "max_set_files", 4999)
    monkeypatch.setattr(room.zipfile, "ZipFile", lambda _: pytest.fail("the list was read"))
    (tmp_path / "a.zip").write_bytes(made)
    for source in (io.BytesIO(made), tmp_path / "a.zip"):
        with pytest.raises(InvalidData, match=r"at most 4,999 files .* Received: 5,000 or more"):
            unzip(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("place", "value"), [(6, 99), (8, 0x800)])  # a version to come; a name that is no UTF-8
def test_what_the_reader_does_not_know_is_refused_in_a_sentence(tmp_path, place, value):
    made = bytearray(archive(1, 1, zip64=False))
    row = made.index(b"PK\x01\x02")
    struct.pack_into("<H", made, row + place, value)
    made[row + 46] = 0xFF
    with pytest.raises(InvalidData, match="not a zip that can be read"):
        unzip(io.BytesIO(bytes(made)), tmp_path / "out")
