"""`python -m leuk_core`: what is printed, in which order and with which exit status."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leuk_core import PROJECT_ROOT, __version__
from leuk_core.cli import main
from leuk_core.doctor import _folder, _models, _packages
from leuk_core.images import decode
from leuk_core.registry import list_versions
from leuk_core.settings import settings

NAME = "血液 塗抹 é.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures, a text and an empty file."""
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 255, (40, 60, 3), np.uint8))
    picture.save(tmp_path / NAME)
    picture.convert("L").save(tmp_path / "grey.bmp")
    (tmp_path / "page.jpg").write_text("<html>no picture</html>", "utf-8")
    (tmp_path / "empty.png").touch()
    return tmp_path


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of models that the settings name while a test runs."""
    monkeypatch.setenv("LEUK_MODELS_DIR", str(tmp_path / "models"))
    settings.cache_clear()
    yield tmp_path / "models"
    monkeypatch.undo()
    settings.cache_clear()


def lines(printed: str) -> list[dict]:
    return [json.loads(line) for line in printed.splitlines()]


def command(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "leuk_core", *words],
        capture_output=True,
        check=False,
        cwd=PROJECT_ROOT,
        env=os.environ | environment,
    )


def test_each_file_has_its_line_in_the_order_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["page.jpg", NAME, "missing.png", "empty.png", ".", "grey.bmp"]
    paths = [str(folder / name) for name in names]
    assert main(["decode", *paths, "--json"]) == 1
    rows = lines(capsys.readouterr().out)
    assert [row["file"] for row in rows] == paths
    assert [row["ok"] for row in rows] == [False, True, False, False, False, True]
    picture = decode((folder / NAME).read_bytes(), NAME)
    assert rows[1] == {
        "file": paths[1],
        "ok": True,
        "width": 60,
        "height": 40,
        "format": "PNG",
        "notes": [],
        "file_sha256": picture.file_sha256,
        "pixels_sha256": picture.pixels_sha256,
        "microns_per_pixel": None,
        "error": None,
    }
    assert set(rows[0]) == set(rows[1])
    for row, reason in zip(rows, ["a web page", None, "no such file", "empty", "a folder", None], strict=True):
        assert (row["error"] is None) if reason is None else (reason in row["error"])
    assert rows[0]["error"].startswith("page.jpg: this file is not a picture")


def test_all_answered_is_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(folder / NAME), str(folder / "grey.bmp")]) == 0
    printed = capsys.readouterr()
    assert [line.split()[:4] for line in printed.out.splitlines()] == [
        ["PNG", "60", "x", "40"],
        ["BMP", "60", "x", "40"],
    ]
    assert printed.err == ""


@pytest.mark.parametrize(
    "words",
    [[], ["decode"], ["shrink", "a"], ["predict", "a", "--microns-per-pixel", "0"], ["decode", "a", "--quick"]],
    ids=["no verb", "no file", "unknown verb", "no scale", "unknown option"],
)
def test_wrong_use_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_utf_8_comes_out_under_any_locale(folder: Path) -> None:
    ran = command("decode", "--json", str(folder / NAME), LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert ran.returncode == 0, ran.stderr
    assert NAME in ran.stdout.decode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist only where names are bytes")
def test_a_name_that_is_no_text_still_gives_a_line(folder: Path) -> None:
    path = os.fsencode(folder / NAME)
    strange = os.fsencode(folder) + b"/\xff.png"
    os.link(path, strange)
    ran = command("decode", "--json", os.fsdecode(strange))
    assert (ran.returncode, json.loads(ran.stdout)["ok"]) == (0, True)


@pytest.mark.skipif(os.name == "nt", reason="pipes and signals as POSIX has them")
@pytest.mark.parametrize("end", ["pipe closed", "interrupted"])
def test_an_early_end_leaves_no_traceback(end: str, folder: Path) -> None:
    words = [sys.executable, "-m", "leuk_core", "decode", "--json", *[str(folder / NAME)] * 5000]
    if end == "interrupted" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("this run was started so that it ignores interrupts, and hands that down")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT_ROOT) as running:
        json.loads(running.stdout.readline())
        if end == "pipe closed":
            running.stdout.close()
        else:
            running.send_signal(signal.SIGINT)
            running.stdout.read()
        complaint = running.stderr.read()
    assert (running.returncode, complaint) == (141 if end == "pipe closed" else 130, b"")


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("reference", [[], ["--model", "all-vs-normal/svm"], ["--model", "nonsense"]])
def test_predict_without_that_model_is_2(
    reference: list[str], folder: Path, models_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(folder / NAME), "--json", *reference]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Received: " in printed.err
    assert "Traceback" not in printed.err


def test_models_are_none_in_an_empty_folder(models_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    assert capsys.readouterr().out == ""


def write_model(models: Path, weights: bytes, digest: str) -> None:
    """A model version whose card names one file, as the registry lays it out."""
    version = models / "all-vs-normal" / "svm" / "1"
    version.mkdir(parents=True)
    task = {"id": "all-vs-normal", "title": "ALL or normal", "classes": [], "positive": None, "training_share": {}}
    (models / "all-vs-normal" / "task.json").write_text(json.dumps(task), "utf-8")
    (version / "card.json").write_text(json.dumps({"default": True, "files": {"weights.bin": digest}}), "utf-8")
    (version / "weights.bin").write_bytes(weights)


EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_models_are_listed_with_their_card(models_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(models_folder, b"", EMPTY_SHA256)
    assert main(["models", "--json"]) == 0
    (row,) = lines(capsys.readouterr().out)
    assert (row["ok"], row["model"], row["default"]) == (True, "all-vs-normal/svm@1", True)
    assert row["card"]["files"] == {"weights.bin": EMPTY_SHA256}


@pytest.mark.parametrize(("weights", "error"), [(b"", None), (b"changed", "weights.bin is not the file")])
def test_doctor_compares_each_model_with_its_card(models_folder: Path, weights: bytes, error: str | None) -> None:
    write_model(models_folder, weights, EMPTY_SHA256)
    (check,) = _models()
    assert check.name == "all-vs-normal/svm@1"
    assert check.ok if error is None else error in check.error


def test_doctor_finds_a_missing_and_an_old_package(tmp_path: Path) -> None:
    listing = tmp_path / "requirements.txt"
    listing.write_text("# words\nnumpy>=1\npillow>=999  # why\nno-such-package-here\n", "utf-8")
    found = {check.name: check.error for check in _packages(listing)}
    assert found["numpy"] is None
    assert ">=999 is needed" in found["pillow"]
    assert "start.py prepare" in found["no-such-package-here"]


def test_doctor_leaves_nothing_in_the_folders_it_tries(tmp_path: Path) -> None:
    assert _folder("data_dir", tmp_path / "not" / "there").ok
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_doctor_sees_a_folder_that_cannot_be_written() -> None:
    check = _folder("cache_dir", Path("/proc/self/cache"))
    assert "set LEUK_CACHE_DIR" in check.error


def test_doctor_without_models_says_what_to_do(tmp_path: Path) -> None:
    ran = command("doctor", "--json", LEUK_MODELS_DIR=str(tmp_path))
    rows = {row["check"]: row for row in lines(ran.stdout.decode("utf-8"))}
    assert ran.returncode == 1
    assert [name for name, row in rows.items() if not row["ok"]] == ["models"]
    assert "get the project's models/ folder" in rows["models"]["error"]
    assert {"Python", "tensorflow", "device", "LEUK_MAX_MEGAPIXELS", "data_dir", "cache_dir"} <= set(rows)


@pytest.mark.real
def test_predict_answers_real_cells_and_refuses_the_rest(
    cnmc_cells: Callable[..., list], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not list_versions():
        pytest.skip("no trained model is installed")
    cells = [str(entry.path) for entry in cnmc_cells(each=1)]
    assert main(["predict", "--json", cells[0], str(folder / "empty.png"), cells[1]]) == 1
    first, refused, second = lines(capsys.readouterr().out)
    assert refused["error"].startswith("empty.png: this file is empty")
    assert (refused["ok"], refused["probabilities"], refused["pixels_sha256"]) == (False, {}, None)
    assert set(first) == set(refused) == set(second)
    for row, path in ((first, cells[0]), (second, cells[1])):
        assert (row["ok"], row["file"], row["error"]) == (True, path, None)
        assert row["pixels_sha256"] == decode(Path(path).read_bytes(), "cell").pixels_sha256
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert (row["label"] is None) == bool(row["doubts"])
    assert first["recipe_hash"] == second["recipe_hash"] == refused["recipe_hash"]
