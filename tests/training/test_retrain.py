"""Retraining: what is refused before it begins, a walk on real cells with stops in the middle, and what it leaves."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.data.imports import import_zip, open_set
from leuk_core.data.imports_audit import audited, red_verdicts, reserved_of
from leuk_core.errors import InvalidData
from leuk_core.evaluation.unseen import LEARNT_FROM
from leuk_core.jobs import find
from leuk_core.registry import current_version, find_version, list_candidates
from leuk_core.registry.own import claim_name, publish, staging_folder, version_of_job
from leuk_core.registry.promotions import promote, rollback
from leuk_core.settings import settings
from leuk_core.training.retrain import against_current, check, estimate, work
from train.__main__ import main

TASK = "all-vs-normal"


class Stopped(Exception):
    """What a checkpoint raises."""


class Tell:
    """Hears what a job says; stops it at the first progress of a step."""

    def __init__(self, stop_at=None):
        self.stop_at, self.steps, self.curves, self.said = stop_at, [], {}, []

    def step(self, words):
        self.steps.append(words)

    def progress(self, done, total, words):
        assert 0 <= done <= total
        self.checkpoint()

    def checkpoint(self):
        if self.steps and self.steps[-1] == self.stop_at:
            raise Stopped

    def curve(self, fold, epoch, values):
        self.curves.setdefault(fold, {})[epoch] = values

    def log(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """What the program writes lies in a temporary folder."""
    folder = tmp_path_factory.mktemp("retrain")
    patch = pytest.MonkeyPatch()
    patch.setenv("LEUK_DATA_DIR", str(folder / "data"))
    patch.setenv("LEUK_CACHE_DIR", str(folder / "cache"))
    settings.cache_clear()
    yield folder
    patch.undo()
    settings.cache_clear()


def zipped(cells):
    """Return a zip with a manifest; cells are (bytes, name, label, subject)."""
    buffer, lines = io.BytesIO(), ["path,label,subject,split"]
    with zipfile.ZipFile(buffer, "w") as archive:
        for data, name, label, subject in cells:
            lines.append(f"{name},{label},{subject},")
            archive.writestr(name, data)
        archive.writestr("manifest.csv", "\n".join(lines))
    buffer.seek(0)
    return buffer


@pytest.fixture(scope="module")
def ward(place, cnmc_cells):
    """An imported set of 60 real cells of 24 persons."""
    picked = []
    for label in ("all", "hem"):
        of_label = [cell for cell in cnmc_cells(each=100) if cell.label == label]
        persons = list(dict.fromkeys(cell.subject for cell in of_label))[:12]
        picked += [cell for cell in of_label if cell.subject in persons][:30]
    return import_zip(zipped((c.path.read_bytes(), c.path.name, c.label, c.subject) for c in picked), "ward")


def request_of(found, **changes):
    """Return a request that confirms what is red about so small a set."""
    confirmed = list(red_verdicts(audited(found.id)))
    settings_ = {"copies": 0, "folds": 3}
    return {
        "set": found.id, "task": TASK, "model": "knn", "settings": settings_, "confirmed_verdicts": confirmed,
        "by": "Dr. Lin", **changes,
    }  # fmt: skip


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


FILLS_UP_AT = (
    "leuk_core.training.fit.save_classifier",
    "leuk_core.training.retrain.write_json",
    "leuk_core.training.retrain.publish",
)


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.real
def test_a_retraining_stopped_at_each_step_or_by_a_full_disk_goes_on_and_doubles_nothing(ward, place, monkeypatch):
    request, job = request_of(ward), place / "jobs" / "job-1"
    assert check(request) == []
    assert reserved_of(ward.id).enough
    own = settings().data_dir / "models"
    for step in ("bringing cells to form", "computing features", "cross-validation", "fitting on all cells"):
        with pytest.raises(Stopped):
            work(request, job, Tell(step))
        assert list_candidates(TASK) == []
    fold = job / "run" / "fold_0_scores.npy"
    before = fold.stat().st_mtime_ns
    for name in FILLS_UP_AT:
        with monkeypatch.context() as patch:
            patch.setattr(name, full_disk)
            with pytest.raises(OSError, match="No space left"):
                work(request, job, Tell())
        assert list_candidates(TASK) == []
    found = work(request, job, Tell())
    assert fold.stat().st_mtime_ns == before
    version = find_version(found["version"])
    assert version.own
    assert version.check() == []
    left = files_below(own)
    assert work(request, job, Tell()) == found
    assert files_below(own) == left
    assert len([name for name in left if name.endswith(("card.json", "by-subject.json", "decision.json"))]) == 3
    assert [entry.ref for entry in list_candidates(TASK)] == [version.ref]

    assert version.card["data"][0]["name"] == "ward"
    assert version.card["data"][0]["licence"] == "own data"
    assert version.card["asked_by"] == "Dr. Lin"
    assert any("does not notice pictures that are unlike" in limit for limit in version.card["limits"])
    figures = found["figures"]
    assert figures["protocol"] == "by subject"
    assert figures["f1_weighted"]["low"] < figures["f1_weighted"]["high"]
    assert version.card["shown_figure"]["value"] == pytest.approx(figures["f1_weighted"]["value"], abs=1e-4)
    assert version.decision()["calibration"]["method"] == "sigmoid"
    learnt = json.loads((version.folder / LEARNT_FROM).read_text())
    reserved = set(reserved_of(ward.id).subjects)
    assert len(reserved) == 10
    assert not reserved & set(learnt["subjects"])
    run_persons = {one for group in np.load(job / "run" / "groups.npy") for one in group.split("+")}
    assert not reserved & run_persons


@pytest.mark.real
def test_a_candidate_is_compared_promoted_answers_and_is_rolled_back(ward, place):
    (first,) = list_candidates(TASK, "knn")
    shipped = current_version(TASK, "knn")
    unproven = against_current(first, Tell())
    assert not unproven.possible
    n = len([subject for subject in open_set(ward.id).subjects if subject in reserved_of(ward.id).subjects])
    assert unproven.sentence == (
        f"Not compared: {n} of {n} reserved cells are among those that the shipped model was trained on (C-NMC)."
    )
    promote(first.ref, "Dr. Lin", "fits our stain")
    from leuk_core.prediction import load_predictor

    answer = load_predictor(f"{TASK}/knn").predict(open_set(ward.id)[0].picture())
    assert answer.model == first.ref
    assert sum(answer.probabilities.values()) == pytest.approx(1.0)

    second = work(request_of(ward, settings={"copies": 1, "folds": 3}), place / "jobs" / "job-2", Tell())
    found = second["comparison"]
    assert found["possible"]
    assert found["current"] == first.ref
    assert found["proof"].startswith("by pixels: none of these")
    assert found["n_subjects"] == 10
    assert second["sentence"].split(":")[0] in ("It is better", "It is worse", "No evidence that it is better")
    assert set(found["figures"]) == {"f1_weighted", "ece", "recall_all", "recall_hem"}
    rollback(TASK, "knn", "Dr. Lin", "to see")
    assert current_version(TASK, "knn").ref == shipped.ref


@pytest.mark.real
def test_red_verdicts_must_be_confirmed_by_name_and_a_changed_set_is_refused(ward, place):
    names = list(red_verdicts(audited(ward.id)))
    request = request_of(ward, confirmed_verdicts=names[1:])
    if names:
        assert check(request) == [f"Red verdict of the audit, to be confirmed by name: {names[0]}."]
    before = list_candidates(TASK, "knn")
    path = next(open_set(ward.id)[at].path for at in range(3))
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b" ")
        with pytest.raises(InvalidData, match="not what they were when it was imported"):
            work(request_of(ward), place / "jobs" / "job-3", Tell())
    finally:
        path.write_bytes(kept)
    assert list_candidates(TASK, "knn") == before


@pytest.mark.real
def test_the_time_is_estimated_from_real_steps(ward, place):
    seconds = estimate(request_of(ward))
    assert 0 < seconds < estimate(request_of(ward, settings={"copies": 4, "folds": 3}))


def drawn(persons, each=3, seed=0):
    """Yield made-up cells, dark discs of two sizes, of so many persons a class."""
    import cv2

    rng = np.random.default_rng(seed)
    for label, radius in (("all", 26), ("hem", 18)):
        for person in range(persons):
            for cell in range(each):
                picture = np.zeros((96, 96, 3), np.uint8)
                cv2.circle(picture, (48, 48), radius + int(rng.integers(-3, 4)), (150, 60, 130), -1)
                noise = rng.integers(0, 60, picture.shape, np.uint8)
                picture = np.where(picture > 0, picture - noise // 2, 0).astype(np.uint8)
                yield (
                    cv2.imencode(".png", picture)[1].tobytes(),
                    f"{label}-{person}-{cell}.png",
                    label,
                    f"{label}{person}",
                )


@pytest.fixture(scope="module")
def small(place):
    """A drawn set of 8 persons: too few to reserve any."""
    return import_zip(zipped(drawn(4, 4)), "drawn")


def test_what_is_wrong_with_a_request_is_said_before_training(small, place):
    good = {"set": small.id, "task": TASK, "model": "svm"}
    assert check(good) == []
    cases = [
        ({"set": "none"}, "no such imported set"),
        ({"task": "wbc-types"}, "The classes of the set must be those of the task"),
        ({"task": "nothing"}, "`task` must be one of"),
        ({"model": "dcnn"}, "`model` must be one of"),
        ({"protocol": "subjects-unknown"}, "names the patient of every cell"),
        ({"settings": {"depth": 3}}, "Received also: depth"),
        ({"settings": {"folds": 9}}, "at most 4 folds are possible"),
        ({"start": "imagenet"}, "has no start weights"),
        ({"surplus": 1}, "A retraining needs set, task and model"),
        ({"model": "efficientnet-lite", "start": "version:all-vs-normal/svm"}, "must name a stored version"),
        ({"model": "efficientnet-lite", "start": "run:none"}, "must name a stored version"),
        ({"model": "efficientnet-lite", "start": "moon"}, "`start` must be one of"),
        ({"model": "efficientnet-lite", "start": "random", "settings": {"epochs": -1}}, "`epochs` must be at least 0"),
        ({"model": "efficientnet-lite", "start": "random", "settings": {"epochs": "many"}}, "must be of its kind"),
    ]
    for changes, message in cases:
        problems = check({**good, **changes})
        assert any(message in problem for problem in problems), (changes, problems)


def test_cells_are_brought_in_and_a_training_is_asked_for_by_command(place, capsys):
    path = place / "by command.zip"
    path.write_bytes(zipped(drawn(3, 4, seed=5)).getvalue())
    assert main(["import", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["subjects"] == {"all": 3, "hem": 3}
    asked = ["submit", told["set"], "--task", TASK, "--model", "svm", "--by", "Dr. Lin", "--setting", "copies=0"]
    assert main([*asked, "--setting", "depth=3"]) == 1
    assert "Received also: depth" in json.loads(capsys.readouterr().out.splitlines()[0])["problem"]
    assert main([*asked, *(word for name in told["red_verdicts"] for word in ("--confirm", name))]) == 0
    job = find(json.loads(capsys.readouterr().out)["job"])
    assert (job.state, job.request["settings"], job.request["by"]) == ("queued", {"copies": 0}, "Dr. Lin")
    assert main(["submit", "none", "--task", TASK, "--model", "svm"]) == 1
    assert "no such imported set" in capsys.readouterr().out
    cut = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m train jobs | true"], cwd=PROJECT_ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (cut.stdout, cut.stderr) == ("", "")


def test_too_few_cells_are_not_trained_on(place):
    few = import_zip(zipped(drawn(2, 2, seed=9)), "few")
    assert any("10 cells of each class" in one for one in check({"set": few.id, "task": TASK, "model": "svm"}))


def test_names_of_versions_are_unique_and_stay_with_their_job(place):
    first, second = claim_name(TASK, "rf", "job-a"), claim_name(TASK, "rf", "job-b")
    assert first != second
    assert claim_name(TASK, "rf", "job-a") == first
    staged = staging_folder("job-a")
    staged.mkdir(parents=True)
    (staged / "card.json").write_text(json.dumps({"job": "job-a"}))
    publish("job-a", TASK, "rf", first)
    assert version_of_job("job-a").version == first
    assert not staged.exists()
    staged.mkdir()
    with pytest.raises(InvalidData, match="never changed"):
        publish("job-a", TASK, "rf", first)


def test_a_small_network_goes_on_after_a_stop_and_says_that_there_are_too_few_patients(small, place):
    quick = {"size": 64, "free": "head", "epochs": 1, "head_epochs": 0, "copies": 0, "folds": 2, "batch": 8}
    request = request_of(
        small, model="efficientnet-lite", start="imagenet", settings={**quick, "microns_per_pixel": 0.2}
    )  # fmt: skip
    job = place / "jobs" / "job-net"
    with pytest.raises(Stopped):
        work(request, job, Tell("training on all cells"))
    assert (job / "run" / "fold_1_scores.npy").is_file()
    tell = Tell()
    found = work(request, job, tell)
    assert list(tell.curves) == [-1]
    assert tell.curves[-1][1]["loss"] > 0
    assert found["sentence"].startswith("Not enough patients to compare: class all has 4, class hem has 4")
    version = find_version(found["version"])
    assert version.kind == "network"
    assert version.check() == []
    again = request_of(small, model="efficientnet-lite", start=f"version:{version.ref}", settings=request["settings"])
    assert check(again) == []


def test_on_a_cluster_folds_go_to_workers_of_which_one_is_killed(small, place, monkeypatch):
    """A forest comes out as on one machine. A network's random start is another one: Dask draws numbers too."""
    distributed = pytest.importorskip("distributed", reason="the optional package distributed is not installed")
    quick = {"size": 64, "free": "head", "epochs": 1, "head_epochs": 0, "copies": 0, "folds": 2, "batch": 8}
    network = {"model": "efficientnet-lite", "start": "imagenet", "settings": {**quick, "microns_per_pixel": 0.2}}
    jobs, told = place / "jobs", [Tell(), Tell()]
    forest = request_of(small, model="rf", settings={"copies": 0, "folds": 2, "microns_per_pixel": 0.2})
    work(forest, jobs / "job-here", Tell())
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1",
        resources={"GPU": 1},
    ) as cluster:  # fmt: skip

        def kill():
            while not list((jobs / "job-far-net").glob("parts/*/0/log.txt")):
                time.sleep(0.1)
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

        monkeypatch.setattr(settings(), "dask_scheduler", cluster.scheduler_address)
        work(forest, jobs / "job-far", told[0])
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        found = work(request_of(small, **network), jobs / "job-far-net", told[1])
        killer.join(1)
    assert not killer.is_alive()
    assert [[step for step in tell.steps if "cluster" in step] for tell in told] == [
        ["folds on the cluster"], ["folds on the cluster", "training on the cluster"],
    ]  # fmt: skip
    assert set(told[1].curves) == {-1, 0, 1}
    here, far = (np.load(jobs / job / "run" / "scores.npy") for job in ("job-here", "job-far"))
    assert np.array_equal(here, far)
    assert np.isfinite(np.load(jobs / "job-far-net" / "run" / "scores.npy")).all()
    assert find_version(found["version"]).check() == []
