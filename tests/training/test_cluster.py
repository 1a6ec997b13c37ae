"""Parts of a training on a real local cluster: a worker killed in the middle, a job cancelled, nobody left to wait."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from leuk_core import cluster
from leuk_core.cluster import FarTell, spread
from leuk_core.errors import InvalidData
from leuk_core.jobs import Cancelled
from leuk_core.settings import settings
from leuk_core.training.cross_validate import fit

sys.path.append(str(Path(__file__).parent))  # workers find there what they are handed
import far_parts

distributed = pytest.importorskip("distributed", reason="the optional package distributed is not installed")


class Heard:
    """Hears what a job says, and may be asked to stop."""

    def __init__(self):
        self.done, self.curves, self.said, self.stopped = [], {}, [], False

    def progress(self, done, total, words):
        self.done.append(done)
        if self.stopped:
            raise Cancelled

    def curve(self, fold, epoch, values):
        self.curves[fold, epoch] = values

    def log(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def workers():
    """Two processes that announce a GPU each."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1",
        resources={"GPU": 1},
    ) as found:  # fmt: skip
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(cluster, "EVERY_S", 0.1)


def test_parts_are_done_once_each_and_their_curves_are_heard(workers, tmp_path):
    heard = Heard()
    parts = [far_parts.Writes(tmp_path / "out", number) for number in range(5)]
    spread(workers.scheduler_address, parts, tmp_path, heard, "parts", gpu=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{number}.txt" for number in range(5)]
    assert heard.curves == {(number, 1): {"loss": 0.5} for number in range(5)}
    assert not heard.said
    assert not list(tmp_path.rglob("alive"))


def test_a_part_whose_worker_is_killed_is_done_by_another(workers, tmp_path):
    def kill():
        far_parts.waited_for(tmp_path / "out" / "begun")
        os.kill(int((tmp_path / "out" / "begun").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    parts = [far_parts.Writes(tmp_path / "out", 0), far_parts.WaitsOnce(tmp_path / "out")]
    spread(workers.scheduler_address, parts, tmp_path, Heard(), "parts")
    killer.join()
    assert (tmp_path / "out" / "0.txt").is_file()
    assert (tmp_path / "out" / "again.txt").read_text() != (tmp_path / "out" / "begun").read_text()


def test_cancelling_a_job_ends_its_parts(workers, tmp_path):
    heard = Heard()

    def stop():
        far_parts.waited_for(tmp_path / "out" / "begun")
        heard.stopped = True

    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        spread(workers.scheduler_address, [far_parts.Endless(tmp_path / "out")], tmp_path, heard, "parts")
    far_parts.waited_for(tmp_path / "out" / "ended")


def test_a_part_ends_when_nobody_is_heard_of_any_more(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LOST_S", 0.3)
    (tmp_path / "alive").write_text("7")
    with FarTell(tmp_path / "0") as tell:
        tell.checkpoint()
        time.sleep(0.5)  # longer than a silence may last
        with pytest.raises(Cancelled):
            tell.checkpoint()


def test_what_a_part_ends_with_is_told(workers, tmp_path):
    with pytest.raises(InvalidData, match="no cell at all"):
        spread(workers.scheduler_address, [far_parts.refuses], tmp_path, Heard(), "parts")
    with pytest.raises(InvalidData, match=r"can't be reached\. Received: tcp://127\.0\.0\.1:9"):
        spread("tcp://127.0.0.1:9", [far_parts.refuses], tmp_path, Heard(), "parts")


def test_a_forest_fitted_on_the_cluster_is_the_one_that_is_fitted_here(workers, monkeypatch):
    rng = np.random.default_rng(0)
    features, target = [rng.random((60, 12), np.float32)], np.arange(60) % 2
    here = fit("rf", features, target, 0)
    monkeypatch.setattr(settings(), "dask_scheduler", workers.scheduler_address)
    with cluster.fits_on_cluster():
        there = fit("rf", features, target, 0)
    assert np.array_equal(here.predict_proba(features[0]), there.predict_proba(features[0]))


def test_without_a_gpu_any_worker_does_it_and_the_log_says_so(tmp_path):
    heard = Heard()
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as one:
        parts = [far_parts.Writes(Path(tmp_path, "out"), 0)]
        spread(one.scheduler_address, parts, tmp_path, heard, "parts", gpu=True)
    assert "GPU=1" in heard.said[0]


def test_a_scheduler_that_is_lost_in_the_middle_is_told(tmp_path):
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as one:

        def lose():
            far_parts.waited_for(tmp_path / "out" / "begun")
            one.close()

        threading.Thread(target=lose).start()
        with pytest.raises(InvalidData, match="was lost in the middle"):
            spread(one.scheduler_address, [far_parts.Endless(tmp_path / "out")], tmp_path, Heard(), "parts")
