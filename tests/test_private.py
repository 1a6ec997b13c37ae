"""Who else on this machine may read cases, or change what is kept: nobody, and doctor tells where somebody may."""

import os
import stat
from pathlib import Path

import pytest

from leuk_core import database, private
from leuk_core.backup import back_up, restore
from leuk_core.cases import add_field, create_case
from leuk_core.doctor import _folder, _secrets
from leuk_core.settings import settings
from tests.cases.made_up import field_image, new_cells

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder that is not there yet, on a machine where new files can be read by all."""
    monkeypatch.setenv("LEUK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LEUK_DATABASE_URL", raising=False)
    settings.cache_clear()
    before = os.umask(0o022)
    yield tmp_path / "data"
    os.umask(before)
    settings.cache_clear()
    database._engine.cache_clear()


def keep_a_case() -> None:
    made = create_case("Ada", "case A")
    add_field(made.id, "Ada", field_image(1), new_cells())


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_here_no_other_user_can_read(data, tmp_path):
    keep_a_case()
    assert (rights(data), rights(data / "pictures"), rights(data / "leuk.sqlite")) == (0o700, 0o700, 0o600)
    back_up(tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "again")
    assert (rights(tmp_path / "copy"), rights(tmp_path / "again")) == (0o700, 0o700)


@pytest.mark.parametrize(
    ("given", "umask", "made", "file"), [(0o755, 0o022, 0o700, 0o600), (0o770, 0o002, 0o770, 0o660)]
)
def test_a_folder_that_is_there_stays_as_it_is_and_one_that_a_group_shares_stays_shared(data, given, umask, made, file):
    data.mkdir()
    data.chmod(given)
    os.umask(umask)
    keep_a_case()
    assert (rights(data), rights(data / "pictures"), rights(data / "leuk.sqlite")) == (given, made, file)


def test_doctor_tells_who_else_may_write_or_look(tmp_path, monkeypatch):
    tmp_path.chmod(0o777)
    assert _folder("cache_dir", tmp_path).ok  # the folders above it keep others out
    monkeypatch.setattr(private, "_reached", lambda _: True)
    found = _folder("cache_dir", tmp_path)
    assert found.error == (
        "Every user of this machine may write to it: take that right away (chmod o-w), or set LEUK_CACHE_DIR."
    )
    tmp_path.chmod(0o755)
    found = _folder("data_dir", tmp_path)
    assert found.ok
    assert "every user of this machine may look into it: chmod o-rwx" in found.found
    tmp_path.chmod(0o700)
    assert _folder("data_dir", tmp_path).found == f"{tmp_path} can be written"


def test_doctor_tells_who_else_may_read_the_secrets_of_the_login_and_never_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(private, "_reached", lambda _: True)
    assert list(_secrets(tmp_path / "secrets.toml")) == []
    (tmp_path / "secrets.toml").write_text("client_secret = 'abc'")
    (tmp_path / "secrets.toml").chmod(0o644)
    (found,) = _secrets(tmp_path / "secrets.toml")
    assert found.error == "Every user of this machine may look into it: chmod 600 takes that away."
    assert "abc" not in repr(found)
    (tmp_path / "secrets.toml").chmod(0o600)
    assert [check.ok for check in _secrets(tmp_path / "secrets.toml")] == [True]
