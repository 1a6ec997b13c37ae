"""Layouts: C-NMC, Leukemia Dataset 0.2 and class folders as they are published, read without rearranging files."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from leuk_core.data.cells import (
    CONTRADICTED,
    EMPTY_CLASS,
    LEAVES,
    MISSING_CLASS,
    RENAMED_CLASS,
    UNREADABLE,
    LabelledCell,
    LabelledCells,
    Problem,
    RefusedCells,
    class_problems,
    name_problems,
    picture_fault,
)
from leuk_core.data.groups import natural_key
from leuk_core.data.manifest import read_manifest
from leuk_core.errors import InvalidData

CNMC_CLASSES = ("all", "hem")
LEUKEMIA_02_CLASSES = ("ALL", "AML", "CLL", "CML", "H")
SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
NESTED = "folder inside a class folder"

_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_CNMC_NAME = re.compile(r"UID_(?P<subject>H?\d+)_(?P<image>\d+)_(?P<cell>\d+)_(?P<label>[A-Za-z]+)$")


def open_cells(path: str | Path, expected: Sequence[str] | None = None) -> LabelledCells:
    """Read a data set in whichever supported form it comes.

    Parameters
    ----------
    path : str or Path
        A manifest (`.csv`, or a folder with `manifest.csv`), or a folder in the layout of C-NMC (`fold_0/all/UID_...`),
        Leukemia Dataset 0.2 (`train/ALL/...`, `test/ALL/...`) or class folders (`ALL/...`, `normal/...`).
    expected : sequence of str, optional
        Class names that must be there, and no others. The two named sets bring their own.

    Returns
    -------
    LabelledCells
        In natural order of the names. Pictures are decoded only when asked for.

    Raises
    ------
    RefusedCells
        With a row for each cause: missing, empty, renamed or one-image class, unreadable file, label that contradicts
        the file's name, path that leaves the folder.
    InvalidData
        If nothing of the kind is there.
    """
    root = Path(path)
    if root.is_file():
        return read_manifest(root, expected)
    if not root.is_dir():
        raise InvalidData(f"`path` must be a manifest file or a folder of pictures. Received: {root}, which is neither")
    root, notes = _descend(root)
    manifest = root / "manifest.csv"
    if manifest.is_file():
        if _leaves(manifest, root):
            raise RefusedCells(f"`{root.name}`", [Problem(manifest.name, LEAVES, f"a link to {manifest.resolve()}")])
        return read_manifest(manifest, expected)
    folders = [entry for entry in _entries(root) if entry.is_dir()]
    if any(folder.name.casefold() in SPLIT_FOLDERS for folder in folders):
        return _read_splits(root, expected, notes)
    if _looks_like_cnmc(folders):
        return _read_cnmc(root, notes)
    return _read_class_folders(root, expected, notes)


def _descend(root: Path) -> tuple[Path, list[str]]:
    """Step into lone folders, as unpacked archives have them."""
    top = root
    for _ in range(4):
        inner = [entry for entry in _entries(root) if entry.is_dir()]
        if len(inner) != 1 or (root / "manifest.csv").is_file() or inner[0].name.casefold() in SPLIT_FOLDERS:
            break
        if _leaves(inner[0], top) or not any(entry.is_dir() for entry in _entries(inner[0])):
            break
        root = inner[0]
    return root, ([f"read from the inner folder {root.relative_to(top)}"] if root != top else [])


def _looks_like_cnmc(folders: Iterable[Path]) -> bool:
    for folder in folders:
        for entry in _entries(folder):
            names = [inner.name for inner in _entries(entry)] if entry.is_dir() else [entry.name]
            if any(name.startswith("UID_") for name in names[:20]):
                return True
    return False


def _read_cnmc(root: Path, notes: list[str]) -> LabelledCells:
    """Read `fold_N/<class>/UID_<subject>_<image>_<cell>_<class>.*`, or the class folders of one fold."""
    folders = [entry for entry in _entries(root) if entry.is_dir()]
    has_folds = any(inner.is_dir() for folder in folders for inner in _entries(folder))
    rows: list[Problem] = []
    cells: list[LabelledCell] = []
    for fold in folders if has_folds else [root]:
        found, bad = _read_classes(fold, root, CNMC_CLASSES, source="C-NMC")
        rows += bad
        for cell in found:
            parsed = _CNMC_NAME.match(Path(cell.name).stem)
            if parsed is None:
                wanted = "a name like UID_<subject>_<image>_<cell>_<class>"
                rows.append(Problem(cell.name, "file name without a subject", f"expected {wanted}"))
                cells.append(cell)
                continue
            healthy = parsed["subject"].startswith("H")
            if cell.label in CNMC_CLASSES and (parsed["label"] != cell.label or healthy != (cell.label == "hem")):
                said = "hem" if healthy else parsed["label"]
                rows.append(Problem(cell.name, CONTRADICTED, f"label {cell.label!r}, the name says {said!r}"))
            extra = {"image": parsed["image"], "cell": parsed["cell"]} | ({"fold": fold.name} if has_folds else {})
            cells.append(_with(cell, subject=parsed["subject"], extra=extra))
    return _finish(cells, root, "C-NMC", rows, notes)


def _read_splits(root: Path, expected: Sequence[str] | None, notes: list[str]) -> LabelledCells:
    """Read `train/<class>/...` and `test/<class>/...`; four of its five class names make it Leukemia Dataset 0.2."""
    folders = [entry for entry in _entries(root) if entry.is_dir()]
    splits = [folder for folder in folders if folder.name.casefold() in SPLIT_FOLDERS]
    rows = [
        Problem(folder.name, "folder that is no split", f"expected {', '.join(sorted(SPLIT_FOLDERS))}")
        for folder in folders
        if folder not in splits
    ]
    names = {entry.name for split in splits for entry in _entries(split) if entry.is_dir()}
    published = len(names & set(LEUKEMIA_02_CLASSES)) >= 4
    if expected is None:
        expected = LEUKEMIA_02_CLASSES if published else sorted(names)
    layout = "Leukemia Dataset 0.2" if published else "train/test by class"
    cells: list[LabelledCell] = []
    for split in splits:
        found, bad = _read_classes(split, root, expected, source=layout if published else root.name)
        rows += bad
        cells += [_with(cell, split=SPLIT_FOLDERS[split.name.casefold()]) for cell in found]
    rows += name_problems(cell for cell in cells if cell.label in expected)  # a renamed class has its row already
    return _finish(cells, root, layout, rows, [*notes, "subjects are not known in this layout"])


def _read_class_folders(root: Path, expected: Sequence[str] | None, notes: list[str]) -> LabelledCells:
    if not any(entry.is_dir() for entry in _entries(root)):
        raise InvalidData(
            "A folder of cells needs a manifest.csv or one folder a class with pictures in it. "
            f"Received: {root}, which has neither"
        )
    cells, rows = _read_classes(root, root, expected, source=root.name)
    rows += name_problems(cell for cell in cells if expected is None or cell.label in expected)
    return _finish(cells, root, "class folders", rows, [*notes, "subjects are not known in this layout"])


def _read_classes(
    folder: Path, root: Path, expected: Sequence[str] | None, source: str
) -> tuple[list[LabelledCell], list[Problem]]:
    """Read the class folders directly in `folder`; names are given relative to `root`."""
    cells: list[LabelledCell] = []
    classes = [entry for entry in _entries(folder) if entry.is_dir()]
    present = {entry.name for entry in classes}
    missing = sorted(set(expected or ()) - present)
    rows = [Problem(_relative(folder / name, root), MISSING_CLASS, f"no folder {name!r}") for name in missing]
    for entry in classes:
        here = _relative(entry, root)
        if _leaves(entry, root):
            rows.append(Problem(here, LEAVES, f"a link to {entry.resolve()}"))
            continue
        if expected is not None and entry.name not in expected:
            rows.append(Problem(here, RENAMED_CLASS, _rename_hint(entry.name, expected)))
        inside = _entries(entry)
        if not any(not inner.is_dir() for inner in inside):
            rows.append(Problem(here, EMPTY_CLASS, "no picture in this folder"))
        for inner in inside:
            problem = _file_problem(inner, root)
            if problem is not None:
                rows.append(problem)
            if problem is None or problem.cause == UNREADABLE:  # counted with its class even so
                cells.append(
                    LabelledCell(_relative(inner, root), _told(entry.name), source=source, path=inner.resolve())
                )
    return cells, rows


def _file_problem(entry: Path, root: Path) -> Problem | None:
    here = _relative(entry, root)
    if _leaves(entry, root):
        return Problem(here, LEAVES, f"a link to {entry.resolve()}")
    if entry.is_dir():
        return Problem(here, NESTED, "expected pictures only; name subjects in a manifest")
    fault = picture_fault(entry)
    return None if fault is None else Problem(here, UNREADABLE, fault)


def _rename_hint(name: str, expected: Sequence[str]) -> str:
    by_folded = {known.casefold(): known for known in expected}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    hint = f"; did you mean {by_folded[near[0]]!r}?" if near else ""
    return f"class {name!r}, expected one of {', '.join(expected)}{hint}"


def _finish(
    cells: list[LabelledCell], root: Path, layout: str, rows: list[Problem], notes: Iterable[str]
) -> LabelledCells:
    rows += class_problems([cell.label for cell in cells], None, root.name)
    if rows:
        raise RefusedCells(f"`{root.name}` ({layout})", rows)
    return LabelledCells(sorted(cells, key=lambda cell: natural_key(cell.name)), root.name, layout, notes)


def _with(cell: LabelledCell, **changes: object) -> LabelledCell:
    return LabelledCell(**{**vars(cell), **changes})


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, without what systems leave behind (.DS_Store, Thumbs.db and other hidden files)."""
    return sorted(
        (e for e in folder.iterdir() if not e.name.startswith(".") and e.name.casefold() not in _IGNORED),
        key=lambda entry: natural_key(entry.name),
    )


def _relative(path: Path, root: Path) -> str:
    return _told(path.relative_to(root).as_posix())


def _told(name: str) -> str:
    """Return a name that can be written down; bytes that are no UTF-8 are told as escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _leaves(path: Path, root: Path) -> bool:
    return not path.resolve().is_relative_to(root.resolve())
