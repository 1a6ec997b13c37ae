"""A place of their own for tests of jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.places import Place, open_place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Yield an empty place."""
    with open_place(tmp_path / "data", monkeypatch) as opened:
        yield opened
