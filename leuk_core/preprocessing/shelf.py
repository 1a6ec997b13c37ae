"""Recipes that a person named and kept: one JSON file each in a folder of this installation."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path

from leuk_core.errors import InvalidData, InvalidParameter, LeukError
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.settings import settings

LONGEST_NAME = 60

_ALLOWED = re.compile(r"[\w ()+,.-]+")


class Shelf:
    """The named recipes in one folder.

    Parameters
    ----------
    folder : Path or None
        Where they are; None is `recipes` in the data folder. It is made when the first recipe is kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def save(self, recipe: Recipe, name: str) -> Recipe:
        """Keep a recipe under a name and return it with that name; the same name replaces what was kept under it.

        Parameters
        ----------
        recipe : Recipe
            What to keep.
        name : str
            1 to 60 letters, digits, spaces or any of ``( ) + , . - _``, with at least one letter or digit. Upper and
            lower case are not told apart.

        Raises
        ------
        InvalidParameter
            If the name can't be used.
        InvalidData
            If the folder can't be written to.
        """
        named = replace(recipe, name=checked_name(name))
        target = self._path(named.name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(named.to_dict(), file, indent=1, ensure_ascii=False)
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(target)
            finally:
                Path(draft).unlink(missing_ok=True)
        except OSError as error:
            raise InvalidData(
                f"The setting can't be kept: make {target.parent} a folder that this program may write to. "
                f"Received: {error.strerror or error}"
            ) from error
        return named

    def load(self, name: str) -> Recipe:
        """Return the recipe kept under a name.

        Raises
        ------
        InvalidParameter
            If there is none.
        InvalidData
            If its file can't be read.
        """
        path = self._path(checked_name(name))
        if not path.is_file():
            raise InvalidParameter(f"`name` must be that of a kept setting. Received: name={name!r}")
        return _read(path)

    def delete(self, name: str) -> None:
        """Forget the recipe kept under a name; nothing happens where there is none."""
        self._path(checked_name(name)).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of all kept recipes that can be read, in alphabetical order."""
        found = []
        for path in self._folder().glob("*.json"):
            try:
                found.append(_read(path).name)
            except LeukError:
                continue  # `unreadable` tells of it
        return sorted((name for name in found if name), key=str.casefold)

    def unreadable(self) -> list[str]:
        """Return a sentence for each file of the folder that is no recipe of this program."""
        sentences = []
        for path in sorted(self._folder().glob("*.json")):
            try:
                _read(path)
            except LeukError as error:
                sentences.append(str(error))
        return sentences

    def _folder(self) -> Path:
        return settings().data_dir / "recipes" if self.folder is None else self.folder

    def _path(self, name: str) -> Path:
        """Return a file name that is legal everywhere and differs where names differ in more than case."""
        key = name.casefold()
        words = re.sub(r"[^a-z0-9]+", "-", key).strip("-")[:30]
        digest = hashlib.sha256(key.encode()).hexdigest()[:10]
        return self._folder() / f"{words or 'recipe'}-{digest}.json"


def checked_name(name: str) -> str:
    """Return a name as it is kept, or say why it can't be.

    Raises
    ------
    InvalidParameter
        If it is empty, too long or has a character that is not allowed.

    Examples
    --------
    >>> checked_name("  strong  chromatin ")
    'strong chromatin'
    """
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(tidy) <= LONGEST_NAME or not _ALLOWED.fullmatch(tidy) or not any(sign.isalnum() for sign in tidy):
        raise InvalidParameter(
            f"A name must be 1 to {LONGEST_NAME} letters, digits, spaces or any of ( ) + , . - _ "
            f"with at least one letter or digit. Received: {name!r}"
        )
    return tidy


def _read(path: Path) -> Recipe:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return Recipe.from_dict(facts)
    except (OSError, ValueError, TypeError, LeukError) as error:
        raise InvalidData(
            f"The kept setting {path.name} can't be read: move it out of {path.parent}. Received: {error}"
        ) from error
