"""Audit: planted faults are found, sound sets are left alone."""

import json
from functools import partial

import cv2
import numpy as np
import pytest

from leuk_core import RESEARCH_ONLY
from leuk_core.data.audit import Grade, audit, to_html
from leuk_core.data.audit.duplicates import confirm
from leuk_core.data.audit.look import look
from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.data.layouts import open_cells
from leuk_core.errors import InvalidData
from leuk_core.images import SmearImage
from train.__main__ import main

SIDE = 200


def draw_cell(number):
    """Draw a purple cell with a texture and an outline of its own on black ground."""
    rng = np.random.default_rng(number)
    texture = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)).astype(np.float32), (0, 0), 4)
    texture = 25 * texture / texture.std()
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    angle, away = np.arctan2(y, x), np.hypot(x, y)
    outline = (
        rng.uniform(50, 70) + 4 * np.cos(2 * angle + rng.uniform(0, 6)) + 3 * np.cos(3 * angle + rng.uniform(0, 6))
    )
    pixels = np.stack([110 + texture, 60 + 0.6 * texture, 130 + 0.8 * texture], axis=2)
    return np.clip(pixels * (away < outline)[..., None], 0, 255).astype(np.uint8)


def encoded(pixels, suffix=".png", quality=60):
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    written, data = cv2.imencode(suffix, np.ascontiguousarray(pixels[:, :, ::-1]), options)
    assert written
    return data.tobytes()


def given(data):
    return data


def cell(name, pixels, label, subject, suffix=".png", **more):
    loader = partial(given, pixels if isinstance(pixels, bytes) else encoded(pixels, suffix))
    return LabelledCell(name, label, subject, loader=loader, **more)


def drawn_set(n=16, subjects=8):
    """Cells of two classes, each subject with one class."""
    return [
        cell(f"c{i}", draw_cell(i), "all" if i % subjects < subjects / 2 else "hem", f"s{i % subjects}")
        for i in range(n)
    ]


def turned(pixels, degrees):
    place = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), degrees, 1)
    return cv2.warpAffine(pixels, place, (SIDE, SIDE))


def shifted(pixels, right, down):
    return cv2.warpAffine(pixels, np.float32([[1, 0, right], [0, 1, down]]), (SIDE, SIDE))


def look_of(pixels, data=None):
    if data is not None:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    return look(SmearImage(np.ascontiguousarray(pixels), "x", "0"))


ALTERED = {
    "quarter turn": (np.rot90, 90, False, 1.0),
    "odd turn": (lambda p: turned(p, -37), 37, False, 1.0),
    "mirrored": (lambda p: p[::-1], 0, True, 1.0),
    "mirrored and turned": (lambda p: np.rot90(p[::-1], -1), 90, True, 1.0),
    "shifted": (lambda p: shifted(p, 17, -9), 0, False, 1.0),
    "zoomed": (lambda p: cv2.resize(p, None, fx=1.2, fy=1.2), 0, False, 1.2),
    "brightened": (lambda p: np.clip(p * 1.25, 0, 255).astype(np.uint8), 0, False, 1.0),
    "other focus": (lambda p: cv2.GaussianBlur(p, (0, 0), 2), 0, False, 1.0),
}


@pytest.mark.parametrize("how", ALTERED)
def test_altered_and_reencoded_cell_is_recognised_and_said_how(how):
    alter, turned_by, mirrored, zoomed = ALTERED[how]
    original = draw_cell(3)
    found = confirm(look_of(original), look_of(None, encoded(alter(original), ".jpg")))
    assert found is not None
    score, angle, is_mirrored, factor, _ = found
    assert score > 0.75
    assert is_mirrored is mirrored
    assert abs(angle) == pytest.approx(turned_by, abs=2)
    assert factor == pytest.approx(zoomed, abs=0.03)


def test_turn_has_the_sign_that_a_person_sees():
    original = draw_cell(3)
    clockwise = cv2.rotate(original, cv2.ROTATE_90_CLOCKWISE)
    _, angle, mirrored, *_ = confirm(look_of(original), look_of(clockwise))
    assert (round(angle), mirrored) == (90, False)


def test_different_cells_of_one_shape_are_not_taken_for_one():
    outline = draw_cell(0) > 0
    cells = [np.where(outline, np.maximum(draw_cell(100 + i), 60), 0).astype(np.uint8) for i in range(12)]
    looks = [look_of(pixels) for pixels in cells]
    assert not any(confirm(a, b) for i, a in enumerate(looks) for b in looks[i + 1 :])


def test_sound_set_has_no_pairs_no_aliases_no_conflicts():
    report = audit(LabelledCells(drawn_set()))
    assert report.pairs == ()
    assert report.alias_groups == ()
    for check in ("duplicates", "alias_groups", "label_conflicts", "splits", "augmentation"):
        assert report.verdicts[check].grade is Grade.GREEN


def test_equal_pixels_in_other_files_are_exact_duplicates():
    cells = [*drawn_set(), cell("copy", encoded(draw_cell(5), ".bmp"), "hem", "s5")]
    report = audit(LabelledCells(cells))
    assert [(pair.first.name, pair.second.name) for pair in report.exact_duplicates] == [("c5", "copy")]
    assert report.near_duplicates == ()
    assert "2 of 17 pictures" in report.verdicts["duplicates"].text


def test_turned_copies_under_other_ids_make_one_person_of_each_chain_and_of_no_others():
    cells = [
        *drawn_set(),
        cell("copy 1", turned(draw_cell(0), 50), "all", "s2", ".jpg"),
        cell("copy 2", np.rot90(draw_cell(2)), "all", "s3", ".jpg"),
    ]
    report = audit(LabelledCells(cells))
    assert report.alias_groups == (("s0", "s2", "s3"),)
    assert report.verdicts["alias_groups"].grade is Grade.RED
    groups = report.groups(LabelledCells(cells))
    assert len(set(groups)) == 6
    assert groups[0] == groups[2] == groups[3] == "s0+s2+s3"


def test_copy_in_the_other_class_is_a_conflict_and_does_not_make_one_person():
    cells = [*drawn_set(), cell("copy", np.rot90(draw_cell(0)), "hem", "s5", ".jpg")]
    report = audit(LabelledCells(cells))
    assert [(pair.first.name, pair.second.name) for pair in report.label_conflicts] == [("c0", "copy")]
    assert report.verdicts["label_conflicts"].grade is Grade.RED
    assert report.alias_groups == ()
    groups = report.groups(LabelledCells(cells))
    assert groups[0] == groups[-1]  # still, no split may tear them apart


def test_given_splits_that_share_a_cell_or_a_person_leak():
    cells = [
        cell(f"c{i}", draw_cell(i), "all" if i % 2 else "hem", f"s{i}", split="train" if i < 8 else "test")
        for i in range(16)
    ]
    assert audit(LabelledCells(cells)).verdicts["splits"].grade is Grade.GREEN
    copy = cell("copy", draw_cell(1)[:, ::-1], "all", "s1", ".jpg", split="test")
    report = audit(LabelledCells([*cells, copy]))
    assert report.verdicts["splits"].grade is Grade.RED
    assert report.subjects_on_both_sides == ("s1",)
    assert [pair.across for pair in report.near_duplicates] == [("split",)]


def test_class_with_one_subject_allows_no_split():
    cells = [cell(f"c{i}", draw_cell(i), "all" if i < 8 else "hem", f"s{i % 4}" if i < 8 else "H1") for i in range(16)]
    report = audit(LabelledCells(cells))
    assert report.balance.possible_folds == 1
    assert report.verdicts["balance"].grade is Grade.RED
    assert report.balance.dominating[-1] == {"subject": "H1", "class": "hem", "images": 8, "share": 1.0}
    assert {one.protocol.value for one in report.shortcuts} == {"by-image"}


def test_without_subjects_groups_come_from_duplicates_only():
    cells = [cell(f"c{i}", draw_cell(i), "all" if i % 2 else "hem", None) for i in range(12)]
    report = audit(LabelledCells([*cells, cell("copy", np.rot90(draw_cell(1)), "all", None)]))
    assert report.protocol.value == "subjects-unknown"
    assert report.verdicts["alias_groups"].grade is Grade.AMBER
    groups = report.groups(LabelledCells([*cells, cell("copy", b"", "all", None)]))
    assert groups[1] == groups[12]
    assert len(set(groups)) == 12


def test_set_that_was_multiplied_shows_in_names_and_pixels():
    originals = [cell(f"ALL_{i}_0", draw_cell(i), "all" if i % 2 else "hem", None) for i in range(8)]
    copies = [
        cell(f"aug_{i}_flip", turned(draw_cell(i), 20 + 30 * i), "all" if i % 2 else "hem", None, ".jpg")
        for i in range(8)
    ]
    report = audit(LabelledCells(originals + copies))
    assert report.augmentation.names["words of augmentation"] == (8, "aug_0_flip")
    assert report.augmentation.altered_pictures == 16
    assert report.verdicts["augmentation"].grade is Grade.RED


def test_undecodable_picture_is_named_and_left_out():
    cells = [*drawn_set(), cell("broken", b"\xff\xd8\xff nothing", "all", "s0")]
    report = audit(LabelledCells(cells))
    assert report.n == 16
    assert [problem.where for problem in report.unreadable] == ["broken"]
    assert report.verdicts["files"].grade is Grade.RED


def test_nothing_to_audit_is_said():
    with pytest.raises(InvalidData, match=r"Received: 0 .*broken"):
        audit(LabelledCells([cell("broken", b"x", "all", "s0")]))


def test_blank_and_tiny_pictures_do_not_end_the_audit():
    odd = [np.zeros((64, 64, 3), np.uint8), np.full((40, 90, 3), 255, np.uint8), draw_cell(1)[90:110, 90:110]]
    cells = [*drawn_set(), *(cell(f"odd {i}", pixels, "all", f"s{i}") for i, pixels in enumerate(odd))]
    report = audit(LabelledCells(cells))
    assert report.n == 19
    assert report.pairs == ()


def test_two_processes_find_what_one_finds_and_progress_is_told(tmp_path, picture):
    pixels = [draw_cell(i) for i in range(169)] + [np.rot90(draw_cell(0))]
    cells = [
        LabelledCell(f"c{i}", "all" if i % 8 < 4 else "hem", f"s{i % 8}", path=picture(tmp_path / f"{i}.png", shown))
        for i, shown in enumerate(pixels)
    ]
    told = []
    one = audit(LabelledCells(cells), jobs=1)
    two = audit(LabelledCells(cells), lambda *step: told.append(step), jobs=2)
    assert one.to_dict() == two.to_dict()
    assert one.alias_groups == (("s0", "s1"),)
    assert [step for step in told if step[2] == "looking at pictures"][-1][:2] == (170, 170)


def test_page_shows_pairs_escapes_names_and_says_research_only():
    cells = [*drawn_set(), cell("<script>copy", np.rot90(draw_cell(0)), "all", "s1&")]
    page = to_html(audit(LabelledCells(cells, name="<b>set")))
    assert RESEARCH_ONLY in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert "&lt;script&gt;copy" in page
    assert "<script" not in page
    assert "turned by" in page


def test_command_writes_json_and_page(tmp_path, picture, capsys):
    for i in range(12):
        picture(tmp_path / "set" / ("ALL" if i % 2 else "normal") / f"{i}.png", draw_cell(i))
    picture(tmp_path / "set" / "ALL" / "99.png", np.rot90(draw_cell(0)))
    as_json, as_html = tmp_path / "report.json", tmp_path / "report.html"
    assert main(["audit", str(tmp_path / "set"), "--json", str(as_json), "--html", str(as_html), "--jobs", "1"]) == 0
    report = json.loads(as_json.read_text("utf-8"))
    assert report.keys() >= {
        "exact_duplicates", "near_duplicates", "alias_groups", "label_conflicts", "shortcuts", "balance", "verdicts",
    }  # fmt: skip
    (pair,) = report["near_duplicates"]
    assert (pair["first"], pair["second"], pair["across"]) == ("ALL/99.png", "normal/0.png", ["class"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"check": "label_conflicts", "grade": "red"}.items() <= lines[2].items()
    assert RESEARCH_ONLY in as_html.read_text("utf-8")


def test_command_refuses_a_faulty_set_with_a_row_a_fault(tmp_path, picture, capsys):
    picture(tmp_path / "ALL" / "1.png")
    (tmp_path / "normal").mkdir()
    assert main(["audit", str(tmp_path)]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"empty class", "one-image class"} <= {row["cause"] for row in rows}


# Real cells


@pytest.fixture(scope="module")
def cnmc(cnmc_cells):
    """Cells of C-NMC, from 12 subjects a class as far as there are."""
    return [LabelledCell(one.path.name, one.label, one.subject, path=one.path, extra={}) for one in cnmc_cells(each=12)]


@pytest.mark.real
def test_real_turned_and_reencoded_copy_under_another_subject(cnmc):
    copied = next(one for one in cnmc if one.label == "all")
    other = next(one for one in cnmc if one.label == "all" and one.subject != copied.subject)
    pixels = cv2.convertScaleAbs(np.rot90(copied.picture().pixels), alpha=1.1)
    report = audit(LabelledCells([*cnmc, cell("copy", pixels, "all", other.subject, ".jpg")]))
    assert {copied.subject, other.subject} in [set(group) for group in report.alias_groups]
    assert any({pair.first.name, pair.second.name} == {copied.name, "copy"} for pair in report.near_duplicates)


@pytest.mark.real
def test_real_copy_in_the_other_class(cnmc):
    copied = next(one for one in cnmc if one.label == "hem")
    pixels = shifted_real(copied.picture().pixels[:, ::-1])
    report = audit(LabelledCells([*cnmc, cell("copy", pixels, "all", "1", ".jpg")]))
    assert [{pair.first.name, pair.second.name} for pair in report.label_conflicts] == [{copied.name, "copy"}]


def shifted_real(pixels):
    return cv2.warpAffine(pixels, np.float32([[1, 0, 25], [0, 1, 14]]), pixels.shape[1::-1])


@pytest.mark.real
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("fold_0/all/UID_43_4_4_all.jpg", "fold_1/all/UID_44_23_4_all.jpg"),
        ("fold_1/hem/UID_H14_22_9_hem.jpg", "fold_0/hem/UID_H24_29_5_hem.jpg"),
        ("fold_1/all/UID_16_38_1_all.jpg", "fold_0/all/UID_20_15_1_all.jpg"),
        ("fold_0/all/UID_1_7_1_all.jpg", "fold_0/all/UID_15_25_2_all.jpg"),
    ],
)
def test_real_cells_under_two_official_ids_are_recognised(test_data, first, second):
    a, b = (LabelledCell(name, "x", path=test_data / "cnmc" / name).picture() for name in (first, second))
    found = confirm(look(a), look(b))
    assert found is not None
    assert found[0] > 0.75


@pytest.fixture(scope="module")
def pbc(test_data):
    """Raw crops of two types of white cells from one microscope."""
    return [
        LabelledCell(f"{label}/{path.name}", label, path=path)
        for label in ("lymphocyte", "monocyte")
        for path in sorted((test_data / "pbc" / label).glob("*.jpg"))[:16]
    ]


@pytest.mark.real
def test_real_raw_crops_turned_mirrored_shifted_are_found_and_no_others(pbc):
    pixels = [one.picture().pixels for one in pbc[:4]]
    copies = [
        cell("turned", np.rot90(pixels[0]), "lymphocyte", None, ".jpg"),
        cell("mirrored", pixels[1][:, ::-1], "lymphocyte", None, ".jpg"),
        cell("shifted", pixels[2][30:, :-30], "lymphocyte", None, ".jpg"),
        cell("dark", cv2.convertScaleAbs(pixels[3], alpha=0.8), "lymphocyte", None, ".jpg"),
    ]
    report = audit(LabelledCells([*pbc, *copies]))
    assert {(pair.first.name, pair.second.name) for pair in report.near_duplicates} == {
        (one.name, copy.name) for one, copy in zip(pbc[:4], copies, strict=True)
    }


@pytest.mark.real
def test_real_border_colour_shortcut(pbc):
    def trait(cells):
        return next(one for one in audit(LabelledCells(cells)).shortcuts if one.trait.key == "border_colour")

    assert trait(pbc).grade is not Grade.RED
    painted = []
    for one in pbc:
        pixels = one.picture().pixels.copy()
        if one.label == "monocyte":
            for ring in (pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -8:]):
                ring[..., 0] = np.clip(ring[..., 0].astype(int) - 40, 0, 255)
        painted.append(cell(one.name, pixels, one.label, None))
    assert trait(painted).grade is Grade.RED


@pytest.mark.real
def test_real_two_sources_as_two_classes_raise_the_shortcut_verdict(test_data, pbc):
    other = [
        LabelledCell(path.name, "aml", path=path) for path in sorted((test_data / "aml_lmu" / "MYO").glob("*.jpg"))[:16]
    ]
    healthy = [LabelledCell(one.name, "healthy", path=one.path) for one in pbc[::2]]
    report = audit(LabelledCells([*healthy, *other]))
    assert report.verdicts["shortcuts"].grade is Grade.RED
    assert "different microscopes" in report.verdicts["shortcuts"].text


@pytest.mark.real
def test_real_class_with_one_subject(cnmc):
    cells = [one for one in cnmc if one.label == "all"]
    cells += [LabelledCell(one.name, one.label, "H1", path=one.path) for one in cnmc if one.label == "hem"]
    assert audit(LabelledCells(cells)).verdicts["balance"].grade is Grade.RED


def test_reading_a_folder_and_auditing_it_go_together(tmp_path, picture):
    for i in range(8):
        picture(tmp_path / ("a" if i % 2 else "b") / f"{i}.png", draw_cell(i))
    report = audit(open_cells(tmp_path), jobs=1)
    assert (report.layout, report.n) == ("class folders", 8)
    assert "subjects are not known in this layout" in report.notes
