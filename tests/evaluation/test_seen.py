"""Cells that a shipped model learnt from are known again whatever their names and files; others are not."""

import json
import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest

from leuk_core.data.cells import LabelledCell, LabelledCells
from leuk_core.errors import InvalidData, ModelUnavailable
from leuk_core.evaluation.seen import FILE, Prints, list_seen, load_seen, store_seen
from leuk_core.evaluation.unseen import LISTED, proof
from leuk_core.registry.versions import check_files, find_version
from leuk_core.settings import settings


def ward(pictures):
    """Return encoded pictures as cells of a clinic, with names that tell nothing."""
    cells = [
        LabelledCell(f"all/{number}.png", "all", f"P{number}", "ward", loader=lambda data=data: data)
        for number, data in enumerate(pictures)
    ]
    return LabelledCells(cells, "ward", "class folders")


def encoded(pixels, suffix=".png", *how):
    return cv2.imencode(suffix, pixels, list(how))[1].tobytes()


def copies(path):
    """Return a picture renamed, as a JPEG of lower quality, at half the size, larger, and brighter."""
    pixels = cv2.imread(str(path))
    half = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    large = cv2.resize(pixels, None, fx=1.4, fy=1.4, interpolation=cv2.INTER_CUBIC)
    return [
        path.read_bytes(),
        encoded(pixels),
        encoded(pixels, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 70),
        encoded(half),
        encoded(large),
        encoded(np.clip(pixels * 1.15, 0, 255).astype(np.uint8)),
    ]


def fields(root, at_most):
    """Yield crops around the white cells of BCCD's fields."""
    for path in sorted((root / "bccd" / "Annotations").glob("*.xml"))[:at_most]:
        picture = cv2.imread(str(root / "bccd" / "JPEGImages" / f"{path.stem}.jpg"))
        for entry in ET.parse(path).iter("object"):  # noqa: S314 - boxes that tests are given
            if entry.findtext("name") == "WBC":
                left, top, right, bottom = (
                    int(entry.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")
                )
                yield encoded(picture[max(0, top - 20) : bottom + 20, max(0, left - 20) : right + 20])


@pytest.mark.real
def test_renamed_and_altered_cells_of_a_shipped_set_are_found(cnmc_cells):
    picked = cnmc_cells(each=6)
    found = load_seen("C-NMC").among(Prints(ward([data for cell in picked for data in copies(cell.path)])))
    assert found.all()
    svm = find_version("all-vs-normal/svm")
    others = [encoded(np.random.default_rng(seed).integers(0, 255, (90, 90, 3), np.uint8)) for seed in range(3)]
    told = proof(svm, Prints(ward([*(cell.path.read_bytes() for cell in picked[:5]), *others])))
    assert not told.unseen
    assert told.words == "5 of 8 reserved cells are among those that the shipped model was trained on (C-NMC)"
    one = proof(svm, Prints(ward([copies(picked[0].path)[3], *others])))
    assert one.words == "1 of 4 reserved cells is among those that the shipped model was trained on (C-NMC)"


@pytest.mark.real
def test_renamed_and_altered_cells_of_pbc_are_found_under_what_learnt_from_it(test_data):
    paths = [path for part in ("pbc", "pbc_small") for path in sorted((test_data / part / "monocyte").iterdir())[:4]]
    assert load_seen("PBC").among(Prints(ward([data for path in paths for data in copies(path)]))).all()
    assert "(PBC)" in proof(find_version("wbc-types/svm"), Prints(ward([paths[0].read_bytes()]))).words
    features = find_version("all-vs-normal/svm")  # its DCNN learnt from PBC
    assert not proof(features, Prints(ward([paths[0].read_bytes()]))).unseen


@pytest.mark.real
def test_cells_of_other_sources_are_not_found(test_data):
    crops = list(fields(test_data, 40))
    crops += [path.read_bytes() for path in sorted((test_data / "aml_lmu" / "MYO").iterdir())[:20]]
    given = Prints(ward(crops))
    assert len(given) >= 50
    for name in LISTED:
        assert not load_seen(name).among(given).any()
    told = proof(find_version("all-vs-normal/svm"), given)
    assert told.unseen
    assert told.words.startswith(f"by pixels: none of these {len(given)} pictures is among the 6,150 of C-NMC and")


def test_pictures_without_anything_on_them_are_like_nothing():
    plain = Prints(ward([encoded(np.full((80, 80, 3), grey, np.uint8)) for grey in (0, 120, 255)]))
    for name in LISTED:
        assert not load_seen(name).among(plain).any()


def test_every_list_is_whole_and_small():
    assert len(list_seen()) == len(LISTED)
    for folder in list_seen():
        card = json.loads((folder / "card.json").read_text())
        assert check_files(folder, card["files"]) == []
        assert len(load_seen(card["set"])) == card["n"]
        assert (folder / FILE).stat().st_size < 45 * card["n"]


def test_a_list_is_made_again_and_a_changed_one_proves_nothing(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    pictures = [encoded(rng.integers(0, 255, (90, 90, 3), np.uint8)) for _ in range(4)]
    svm = find_version("all-vs-normal/svm")
    monkeypatch.setattr(settings(), "models_dir", tmp_path)
    cards = [store_seen(tmp_path / name, "C-NMC", [ward(pictures[:2]), ward(pictures[2:])]) for name in "ab"]
    assert cards[0]["files"] == cards[1]["files"]
    store_seen(tmp_path, "C-NMC", [ward(pictures)])
    with pytest.raises(InvalidData, match="never written over"):
        store_seen(tmp_path, "C-NMC", [ward(pictures)])
    assert load_seen("C-NMC").among(Prints(ward(pictures))).all()
    (tmp_path / "seen" / "c-nmc" / FILE).write_bytes(b"")
    with pytest.raises(ModelUnavailable, match="not the file that the card names"):
        load_seen("C-NMC")
    cards_only = type(svm)(svm.task, svm.model, svm.version, svm.folder, {"data": svm.card["data"]})
    assert "install the models anew" in proof(cards_only, Prints(ward(pictures))).words
