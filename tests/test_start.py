"""start.py: what it says to a person whose machine lacks something, and that a fitting machine is left alone."""

import ast
import hashlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from leuk_core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FITTING = {"version": [3, 12, 4], "bits": 64, "kind": "CPython", "free_threaded": False, "lacks": []}


@pytest.fixture
def start():
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def installation(tmp_path):
    """Return a folder with start.py, one package of one line in `wheels`, and the lock file that names it."""
    shutil.copy(ROOT / "start.py", tmp_path)
    wheel = tmp_path / "wheels" / "leukprobe-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as package:
        package.writestr("leukprobe.py", "ANSWER = 42\n")
        package.writestr("leukprobe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leukprobe\nVersion: 1.0\n")
        package.writestr(
            "leukprobe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        package.writestr("leukprobe-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements.lock").write_text(f"leukprobe==1.0 --hash=sha256:{digest}\n")
    return tmp_path


def prepare(folder, *options, **environment):
    """Run `start.py prepare` there, away from this machine's own settings for pip; return exit code and words."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("PIP_", "HTTP"))}
    done = subprocess.run(
        [sys.executable, "start.py", "prepare", *options],
        cwd=folder,
        env=dict(kept, PIP_CONFIG_FILE=os.devnull, **environment),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_installed_once_is_left_alone_until_the_lock_changes(start, installation):
    code, words = prepare(installation, "--offline")
    assert code == 0, words
    python = installation / start.VENV_PYTHON.relative_to(ROOT)
    assert subprocess.check_output([python, "-c", "import leukprobe; print(leukprobe.ANSWER)"]).strip() == b"42"

    shutil.rmtree(installation / "wheels")
    assert prepare(installation, "--offline") == (0, "")  # no pip: there is nothing left to install from

    with (installation / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    code, words = prepare(installation, "--offline")
    assert code == 1
    assert "--offline forbids to load them" in words


def test_an_unreachable_registry_is_said_in_words(installation):
    code, words = prepare(installation, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert code == 1
    assert "No package registry can be reached" in words
    assert "Traceback" not in words


def test_old_pythons_can_read_it():
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": [3, 9, 2]}, "3.9.2, too old"),
        ({"version": [3, 14, 0]}, "too new for TensorFlow"),
        ({"bits": 32}, "32 bits"),
        ({"lacks": ["ensurepip"]}, "sudo apt install python3.12-venv"),
    ],
)
def test_an_unfit_python_is_named_with_its_fault(start, tmp_path, facts, words):
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\necho '{json.dumps({**FITTING, 'path': str(path), **facts})}'\n")
    path.chmod(0o755)
    with pytest.raises(start.Refusal, match=words):
        start.find_python([[str(path)]])


def test_no_python_at_all(start, tmp_path):
    with pytest.raises(start.Refusal, match="no Python at all"):
        start.find_python([[str(tmp_path / "absent")]])


def test_a_full_disk_is_said_before_anything_is_loaded(start):
    with pytest.raises(start.Refusal, match="GB are needed"):
        start.check_room(10**12)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "is full"),
        ("WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'", "No package registry"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "differs from the one"),
        ("The virtual environment was not created because ensurepip is not available.", "python3-venv"),
    ],
)
def test_failures_of_pip_and_venv_become_sentences(start, printed, words):
    assert words in start.words_for(printed, "unknown")


def test_a_taken_port_gives_the_next_and_says_so(start, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        if taken > 65000:
            pytest.skip("the system gave a port at the end of the range")
        assert start.free_port(taken) > taken
    assert f"Port {taken} is taken" in capsys.readouterr().out


def test_the_upload_limit_follows_its_setting(start):
    assert start.upload_limit({}) == []
    assert start.upload_limit({"LEUK_MAX_UPLOAD_MB": "50"}) == ["--server.maxUploadSize", "50"]
    with pytest.raises(start.Refusal, match="Received: '0'"):
        start.upload_limit({"LEUK_MAX_UPLOAD_MB": "0"})
    served = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["server"]
    assert served["maxUploadSize"] == Settings.model_fields["max_upload_mb"].default


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-gpu.lock"])
def test_a_lock_says_how_much_it_loads_and_names_no_host(start, lock):
    if not start.machine().startswith("linux"):
        pytest.skip("the GPU packages are for Linux only")
    assert start.download_megabytes(lock) > 0
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash=sha256:" in text
