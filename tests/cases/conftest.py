"""A data folder of their own for tests of cases, and a case with two fields."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from leuk_core import database
from leuk_core.cases import Case, add_field, create_case, load_case
from leuk_core.cases import schema as tables
from leuk_core.settings import settings
from tests.cases.made_up import field_image, new_cells


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield an empty data folder with SQLite in it, then one with the PostgreSQL that LEUK_TEST_POSTGRES names."""
    url = os.environ.get("LEUK_TEST_POSTGRES", "") if request.param == "postgresql" else ""
    if request.param == "postgresql" and not url:
        pytest.skip("LEUK_TEST_POSTGRES is not set: no PostgreSQL server to try")
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_DATABASE_URL", raising=False)
    if url:
        monkeypatch.setenv("LEUK_DATABASE_URL", url)
    settings.cache_clear()
    if url:
        with tables.transaction() as connection:
            for table in (
                tables.CHANGES, tables.ACTIONS, tables.AMENDMENTS, tables.READINGS, tables.CELLS, tables.FIELDS,
                tables.CASES, tables.OWN_CLASSES, tables.PEOPLE, tables.TRAIL, tables.TRAIL_HEAD,
            ):  # fmt: skip
                connection.execute(table.delete())
            connection.execute(insert(tables.TRAIL_HEAD).values(number=0, hash=""))
    yield tmp_path / "data"
    settings.cache_clear()
    database._engine.cache_clear()


@pytest.fixture
def case(place: Path) -> Case:
    """Return a case with two fields of six cells each."""
    made = create_case("Ada", "case A", stain="Wright", microns_per_pixel=0.1)
    for seed in (1, 2):
        add_field(made.id, "Ada", field_image(seed), new_cells(), microns_per_pixel=0.1, scale_source="person")
    return load_case(made.id)
