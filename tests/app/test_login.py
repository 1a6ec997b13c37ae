"""A login ends after its hours, and without a session nobody is signed in."""

import time
from types import SimpleNamespace

import pytest

from components import login
from leuk_core.access import NOBODY, Role
from leuk_core.settings import settings


class User(dict):
    """What Streamlit knows of the person in a session."""

    @property
    def is_logged_in(self):
        return self.get("is_logged_in", False)

    def to_dict(self):
        return dict(self)


@pytest.fixture
def signed_in(monkeypatch):
    """Sign somebody in so many hours ago."""
    monkeypatch.setenv("LEUK_TRAINERS", "t@clinic.example")
    settings.cache_clear()

    def made(**facts):
        monkeypatch.setattr(login, "st", SimpleNamespace(user=User(facts)))

    yield made
    settings.cache_clear()


def test_a_login_counts_for_its_hours_only(signed_in):
    facts = {"is_logged_in": True, "email": "t@clinic.example", "name": "Tom"}
    signed_in(**facts, iat=time.time() - 3600)
    assert login.person().role is Role.TRAINER
    signed_in(**facts, iat=time.time() - 13 * 3600)
    assert login.over()
    assert login.person() is NOBODY


@pytest.mark.parametrize("facts", [{}, {"is_logged_in": False}, {"is_logged_in": True, "email": "t@clinic.example"}])
def test_whoever_is_not_known_for_sure_is_nobody(signed_in, facts):
    signed_in(**facts)
    assert login.person() is NOBODY
