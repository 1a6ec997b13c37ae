"""Places of their own for tests of jobs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.places import Place, open_place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Yield an empty place."""
    with open_place(tmp_path / "data", monkeypatch) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Yield an empty place with the database in its folder, then one with the PostgreSQL that LEUK_TEST_POSTGRES names.

    Jobs, workers and leases that lie in that database are deleted.
    """
    url = None
    if request.param == "postgresql" and not (url := os.environ.get("LEUK_TEST_POSTGRES")):
        pytest.skip("LEUK_TEST_POSTGRES is not set: no PostgreSQL server to try")
    with open_place(tmp_path / "data", monkeypatch, url) as opened:
        yield opened
