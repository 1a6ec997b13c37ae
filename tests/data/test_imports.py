"""Imports: what a zip may hold, wrong layouts row by row, the same set twice, and who is kept apart for comparisons."""

import errno
import io
import json
import os
import stat
import zipfile

import cv2
import numpy as np
import pytest

from leuk_core.data.cells import LabelledCell, LabelledCells, RefusedCells
from leuk_core.data.imports import (
    find_set,
    forget_set,
    import_cells,
    import_folder,
    import_manifest,
    import_zip,
    list_sets,
    open_set,
    sets_dir,
)
from leuk_core.data.imports_audit import audit_of, audited, red_verdicts, reserved_of
from leuk_core.data.reserved import NOT_ENOUGH, draw
from leuk_core.errors import InvalidData
from leuk_core.settings import settings


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """What the program writes, and what it may open, lie in temporary folders."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEUK_DATA_ROOTS", str(tmp_path / "server"))
    (tmp_path / "server").mkdir()
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def png(seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def zipped(entries):
    """Return a zip in memory; entries are (name or ZipInfo, bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def folders(each=3):
    return [
        (f"cells/{label}/{i}.png", png(100 * at + i)) for at, label in enumerate(("all", "hem")) for i in range(each)
    ]


def with_manifest(persons=12, each=1):
    """Return entries of a set with that many persons a class."""
    lines, entries = ["path,label,subject,split"], []
    for at, label in enumerate(("all", "hem")):
        for person in range(persons):
            for cell in range(each):
                name = f"{label}_{person}_{cell}.png"
                lines.append(f"{name},{label},{label[0]}{person},")
                entries.append((name, png(10_000 * at + 100 * person + cell)))
    return [("manifest.csv", "\n".join(lines)), *entries]


def test_a_zip_becomes_a_set_that_opens_again(places):
    junk = [("cells/.DS_Store", b"x"), ("__MACOSX/cells/all/._1.png", b"x")]
    found = import_zip(zipped([*folders(), *junk]), "Ward 3.zip")
    assert (found.name, found.layout, found.images) == ("Ward 3", "class folders", {"all": 3, "hem": 3})
    assert not found.subjects_known
    cells = open_set(found.id, unchanged=True)
    assert cells.name == "Ward 3"
    assert cells[0].picture().pixels.shape == (24, 24, 3)
    assert [one.id for one in list_sets()] == [found.id]
    assert import_zip(zipped(folders()), "Again.zip") == found
    assert len(list(sets_dir().iterdir())) == 1
    forget_set(found.id)
    with pytest.raises(InvalidData, match="no such imported set"):
        find_set(found.id)


def link():
    entry = zipfile.ZipInfo("cells/all/9.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def packed_by(method):
    """Return an entry in a method whose reader unpacks a chunk of 4 kB to gigabytes before anyone can look."""
    entry = zipfile.ZipInfo("cells/all/9.png")
    entry.compress_type = method
    return entry


def protected():
    buffer = zipped([("cells/all/9.png", png(1))])
    raw = bytearray(buffer.getvalue())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return io.BytesIO(bytes(raw))


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        (("../../evil.png", png(1)), "leaves the folder"),
        (("cells/../../evil.png", png(1)), "leaves the folder"),
        (("..\\evil.png", png(1)), "leaves the folder"),
        (("/etc/evil.png", png(1)), "leaves the folder"),
        (("C:\\evil.png", png(1)), "leaves the folder"),
        ((link(), b"/etc/passwd"), "link"),
        (("cells/all/more.zip", b"PK"), "archive inside the archive"),
        (("cells/all/more.png", zipped([("a", b"a")]).getvalue()), "archive inside the archive"),
        (("cells/all/zeros.png", bytes(5_000_000)), "unpacks to far more"),
        (("cells/ALL/0.PNG", png(1)), "listed twice"),
        (("cells/all", b"a file"), "listed twice"),
        ((packed_by(zipfile.ZIP_BZIP2), png(1)), "damaged or protected"),
        ((packed_by(zipfile.ZIP_LZMA), png(1)), "damaged or protected"),
        (("a/" * 200 + "9.png", png(1)), "leaves the folder"),
        (("cells/all/" + "9" * 600 + ".png", png(1)), "leaves the folder"),
    ],
)
def test_a_zip_that_does_harm_is_refused_by_row_and_leaves_nothing(places, entry, cause):
    with pytest.raises(RefusedCells, match="Received: 1 x") as refused:
        import_zip(zipped([*folders(), entry]), "bad.zip")
    assert cause in refused.value.rows[0].cause
    assert list(sets_dir().iterdir()) == []
    assert {path.name for path in places.iterdir()} <= {"data", "server"}


def test_a_bomb_of_many_small_files_too_many_files_and_no_zip_are_refused(places, monkeypatch):
    zeros = [(f"all/{i}.png", bytes(900_000)) for i in range(8)]
    with pytest.raises(RefusedCells, match="unpacks to far more than it holds"):
        import_zip(zipped(zeros), "bomb.zip")
    monkeypatch.setattr(settings(), "max_set_gb", 0.001)
    with pytest.raises(InvalidData, match=r"may unpack to at most 0\.001 GB"):
        import_zip(zipped(zeros), "large.zip")
    monkeypatch.setattr(settings(), "max_set_files", 3)
    with pytest.raises(InvalidData, match=r"at most 3 files .*Received: 6"):
        import_zip(zipped(folders()), "many.zip")
    monkeypatch.setattr(settings(), "max_set_files", 30)
    with pytest.raises(InvalidData, match="not a zip that can be read"):
        import_zip(io.BytesIO(b"nothing"), "n.zip")
    cut = io.BytesIO(zipped(folders()).getvalue()[:-40])
    with pytest.raises(InvalidData, match="not a zip that can be read"):
        import_zip(cut, "cut.zip")
    with pytest.raises(RefusedCells, match="protected by a password"):
        import_zip(protected(), "secret.zip")
    assert list(sets_dir().iterdir()) == []


@pytest.mark.parametrize("fills_up_at", ["shutil.copyfileobj", "leuk_core.data.imports.write_json"])
def test_a_full_disk_is_told_and_leaves_nothing(places, monkeypatch, fills_up_at):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fills_up_at, full)
        with pytest.raises(InvalidData, match="There is no space left for this"):
            import_zip(zipped(folders()), "ward.zip")
    assert list(sets_dir().iterdir()) == []
    assert import_zip(zipped(folders()), "ward.zip").n == 6


def test_five_thousand_files_are_imported(places):
    data = [png(i) for i in range(50)]
    entries = [(f"{('all', 'hem')[i % 2]}/{i}.png", data[i % 50]) for i in range(5000)]
    found = import_zip(zipped(entries), "large.zip")
    assert found.n == 5000


def test_a_wrong_layout_is_told_row_by_row(places):
    entries = [*folders(), ("cells/hem/notes.txt", b"text"), ("cells/hem/empty.png", b"")]
    with pytest.raises(RefusedCells) as refused:
        import_zip(zipped(entries), "wrong.zip")
    assert {(row.where, row.cause) for row in refused.value.rows} == {
        ("hem/notes.txt", "unreadable file"),
        ("hem/empty.png", "unreadable file"),
    }
    with pytest.raises(RefusedCells, match="renamed class"):
        import_zip(zipped([(name.replace("hem", "normal"), data) for name, data in folders()]), "n", ("all", "hem"))
    assert list_sets() == []


def test_a_folder_stays_where_it_is_and_must_not_change(places):
    root = places / "server" / "clinic"
    for name, data in with_manifest(2):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    found = import_manifest(str(root / "manifest.csv"))
    assert found.subjects == {"all": 2, "hem": 2}
    assert len(open_set(found.id, unchanged=True)) == 4
    assert import_folder(str(root)).id == found.id
    (root / "all_0_0.png").write_bytes(png(99))
    with pytest.raises(InvalidData, match="not what they were when it was imported"):
        open_set(found.id, unchanged=True)
    forget_set(found.id)
    assert (root / "manifest.csv").is_file()
    with pytest.raises(InvalidData, match="Only what lies below"):
        import_folder(str(places))
    with pytest.raises(InvalidData, match="A manifest is a file"):
        import_manifest(str(root))


class Loads:
    """Gives the bytes of a picture, as a reviewed case cuts a cell out of its field."""

    def __init__(self, seed):
        self.seed = seed

    def __call__(self):
        return png(self.seed)


def test_cells_from_elsewhere_are_kept_as_they_are_now(places):
    cells = LabelledCells(
        LabelledCell(
            f"case {i % 3}/field 1/cell {i}.png", ("all", "hem")[i % 2], f"case-{i % 3}", "reviewed cases",
            loader=Loads(i), extra={"microns_per_pixel": "0.2", "model": "svm"},
        )
        for i in range(6)
    )  # fmt: skip
    found = import_cells(cells, "Cases of May")
    assert (found.n, found.subjects, found.layout) == (6, {"all": 3, "hem": 3}, "manifest")
    opened = open_set(found.id, unchanged=True)
    assert [cell.read() for cell in opened] == [png(i) for i in range(6)]
    said = {"source": "reviewed cases", "cell": "case 1/field 1/cell 4.png"}
    assert dict(opened[4].extra) == {**said, "microns_per_pixel": "0.2", "model": "svm"}
    assert import_cells(cells, "Again") == found
    audited(found.id)
    with pytest.raises(RefusedCells, match="one-image class"):
        import_cells(cells[:3], "few")
    assert [path.name for path in sets_dir().iterdir() if path.is_dir()] == [found.id]


def test_reserved_persons_are_fixed_at_the_first_examination_and_keep_their_side(places):
    first = import_zip(zipped(with_manifest(12)), "first.zip")
    assert reserved_of(first.id) is None
    report = audited(first.id)
    assert audit_of(first.id) == report
    assert set(red_verdicts(report)) <= set(report["verdicts"])
    reserved = reserved_of(first.id)
    assert reserved.enough
    assert reserved.by_class == {"all": 5, "hem": 5}
    cells = open_set(first.id)
    learn, kept = reserved.sides(cells.subjects)
    assert {cells[i].subject for i in kept} == set(reserved.subjects)
    assert not {cells[i].subject for i in learn} & set(reserved.subjects)
    forget_set(first.id)
    second = import_zip(zipped(with_manifest(14)), "second.zip")
    audited(second.id)
    assert set(reserved_of(second.id).subjects) == set(reserved.subjects)


def test_few_or_unnamed_persons_are_not_enough_to_compare(places):
    few = import_zip(zipped(with_manifest(6)), "few.zip")
    audited(few.id)
    assert reserved_of(few.id).subjects == ()
    assert reserved_of(few.id).sentence.startswith(f"{NOT_ENOUGH}: class all has 6, class hem has 6, and 10 are needed")
    unnamed = import_zip(zipped(folders()), "unnamed.zip")
    audited(unnamed.id)
    assert reserved_of(unnamed.id).sentence == f"{NOT_ENOUGH}: the set does not name them"


def test_a_person_once_reserved_and_once_learnt_is_neither(places):
    ids = [f"{label}{person}" for label in ("all", "hem") for person in range(12)]
    groups = ["all0+all1" if one in ("all0", "all1") else one for one in ids]
    found = draw(ids, [one[:3] for one in ids], groups, {"all0": "reserved", "all1": "learnt", "hem3": "reserved"})
    assert found.aside == ("all0", "all1")
    assert "hem3" in found.subjects
    assert not set(found.aside) & set(found.subjects)
    learn, kept = found.sides(ids)
    assert {"all0", "all1"}.isdisjoint(ids[i] for i in [*learn, *kept])
    assert json.loads(json.dumps(found.to_dict()))["by_class"] == {"all": 5, "hem": 5}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nobody_waits_for_a_pipe_among_the_pictures(places):
    for name, data in folders():
        (places / "server" / name).parent.mkdir(parents=True, exist_ok=True)
        (places / "server" / name).write_bytes(data)
    os.mkfifo(places / "server" / "cells" / "all" / "9.png")
    with pytest.raises(RefusedCells, match="not a file"):
        import_folder(str(places / "server" / "cells"))


@pytest.mark.skipif(os.name != "posix", reason="making links takes rights on Windows")
def test_no_link_leads_out_of_the_folders_that_may_be_opened(places):
    root, outside = places / "server" / "clinic", places / "outside"
    for name, data in with_manifest(2):
        for folder in (root, outside):
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    found = import_folder(str(root))
    (root / "manifest.csv").unlink()
    (root / "manifest.csv").symlink_to(outside / "manifest.csv")
    with pytest.raises(RefusedCells, match="leaves the folder"):
        import_folder(str(root))
    root.rename(places / "server" / "before")
    root.symlink_to(outside)
    with pytest.raises(InvalidData, match="Only what lies below"):
        import_folder(str(root))
    with pytest.raises(InvalidData, match="replaced by a link"):
        open_set(found.id)


def test_no_more_sets_are_kept_than_may_be(places, monkeypatch):
    monkeypatch.setattr(settings(), "max_sets", 1)
    first = import_zip(zipped(folders()), "a.zip")
    with pytest.raises(InvalidData, match=r"At most 1 sets .*LEUK_MAX_SETS.* Received: 1"):
        import_zip(zipped(folders(4)), "b.zip")
    forget_set(first.id)
    assert import_zip(zipped(folders(4)), "b.zip").n == 8
