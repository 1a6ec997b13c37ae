"""Labelled cells: the one form in which data reaches training, evaluation and audit, wherever it comes from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from leuk_core.errors import InvalidData, LeukError
from leuk_core.images import SmearImage, decode

Progress = Callable[[int, int, str], None]
"""Called as `progress(done, total, what)`; `done` counts up to `total` within each `what`."""


@dataclass(frozen=True)
class LabelledCell:
    """One picture of a cell with what is known about it. Its bytes are read only when they are asked for.

    Parameters
    ----------
    name : str
        Where the picture lies within its set, with forward slashes; shown to people.
    label : str
        Class as written.
    subject : str or None
        Person as written; None where it is not known.
    source : str
        Data set, microscope or archive that it comes from.
    split : str or None
        "train", "validation", "test", or None where the set does not say.
    path : Path or None
        File that holds the bytes. One of `path` and `loader` is given.
    loader : callable or None
        Returns the bytes; for archives and reviewed cases. Must be picklable to be used by several processes.
    extra : mapping of str to str
        Everything else that the set says about it, such as `fold`.
    """

    name: str
    label: str
    subject: str | None = None
    source: str = ""
    split: str | None = None
    path: Path | None = None
    loader: Callable[[], bytes] | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        """Return the bytes of the picture file.

        Raises
        ------
        InvalidData
            If the file cannot be read.
        """
        if self.loader is not None:
            return self.loader()
        if self.path is None:
            raise InvalidData(f"A cell needs a `path` or a `loader`. Received: neither, for {self.name}")
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InvalidData(
                f"The picture cannot be read: check that it exists and may be read. Received: {error}"
            ) from error

    def picture(self) -> SmearImage:
        """Return the decoded picture.

        Raises
        ------
        InvalidData
            If the file cannot be read.
        RejectedPicture
            If the bytes are not a picture that this program reads.
        """
        return decode(self.read(), self.name)


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of a refusal: where, which cause, and what was found there."""

    where: str
    cause: str
    received: str

    def to_dict(self) -> dict[str, str]:
        """Return the row as a table wants it."""
        return {"where": self.where, "cause": self.cause, "received": self.received}


class RefusedCells(InvalidData):
    """A data set that cannot be used as it is; `rows` holds every reason, the message the counts and first examples."""

    def __init__(self, what: str, rows: Iterable[Problem]) -> None:
        self.rows = tuple(rows)
        counts = Counter(row.cause for row in self.rows)
        parts = []
        for cause, count in counts.most_common():
            first = next(row for row in self.rows if row.cause == cause)
            parts.append(f"{count} x {cause} (first: {first.where}: {first.received})")
        super().__init__(f"{what} cannot be used as it is: correct the rows listed. Received: {'; '.join(parts)}")

    def __reduce__(self) -> tuple[Callable[..., RefusedCells], tuple[str, tuple[Problem, ...]]]:
        """Keep the rows when the error crosses to another process."""
        return _rebuilt, (str(self), self.rows)


def _rebuilt(message: str, rows: tuple[Problem, ...]) -> RefusedCells:
    error = RefusedCells("", rows)
    error.args = (message,)
    return error


class LabelledCells(Sequence[LabelledCell]):
    """A data set: cells in a fixed order, with what was noticed while reading it.

    Parameters
    ----------
    cells : iterable of LabelledCell
        The cells.
    name : str
        Name of the set, for people.
    layout : str
        How it was recognised: "manifest", "C-NMC", "Leukemia Dataset 0.2", "train/test by class", "class folders".
    notes : iterable of str
        Sentences for a person, such as which columns the manifest lacks.
    """

    def __init__(
        self, cells: Iterable[LabelledCell], name: str = "cells", layout: str = "cells", notes: Iterable[str] = ()
    ) -> None:
        self._cells = tuple(cells)
        self.name = name
        self.layout = layout
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[LabelledCell]:
        return iter(self._cells)

    @overload
    def __getitem__(self, index: int) -> LabelledCell: ...

    @overload
    def __getitem__(self, index: slice) -> LabelledCells: ...

    def __getitem__(self, index: int | slice) -> LabelledCell | LabelledCells:
        if isinstance(index, slice):
            return LabelledCells(self._cells[index], self.name, self.layout, self.notes)
        return self._cells[index]

    def __repr__(self) -> str:
        counts = Counter(self.labels)
        return f"LabelledCells({self.name!r}, {self.layout}, {len(self)} cells, {dict(sorted(counts.items()))})"

    @property
    def labels(self) -> list[str]:
        """Class of each cell."""
        return [cell.label for cell in self._cells]

    @property
    def subjects(self) -> list[str | None]:
        """Subject of each cell, None where unknown."""
        return [cell.subject for cell in self._cells]

    @property
    def splits(self) -> list[str | None]:
        """Split of each cell as the set gives it, None where it does not."""
        return [cell.split for cell in self._cells]

    @property
    def classes(self) -> list[str]:
        """Class names, sorted."""
        return sorted(set(self.labels))

    @property
    def subjects_known(self) -> bool:
        """Whether every cell names its subject."""
        return all(cell.subject is not None for cell in self._cells)

    def select(self, positions: Iterable[int]) -> LabelledCells:
        """Return the cells at these positions, in this order."""
        return LabelledCells((self._cells[int(i)] for i in positions), self.name, self.layout, self.notes)

    def check_pictures(self, progress: Progress | None = None) -> None:
        """Decode every picture once.

        Raises
        ------
        RefusedCells
            With a row for each picture that cannot be decoded.
        """
        rows = []
        for done, cell in enumerate(self._cells, start=1):
            try:
                cell.picture()
            except LeukError as error:
                rows.append(Problem(cell.name, UNREADABLE, str(error)))
            if progress is not None:
                progress(done, len(self), "decoding pictures")
        if rows:
            raise RefusedCells(f"`{self.name}`", rows)


UNREADABLE = "unreadable file"
MISSING_CLASS = "missing class"
EMPTY_CLASS = "empty class"
RENAMED_CLASS = "renamed class"
ONE_IMAGE_CLASS = "one-image class"
LEAVES = "leaves the folder"
CONTRADICTED = "label contradicts the file's name"


def class_problems(labels: Iterable[str], expected: Sequence[str] | None, where: str) -> list[Problem]:
    """Return what is wrong with the classes of a set as a whole.

    Parameters
    ----------
    labels : iterable of str
        Class of each picture, readable or not.
    expected : sequence of str or None
        Class names that must be there and no others; None accepts any two or more.
    where : str
        What a row names when the fault is not at one place.
    """
    counts = Counter(labels)
    rows = []
    if expected is not None:
        rows += [
            Problem(name, RENAMED_CLASS, f"class {name!r}, expected one of {', '.join(expected)}")
            for name in sorted(set(counts) - set(expected))
        ]
        rows += [
            Problem(where, MISSING_CLASS, f"no picture of class {name!r}") for name in expected if counts[name] == 0
        ]
    elif len(counts) < 2:
        rows.append(Problem(where, MISSING_CLASS, f"{len(counts)} class, at least 2 are needed: {sorted(counts)}"))
    rows += _same_but_for_spelling(counts)
    rows += [
        Problem(name, ONE_IMAGE_CLASS, "1 picture, at least 2 are needed")
        for name, count in sorted(counts.items())
        if count == 1
    ]
    return rows


def name_problems(cells: Iterable[LabelledCell]) -> list[Problem]:
    """Return a row for each cell whose file name begins or ends with the name of another class.

    `UID_H10_3_4_hem.bmp` among the cells labelled `all`, or `AML-17.png` among `CLL`.
    """
    listed = list(cells)
    classes = {cell.label for cell in listed}
    spelling = {name.casefold(): name for name in classes if len(name) > 1}
    rows = []
    for cell in listed:
        said = _classes_said(Path(cell.name).stem, classes, spelling)
        if said and cell.label not in said:
            rows.append(Problem(cell.name, CONTRADICTED, f"label {cell.label!r}, the name says {said[0]!r}"))
    return rows


def _classes_said(stem: str, classes: set[str], spelling: Mapping[str, str]) -> list[str]:
    """Return the classes that the first and last word of a name spell; one letter counts only as written (`H_17`)."""
    words = [word for word in re.split(r"[^A-Za-z]+", stem) if word]
    ends = dict.fromkeys(words[:1] + words[-1:])
    return [
        spelling.get(word.casefold(), word)
        for word in ends
        if word.casefold() in spelling or (word in classes and word != stem)
    ]


def _same_but_for_spelling(counts: Mapping[str, int]) -> list[Problem]:
    by_key: dict[str, list[str]] = {}
    for name in sorted(counts):
        by_key.setdefault(re.sub(r"[\W_]+", "", name.casefold()), []).append(name)
    return [
        Problem(names[1], RENAMED_CLASS, f"differs from class {names[0]!r} only in spelling")
        for names in by_key.values()
        if len(names) > 1
    ]


def picture_fault(path: Path) -> str | None:
    """Say why a file cannot hold a whole picture, by a glance at its first and last bytes; None where it may.

    This catches empty, foreign and cut-off files while a set is opened, without decoding thousands of pictures. What
    it lets through is decoded later by the one decoder.
    """
    if path.exists() and not path.is_file():
        return "not a file"  # a pipe would be waited for without end
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(132)
            stream.seek(max(0, size - 65_536))
            tail = stream.read()
    except OSError as error:
        return f"cannot be opened ({error.strerror or error})"
    if size == 0:
        return "0 bytes"
    if not _is_picture(head):
        return f"not a picture: begins with {head[:8]!r}"
    return _cut_off(head, tail, size)


_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51",
)  # fmt: skip


def _is_picture(head: bytes) -> bool:
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    heic = head[4:8] == b"ftyp"
    dicom = head[128:132] == b"DICM"
    return head.startswith(_SIGNATURES) or webp or heic or dicom


def _cut_off(head: bytes, tail: bytes, size: int) -> str | None:
    if head.startswith(b"\xff\xd8\xff") and b"\xff\xd9" not in tail:
        return f"cut off: {size} bytes of a JPEG without its end"
    if head.startswith(b"\x89PNG") and b"IEND" not in tail:
        return f"cut off: {size} bytes of a PNG without its end"
    if head.startswith(b"BM") and int.from_bytes(head[2:6], "little") > size:
        return f"cut off: {size} of {int.from_bytes(head[2:6], 'little')} bytes of a BMP"
    return None
