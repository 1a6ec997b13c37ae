"""Imports of cells that go on while people look at other things; all sessions see them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import streamlit as st

from components.incidents import record
from leuk_core.access import acting_as, person
from leuk_core.data.cells import LabelledCells, Progress, RefusedCells
from leuk_core.data.imports import ImportedSet, import_cells, import_folder, import_zip
from leuk_core.data.imports_audit import begin_audit
from leuk_core.errors import LeukError

THREAD = "leuk-import"
"""Name of the thread that imports."""

_ROWS = 200


class Importing:
    """One import, in a thread of its own; the audit of what was imported is begun with it.

    Parameters
    ----------
    name : str
        Of the file or folder, for people.
    work : callable
        Takes a progress callable, returns the set.

    Attributes
    ----------
    done, total, what : int, int, str
        How far it is.
    found : ImportedSet or None
        The set, once it is there.
    message, rows : str, list of dict
        Why it was refused, and the reasons by row.
    over : bool
        Whether it has ended.
    """

    def __init__(self, name: str, work: Callable[[Progress], ImportedSet]) -> None:
        self.name, self._work, self._person = name, work, person()
        self.done, self.total, self.what = 0, 0, "starting"
        self.found: ImportedSet | None = None
        self.message, self.rows, self.over = "", [], False
        threading.Thread(target=self._run, name=THREAD, daemon=True).start()

    @property
    def share(self) -> float:
        """How much of the present step is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    def _run(self) -> None:
        try:
            with acting_as(self._person):
                self.found = self._work(self._tell)
            with suppress(LeukError):  # another audit is running: a person begins this one later
                begin_audit(self.found.id)
        except RefusedCells as refused:
            self.message, self.rows = str(refused), [row.to_dict() for row in refused.rows[:_ROWS]]
        except (LeukError, OSError) as error:
            self.message = str(error)
        except Exception as error:  # noqa: BLE001 a thread has nobody above it to tell
            self.message = f"The import did not succeed, for a reason that was not foreseen (error {record(error)})."
        finally:
            self.over = True

    def _tell(self, done: int, total: int, what: str) -> None:
        self.done, self.total, self.what = done, total, what


@st.cache_resource(show_spinner=False)
def imports() -> deque[Importing]:
    """Return the imports of this process that nobody has taken note of, oldest first."""
    return deque(maxlen=8)


def begin_zip(file: IO[bytes], name: str) -> Importing:
    """Begin to import an uploaded zip."""
    return _begun(Importing(name, lambda tell: import_zip(file, name, progress=tell)))


def begin_folder(path: str) -> Importing:
    """Begin to import a folder or manifest of this server."""
    return _begun(Importing(path, lambda tell: import_folder(path, progress=tell)))


def begin_cases(cells: LabelledCells) -> Importing:
    """Begin to copy cells that were reviewed here."""
    name = f"reviewed cases {time.strftime('%Y-%m-%d', time.gmtime())}"
    return _begun(Importing(name, lambda tell: import_cells(cells, name, progress=tell)))


def _begun(found: Importing) -> Importing:
    imports().append(found)
    return found
