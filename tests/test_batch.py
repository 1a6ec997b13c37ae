"""A batch answers about every line once, whatever stops it, and on several processes as on one."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leuk_core import batch
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.registry import find_version
from train import batch as verb

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((ROOT / "assets" / "samples").glob("synthetic-0*.png"))


@pytest.fixture
def manifest(tmp_path):
    """Eight drawn cells, a text that is no picture, a missing file, and a name like a formula."""
    folder = tmp_path / "cells"
    folder.mkdir()
    lines = []
    for number, source in enumerate(SAMPLES[:8]):
        (folder / f"{number}.png").write_bytes(source.read_bytes())
        lines.append(f"{number}.png,0.059")
    (folder / "=1+1.png").write_text("no picture")
    lines += ["=1+1.png,", "gone.png,"]
    path = folder / "manifest.csv"
    path.write_text("path,microns_per_pixel\n" + "\n".join(lines) + "\n")
    return path


def rows(folder):
    return [json.loads(line) for path in sorted((folder / "parts").glob("*.jsonl")) for line in path.open()]


def run(*words, environment=None, wait=True):
    command = [sys.executable, "-m", "train", "batch", *map(str, words)]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    return process if not wait else (process.communicate()[0].splitlines(), process.returncode)


def test_each_line_has_one_row_also_a_refused_one_and_the_table_is_harmless(manifest, tmp_path):
    asked = batch.open_batch(manifest, tmp_path / "out", part=4)
    assert asked.parts == 3
    found = list(batch.answer(asked, batch.shard(asked)))
    assert [(part.rows, part.refused) for part in found] == [(4, 0), (4, 0), (2, 2)]
    got = rows(tmp_path / "out")
    assert [row["line"] for row in got] == list(range(10))
    assert [row["file"] for row in got][-2:] == ["=1+1.png", "gone.png"]
    assert all(row["error"] for row in got[-2:])
    assert {row["model"] for row in got} == {find_version(None).ref}
    with batch.write_table(asked).open(encoding="utf-8-sig", newline="") as file:
        assert file.readline().startswith("# Research use only. Not for diagnosis.")
        table = list(csv.DictReader(file))
    assert len(table) == 10
    assert table[8]["file"] == "'=1+1.png"
    assert table[9]["label"] == "refused"
    assert float(table[0]["probability_all"]) == pytest.approx(got[0]["probabilities"]["all"])


def test_shards_share_all_parts_and_none_twice(manifest, tmp_path):
    asked = batch.open_batch(manifest, tmp_path / "out", part=1)
    numbers = [number for words in ("1/3", "2/3", "3/3") for number in batch.shard(asked, words)]
    assert sorted(numbers) == list(range(10))
    for words in ("0/3", "4/3", "1", "a/b", "-1/2", "1/0", "²/3"):
        with pytest.raises(InvalidParameter, match="shard"):
            batch.shard(asked, words)
    list(batch.answer(asked, [8]))
    assert batch.write_table(asked) is None  # parts are missing


def test_a_folder_of_another_batch_and_unfit_manifests_are_refused_in_one_sentence(manifest, tmp_path):
    batch.open_batch(manifest, tmp_path / "out", part=4)
    batch.open_batch(manifest, tmp_path / "out", part=4)
    with pytest.raises(InvalidData, match=r"another batch.*part"):
        batch.open_batch(manifest, tmp_path / "out", part=5)
    with pytest.raises(InvalidParameter, match="part"):
        batch.open_batch(manifest, tmp_path / "other", part=0)
    for text, words in {
        "file\na.png\n": "column `path`",
        "path\n": "nothing to answer",
        "path,microns_per_pixel\na,x": "line 2",
    }.items():
        manifest.write_text(text)
        with pytest.raises(InvalidData, match=words):
            batch.open_batch(manifest, tmp_path / "other")
    with pytest.raises(InvalidData, match="can't be read"):
        batch.open_batch(tmp_path / "none.csv", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_killed_batch_goes_on_and_makes_no_part_twice(manifest, tmp_path):
    out = tmp_path / "out"
    process = run(manifest, "--out", out, "--part", 1, wait=False)
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in (out / "parts").glob("*.jsonl")}
    assert 1 <= len(before) < 10
    lines, status = run(manifest, "--out", out, "--part", 1)
    assert status == verb.REFUSED
    assert json.loads(lines[-1]) == {"rows": 10, "refused": 2, "model": find_version(None).ref, "table": "answers.csv"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [row["line"] for row in rows(out)] == list(range(10))
    assert not list(out.rglob("*.part"))


def test_a_cluster_whose_worker_is_killed_answers_as_one_process_does(manifest, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the optional package distributed is not installed")
    alone = batch.open_batch(manifest, tmp_path / "alone", part=2)
    list(batch.answer(alone, batch.shard(alone)))
    together = batch.open_batch(manifest, tmp_path / "together", part=2)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        found = batch.answer_on_dask(together, batch.shard(together), cluster.scheduler_address)
        first = next(found)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        parts = [first, *found]
    assert sorted(part.number for part in parts) == list(range(5))
    numbers = [(row["line"], row["label"], row["error"], row["probabilities"]) for row in rows(tmp_path / "together")]
    for one, other in zip(numbers, rows(tmp_path / "alone"), strict=True):
        assert one[:3] == (other["line"], other["label"], other["error"])
        assert one[3] == pytest.approx(other["probabilities"], abs=1e-5)


def test_a_cluster_that_is_not_there_is_told_in_one_sentence(manifest, tmp_path):
    pytest.importorskip("distributed", reason="the optional package distributed is not installed")
    asked = batch.open_batch(manifest, tmp_path / "out")
    start = time.monotonic()
    with pytest.raises(InvalidData, match=r"can't be reached\. Received: tcp://127\.0\.0\.1:9"):
        list(batch.answer_on_dask(asked, [0], "tcp://127.0.0.1:9"))
    assert time.monotonic() - start < 60


def test_a_cell_of_a_manifest_that_is_too_long_and_a_name_that_is_no_utf_8_are_told(tmp_path):
    (tmp_path / "long.csv").write_text("path\n" + "x" * 200_000 + "\n")
    with pytest.raises(InvalidData, match="can't be read"):
        batch.read_lines(tmp_path / "long.csv")
    if sys.platform == "linux":
        (tmp_path / "cells").mkdir()
        Path(os.fsdecode(os.fsencode(tmp_path / "cells") + b"/\xff=1.png")).write_text("no picture")
        asked = batch.open_batch(tmp_path / "cells", tmp_path / "out")
        list(batch.answer(asked, batch.shard(asked)))
        assert r"\udcff=1.png,refused" in batch.write_table(asked).read_text("utf-8-sig")
