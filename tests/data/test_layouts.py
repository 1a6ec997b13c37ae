"""Layouts: published sets are read as they are, faulty ones are refused with every cause named."""

import pickle
from pathlib import Path

import pytest

from leuk_core.data.cells import RefusedCells
from leuk_core.data.layouts import open_cells
from leuk_core.errors import InvalidData


def causes(path, **kwargs):
    with pytest.raises(RefusedCells) as refused:
        open_cells(path, **kwargs)
    return {(row.where, row.cause) for row in refused.value.rows}


def test_cnmc_gives_class_subject_and_fold_from_names(cnmc):
    cells = open_cells(cnmc)
    assert cells.layout == "C-NMC"
    assert len(cells) == 12
    assert [cell.name for cell in cells][:3] == [f"fold_0/all/UID_1_4_{n}_all.bmp" for n in (1, 2, 10)]
    assert set(zip(cells.labels, cells.subjects, strict=True)) == {
        ("all", "1"), ("all", "2"), ("hem", "H3"), ("hem", "H10"),
    }  # fmt: skip
    assert cells[-1].extra == {"fold": "fold_1", "image": "4", "cell": "10"}
    assert cells[0].picture().pixels.shape == (24, 24, 3)


def test_cnmc_is_recognised_one_folder_up_and_one_fold_alone(cnmc):
    assert open_cells(cnmc.parent).layout == open_cells(cnmc / "fold_0").layout == "C-NMC"
    assert "inner folder C-NMC_training_data" in open_cells(cnmc.parent).notes[0]


def test_cnmc_name_against_folder_is_named(cnmc, picture):
    picture(cnmc / "fold_0" / "all" / "UID_H3_9_1_hem.bmp")
    picture(cnmc / "fold_0" / "hem" / "cell.bmp")
    assert causes(cnmc) == {
        ("fold_0/all/UID_H3_9_1_hem.bmp", "label contradicts the file's name"),
        ("fold_0/hem/cell.bmp", "file name without a subject"),
    }


def test_cnmc_renamed_class_is_named_with_a_hint(cnmc):
    (cnmc / "fold_1" / "hem").rename(cnmc / "fold_1" / "HEM")
    with pytest.raises(RefusedCells, match="did you mean 'hem'") as refused:
        open_cells(cnmc)
    assert ("fold_1/hem", "missing class") in {(row.where, row.cause) for row in refused.value.rows}


@pytest.fixture
def leukemia(tmp_path, picture):
    root = tmp_path / "Leukemia Dataset 0.2"
    for split in ("train", "test"):
        for name in ("ALL", "AML", "CLL", "CML", "H"):
            for n in range(2):
                picture(root / split / name / f"{name}_{n}.jpg")
    return root


def test_leukemia_dataset_gives_class_and_split(leukemia):
    cells = open_cells(leukemia)
    assert cells.layout == "Leukemia Dataset 0.2"
    assert cells.classes == ["ALL", "AML", "CLL", "CML", "H"]
    assert cells.splits.count("train") == cells.splits.count("test") == 10
    assert not cells.subjects_known
    assert "subjects are not known" in cells.notes[-1]


def test_leukemia_dataset_with_missing_renamed_and_empty_classes_names_each(leukemia):
    (leukemia / "train" / "H").rename(leukemia / "train" / "healthy")
    for file in (leukemia / "test" / "CML").iterdir():
        file.unlink()
    (leukemia / "test" / "CML" / ".DS_Store").write_bytes(b"x")
    assert causes(leukemia) == {
        ("train/healthy", "renamed class"), ("train/H", "missing class"), ("test/CML", "empty class"),
    }  # fmt: skip


def test_class_folders_ignore_what_systems_leave_behind(tmp_path, picture):
    for name in ("a", "b"):
        for n in range(2):
            picture(tmp_path / name / f"{n}.png")
        (tmp_path / name / "Thumbs.db").write_bytes(b"x")
        (tmp_path / name / ".DS_Store").write_bytes(b"x")
    (tmp_path / "README.txt").write_text("words")
    cells = open_cells(tmp_path)
    assert (cells.layout, len(cells), cells.classes) == ("class folders", 4, ["a", "b"])


def test_class_folders_name_each_unusable_file_and_class(tmp_path, picture):
    for n in range(3):
        picture(tmp_path / "blast" / f"{n}.png")
    picture(tmp_path / "normal" / "blast_7.png")
    (tmp_path / "blast" / "notes.txt").write_text("words")
    (tmp_path / "blast" / "none.png").touch()
    whole = (tmp_path / "blast" / "0.png").read_bytes()
    (tmp_path / "blast" / "half.png").write_bytes(whole[: len(whole) // 2])
    picture(tmp_path / "blast" / "person 3" / "1.png")
    assert causes(tmp_path) == {
        ("blast/notes.txt", "unreadable file"),
        ("blast/none.png", "unreadable file"),
        ("blast/half.png", "unreadable file"),
        ("blast/person 3", "folder inside a class folder"),
        ("normal/blast_7.png", "label contradicts the file's name"),
        ("normal", "one-image class"),
    }


def test_cut_off_jpeg_and_bmp_are_unreadable(tmp_path, picture):
    for name in ("a", "b"):
        for n in range(2):
            picture(tmp_path / name / f"{n}.jpg")
    for suffix in ("jpg", "bmp"):
        whole = picture(tmp_path / "a" / f"cut.{suffix}").read_bytes()
        (tmp_path / "a" / f"cut.{suffix}").write_bytes(whole[:-40])
    assert causes(tmp_path) == {("a/cut.jpg", "unreadable file"), ("a/cut.bmp", "unreadable file")}


def test_link_out_of_the_folder_is_refused(tmp_path, picture):
    secret = picture(tmp_path / "elsewhere" / "secret.png")
    root = tmp_path / "set"
    for name in ("a", "b"):
        for n in range(2):
            picture(root / name / f"{n}.png")
    (root / "a" / "link.png").symlink_to(secret)
    (root / "c").symlink_to(secret.parent)
    assert causes(root) == {("a/link.png", "leaves the folder"), ("c", "leaves the folder")}


def test_folder_that_contains_itself_ends(tmp_path):
    (tmp_path / "again").symlink_to(tmp_path)
    with pytest.raises(InvalidData):
        open_cells(tmp_path)


def test_expected_classes_are_demanded(tmp_path, picture):
    for name in ("ALL", "Normal"):
        for n in range(2):
            picture(tmp_path / name / f"{n}.png")
    assert causes(tmp_path, expected=("ALL", "normal")) == {("Normal", "renamed class"), ("normal", "missing class")}


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(InvalidData, match="neither"):
        open_cells(tmp_path / "no such folder")
    with pytest.raises(InvalidData, match=r"manifest\.csv or one folder a class"):
        open_cells(tmp_path)


def test_refusal_keeps_its_rows_across_processes(cnmc, picture):
    picture(cnmc / "fold_0" / "hem" / "cell.bmp")
    with pytest.raises(RefusedCells) as refused:
        open_cells(cnmc)
    again = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - written a line ago
    assert again.rows == refused.value.rows
    assert str(again) == str(refused.value)


@pytest.mark.real
def test_real_cnmc_folder_reads_as_its_manifest_says(cnmc_cells, tmp_path):
    rows = ["path,label,subject,fold"]
    for cell in cnmc_cells(each=8):
        place = Path("fold_1") / cell.label / cell.path.name
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(cell.path.read_bytes())
        rows.append(f"{place.as_posix()},{cell.label},{cell.subject},fold_1")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    by_manifest = open_cells(tmp_path)
    by_names = open_cells(tmp_path / "fold_1")
    assert (by_manifest.layout, by_names.layout) == ("manifest", "C-NMC")
    said = {cell.name: (cell.label, cell.subject) for cell in by_manifest}
    assert {f"fold_1/{c.name}": (c.label, c.subject) for c in by_names}.items() <= said.items()
    assert len(by_names) == len(by_manifest) == 16
    assert "no column split" in by_manifest.notes[0]
