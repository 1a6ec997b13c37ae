"""What a work says reaches a reader whole, and costs the work nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leuk_core.jobs import Cancelled, Job, JobState, Tell, read_progress
from leuk_core.settings import settings


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    now = datetime.now(UTC)
    made = Job("one", "steps", {}, JobState.RUNNING, 1, "", "", "", now, now, None, now)
    made.folder.mkdir(parents=True)
    yield made
    settings.cache_clear()


def test_the_last_word_is_kept_and_a_second_attempt_doubles_no_epoch(job):
    with Tell(job.folder) as tell:
        for epoch in range(3):
            tell.curve(0, epoch, {"loss": 1.0})
    with Tell(job.folder) as tell:
        tell.step("fold 1 of 5")
        for number in range(5000):
            tell.progress(number, 5000, "batches")
        tell.curve(0, 2, {"loss": 0.5, "val_loss": float("nan")})
        tell.curve(0, 10, {"loss": 0.25})
        tell.log("a word")
    far = read_progress(job)
    assert (far.step, far.words, far.done, far.total) == ("fold 1 of 5", "batches", 4999, 5000)
    assert [point["epoch"] for point in far.curves[0]] == [0, 1, 2, 10]
    assert far.curves[0][2] == {"epoch": 2, "loss": 0.5, "val_loss": None}
    assert far.log.endswith("a word")


def test_time_left_follows_from_the_rate_of_this_attempt_alone(job, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("leuk_core.jobs.progress.time.monotonic", lambda: now[0])
    tell = Tell(job.folder)
    tell.progress(80, 100, "epochs")  # 80 were done in an earlier attempt
    now[0] += 20.0
    tell.progress(84, 100, "epochs")
    monkeypatch.undo()
    tell.close()
    facts = json.loads((Path(job.folder) / "progress.json").read_text())
    assert facts["seconds_left"] == pytest.approx(80.0)


def test_a_disk_without_room_does_not_end_a_work(job):
    job.folder.rmdir()
    job.folder.write_text("not a folder: nothing can be written")
    with Tell(job.folder) as tell:
        tell.progress(1, 2, "epochs")
        tell.log("nobody reads this")
    assert read_progress(job).total == 0


def test_an_asked_work_is_stopped_where_it_speaks(job):
    with Tell(job.folder) as tell:
        tell.stop()
        with pytest.raises(Cancelled):
            tell.progress(1, 2, "epochs")
