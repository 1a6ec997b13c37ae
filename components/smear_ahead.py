"""What a case will need soon, worked out in a thread of its own: small pictures of cells, fields of the same place."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import streamlit as st

from components.smear_pictures import KEPT, cut
from leuk_core.cases import CaseCell, CaseField
from leuk_core.cases.labelled import field_picture
from leuk_core.cases.same_place import SamePlace, SamePlaces
from leuk_core.errors import LeukError

PAUSE = 0.001
"""Seconds after each cell, so that whoever works meanwhile waits for nothing."""

CASES = 8


@st.cache_resource(show_spinner=False)
def ahead() -> Ahead:
    """Return the one of this process."""
    return Ahead()


class Ahead:
    """Works ahead for one case at a time; what it found of the last `CASES` cases is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[str, SamePlaces] = {}
        self._tried: dict[str, tuple[int, ...]] = {}

    def begin(self, case_id: str, cells: Sequence[CaseCell], fields: Sequence[CaseField]) -> None:
        """Begin with a case; does nothing while at work, or where these fields are done."""
        if self.done(case_id, fields) or not self._lock.acquire(blocking=False):
            return
        threading.Thread(
            target=self._work, args=(case_id, cells[:KEPT], fields), name="leuk-ahead", daemon=True
        ).start()

    def done(self, case_id: str, fields: Sequence[CaseField]) -> bool:
        """Return whether all is worked out for these fields."""
        return self._tried.get(case_id) == tuple(field.number for field in fields)

    def places(self, case_id: str) -> tuple[SamePlace, ...]:
        """Return the fields that show the same place, as far as that is known now."""
        known = self._places.get(case_id)
        return known.found if known is not None else ()

    def _work(self, case_id: str, cells: Sequence[CaseCell], fields: Sequence[CaseField]) -> None:
        try:
            by_number = {field.number: field for field in fields}
            for cell in sorted(cells, key=lambda cell: cell.field):  # a field is read once for all of its cells
                cut(cell, by_number[cell.field])
                time.sleep(PAUSE)
            known = self._of(case_id, fields)
            for field in fields[len(known.numbers) :]:
                known.add(field_picture(field.pixels_sha256), field)
        except LeukError:
            pass  # a picture is gone: whoever looks at its cells is told
        finally:
            self._tried[case_id] = tuple(field.number for field in fields)
            self._lock.release()

    def _of(self, case_id: str, fields: Sequence[CaseField]) -> SamePlaces:
        """Return what was found of a case so far, or a new beginning where fields were taken out."""
        known = self._places.pop(case_id, None)
        numbers = tuple(field.number for field in fields)
        if known is None or numbers[: len(known.numbers)] != known.numbers:
            known = SamePlaces()
        self._places[case_id] = known
        while len(self._places) > CASES:
            old = next(iter(self._places))
            del self._places[old]
            self._tried.pop(old, None)
        return known
