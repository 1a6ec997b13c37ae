"""Manifest: columns as promised, paths kept inside, every bad line named."""

import pytest

from leuk_core.data.cells import RefusedCells
from leuk_core.data.manifest import read_manifest
from leuk_core.errors import InvalidData


@pytest.fixture
def manifest(tmp_path, picture):
    for name in ("a", "b", "c", "d"):
        picture(tmp_path / "set" / "pictures" / f"{name}.png")

    def write(*lines, header="path,label,subject,split", encoding="utf-8"):
        path = tmp_path / "set" / "manifest.csv"
        path.write_text("\n".join((header, *lines)) + "\n", encoding=encoding)
        return path

    return write


GOOD = (
    "pictures/a.png,ALL,007,train",
    "pictures/b.png,ALL,7,test",
    "pictures/c.png,normal,,",
    "pictures/d.png,normal,x,",
)


def test_columns_are_read_as_written(manifest):
    cells = read_manifest(manifest(*GOOD))
    assert cells.labels == ["ALL", "ALL", "normal", "normal"]
    assert cells.subjects == ["007", "7", None, "x"]
    assert cells.splits == ["train", "test", None, None]
    assert cells.notes == ()


def test_missing_columns_are_said_and_further_ones_kept(manifest):
    lines = [f"pictures/{n}.png,{label},DM96" for n, label in zip("abcd", "AABB", strict=True)]
    cells = read_manifest(manifest(*lines, header="path,label,scanner"))
    assert cells.notes == ("the manifest has no column subject, split", "further columns kept: scanner")
    assert cells[0].extra == {"scanner": "DM96"}


def test_spreadsheet_exports_with_semicolons_and_backslashes(manifest):
    lines = [f"pictures\\{n}.png;{label}" for n, label in zip("abcd", "AABB", strict=True)]
    cells = read_manifest(manifest(*lines, header="path;label", encoding="utf-8-sig"))
    assert cells[3].name == "pictures/d.png"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("../outside.png,ALL,1,", "leaves the folder"),
        ("pictures/../../outside.png,ALL,1,", "leaves the folder"),
        ("/etc/hostname,ALL,1,", "leaves the folder"),
        ("C:\\cells\\a.png,ALL,1,", "leaves the folder"),
        ("pictures/link.png,ALL,1,", "leaves the folder"),
        ("pictures/none.png,ALL,1,", "unreadable file"),
        ("pictures,ALL,1,", "unreadable file"),
        ("pictures/./a.png,normal,1,", "listed twice"),
        (",ALL,1,", "no path"),
        ("pictures/e.png,,1,", "no label"),
        ("pictures/e.png,ALL,1,holdout", "unknown split"),
        ("pictures/normal_1.png,ALL,1,", "label contradicts the file's name"),
        ("pictures/e.png,all,1,", "renamed class"),
        ("pictures/e.png,AML,1,", "one-image class"),
    ],
)
def test_each_fault_is_named(manifest, picture, tmp_path, line, cause):
    outside = picture(tmp_path / "outside.png")
    (tmp_path / "set" / "pictures" / "link.png").symlink_to(outside)
    picture(tmp_path / "set" / "pictures" / "e.png")
    picture(tmp_path / "set" / "pictures" / "normal_1.png")
    with pytest.raises(RefusedCells) as refused:
        read_manifest(manifest(*GOOD, line))
    assert cause in {row.cause for row in refused.value.rows}
    assert cause in str(refused.value)


def test_line_number_of_the_fault_is_given(manifest):
    with pytest.raises(RefusedCells) as refused:
        read_manifest(manifest(*GOOD, "pictures/none.png,ALL,1,"))
    assert [row.where for row in refused.value.rows] == ["line 6"]


def test_one_class_is_too_few(manifest):
    with pytest.raises(RefusedCells, match="at least 2 are needed"):
        read_manifest(manifest(*GOOD[:2]))


def test_what_is_no_table_is_refused(tmp_path, manifest):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(InvalidData, match="UTF-8"):
        read_manifest(tmp_path / "x.csv")
    with pytest.raises(InvalidData, match="columns `path` and `label`"):
        read_manifest(manifest("a,b", header="file,class"))
    with pytest.raises(InvalidData, match="0 lines"):
        read_manifest(manifest())
