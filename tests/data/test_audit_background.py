"""Audits beside the application: where they may look, how they end, and that nothing is lost silently."""

import json
import os
from dataclasses import asdict

import pytest

from leuk_core.data.audit import background
from leuk_core.data.audit.background import AuditJob
from leuk_core.errors import InvalidData
from leuk_core.settings import settings


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Return the one folder below which sets may be opened."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEUK_DATA_ROOTS", str(tmp_path / "sets"))
    settings.cache_clear()
    (tmp_path / "sets").mkdir()
    yield tmp_path / "sets"
    settings.cache_clear()


def left(path, **facts):
    job = AuditJob("20260101-000000-000000", str(path), "2026-01-01 00:00 UTC", **facts)
    job.folder.mkdir(parents=True)
    (job.folder / "job.json").write_text(json.dumps(asdict(job)))
    (job.folder / "alive").touch()
    return job


@pytest.mark.parametrize("typed", ["", "  ", "../elsewhere", "/", "nothing-here"])
def test_a_path_outside_the_roots_or_of_nothing_is_refused(sets, typed):
    path = str(sets / typed) if typed.strip() and typed != "/" else typed
    with pytest.raises(InvalidData, match="Received: "):
        background.allowed(path)


def test_a_link_does_not_lead_out_of_the_roots(sets, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (sets / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidData, match="Only what lies below"):
        background.allowed(str(sets / "link"))


def test_roots_are_the_home_folder_and_the_test_data_unless_named(sets, tmp_path, monkeypatch):
    assert settings().readable_roots == (sets.resolve(),)
    monkeypatch.delenv("LEUK_DATA_ROOTS")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LEUK_TEST_DATA", str(tmp_path / "cells"))
    settings.cache_clear()
    assert settings().readable_roots == (tmp_path.resolve(), (tmp_path / "cells").resolve())


def test_one_audit_runs_at_a_time(sets):
    left(sets)
    with pytest.raises(InvalidData, match="An audit is running"):
        background.start(str(sets))


def test_a_process_that_fell_silent_is_lost_and_no_longer_in_the_way(sets):
    job = left(sets)
    assert background.jobs()[0].state == background.RUNNING
    os.utime(job.folder / "alive", (0, 0))
    assert background.jobs()[0].state == background.LOST
    background.forget(background.jobs()[0])
    assert background.jobs() == []


def test_a_refused_set_ends_with_the_reasons_in_rows(sets, picture):
    picture(sets / "drawn" / "all" / "a.png")
    (sets / "drawn" / "hem").mkdir()
    job = left(sets / "drawn")
    background.work(job.folder)
    ended = background.read(job.folder)
    assert ended.state == background.FAILED
    assert {"where", "cause", "received"} == set(ended.rows[0])


def test_an_audit_stops_when_it_is_asked_to(sets, picture):
    for label in ("all", "hem"):
        for number in range(3):
            picture(sets / "drawn" / label / f"{number}.png")
    job = left(sets / "drawn")
    background.stop(job)
    background.work(job.folder)
    ended = background.read(job.folder)
    assert ended.state == background.STOPPED
    with pytest.raises(InvalidData, match="run it again"):
        ended.report()
