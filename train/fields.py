"""Fields with boxes around white cells: BCCD, TXL and the leukemia fields, as their folders hold them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from leuk_core.errors import InvalidData
from leuk_core.images import SmearImage, decode

SIDES = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class BoxedField:
    """One field.

    Parameters
    ----------
    path : Path
        The picture.
    boxes : ndarray of shape (k, 4), float32
        White cells: x0, y0, x1, y1 in pixels.
    cells : tuple of str
        What each is called in the set.
    subject : str
        Whose it is; empty where unknown.
    """

    path: Path
    boxes: np.ndarray
    cells: tuple[str, ...] = field(default=())
    subject: str = ""

    def picture(self) -> SmearImage:
        """Return the decoded field."""
        return decode(self.path.read_bytes(), self.path.name)


def bccd(folder: Path, part: str) -> list[BoxedField]:
    """Return the fields of BCCD's own list "train", "val" or "test"."""
    lists = folder / "ImageSets" / "Main" / f"{part}.txt"
    if not lists.is_file():
        raise InvalidData(f"`data` must be the folder of BCCD with {lists.name} in it. Received: {folder.name}")
    found = []
    for name in lists.read_text("utf-8").split():
        tree = ET.parse(folder / "Annotations" / f"{name}.xml")  # noqa: S314 - a set on this machine
        boxes = [
            [float(entry.findtext(f"bndbox/{side}") or 0) for side in ("xmin", "ymin", "xmax", "ymax")]
            for entry in tree.iter("object")
            if entry.findtext("name") == "WBC"
        ]
        found.append(BoxedField(folder / "JPEGImages" / f"{name}.jpg", _array(boxes), ("WBC",) * len(boxes)))
    return found


def txl(folder: Path, source: str, part: str) -> list[BoxedField]:
    """Return the fields of one source ("raabin" or "bcd") and part ("train", "val" or "test") of TXL."""
    rows = [row for row in _rows(folder) if (row["source"], row["split"]) == (source, part)]
    return _fields(folder, rows, lambda row: row["label"] == "WBC", "label")


def leukemia(folder: Path) -> list[BoxedField]:
    """Return the leukemia fields that have boxes; every box is a white cell, some lie on empty ground."""
    return _fields(folder, _rows(folder), lambda _: True, "cell")


def _rows(folder: Path) -> list[dict[str, str]]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise InvalidData(f"`data` must be a folder with manifest.csv in it. Received: {folder.name}")
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _fields(folder: Path, rows: list[dict[str, str]], white, name: str) -> list[BoxedField]:  # type: ignore[no-untyped-def]
    by_path: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_path.setdefault(row["path"], []).append(row)
    found = []
    for path, of_field in by_path.items():
        cells = [row for row in of_field if white(row)]
        boxes = [[float(row[side]) for side in SIDES] for row in cells]
        names = tuple(row[name] for row in cells)
        found.append(BoxedField(folder / path, _array(boxes), names, of_field[0].get("subject", "")))
    return found


def _array(boxes: list[list[float]]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)
