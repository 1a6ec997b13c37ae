"""What a case will need soon, made ready in a thread of its own: small pictures of its cells."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import streamlit as st

from components.smear_pictures import KEPT, cell_uri
from leuk_core.cases import CaseCell, CaseField
from leuk_core.errors import LeukError

PAUSE = 0.005
"""Seconds after each cell, so that whoever works meanwhile waits for nothing."""


@st.cache_resource(show_spinner=False)
def ahead() -> Ahead:
    """Return the one of this process."""
    return Ahead()


class Ahead:
    """Works ahead for one case at a time: who opens another one meanwhile waits as without this."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: tuple[str, int] | None = None

    def begin(self, case_id: str, cells: Sequence[CaseCell], fields: Sequence[CaseField]) -> None:
        """Begin with a case; does nothing while at work, or where these fields were the last that it did."""
        asked = case_id, len(fields)
        if asked == self._done or not self._lock.acquire(blocking=False):
            return
        self._done = asked
        threading.Thread(target=self._work, args=(cells[:KEPT], fields), name="leuk-ahead", daemon=True).start()

    def _work(self, cells: Sequence[CaseCell], fields: Sequence[CaseField]) -> None:
        try:
            by_number = {field.number: field for field in fields}
            for cell in sorted(cells, key=lambda cell: cell.field):
                field = by_number[cell.field]
                cell_uri(field.pixels_sha256, cell.box, field.microns_per_pixel)
                time.sleep(PAUSE)
        except LeukError:
            self._done = None  # a picture is gone: whoever looks at its cells is told
        finally:
            self._lock.release()
