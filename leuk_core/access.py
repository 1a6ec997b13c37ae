"""Who may do what: four roles, and the person who acts, as whoever runs the program tells.

Without a login the person is the operator of this machine, who may do everything and types a name where one is
needed. An application with a login says with `ask` who is signed in; every function that changes something asks
`allow` first, whatever page or thread it is called from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from leuk_core.errors import InvalidParameter, NotAllowed
from leuk_core.settings import settings

SIGNED = "✓ "
"""In front of a name that a login vouches for; no typed name begins with it."""


class Role(IntEnum):
    """What a person may do; each may do what those before it may."""

    VIEWER = 0
    """Look at everything, ask models, export."""
    REVIEWER = 1
    """Make, review, confirm and amend cases."""
    TRAINER = 2
    """Bring in labelled cells, start, cancel and repeat trainings."""
    ADMIN = 3
    """Promote and roll back versions, delete cases."""

    @property
    def words(self) -> str:
        """Its name for people, with its article."""
        return f"an {self.name.lower()}" if self is Role.ADMIN else f"a {self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts.

    Parameters
    ----------
    name : str
        As the login tells it, with `SIGNED` in front; empty for the operator, who types one.
    role : Role or None
        What the person may do; None is nothing.
    """

    name: str
    role: Role | None

    @property
    def signed_in(self) -> bool:
        """Whether a login vouches for the name."""
        return self.name.startswith(SIGNED)


OPERATOR = Person("", Role.ADMIN)
NOBODY = Person("", None)
"""Whoever is not signed in where there is a login."""

_PERSON: ContextVar[Person | None] = ContextVar("leuk-person", default=None)
_ASKED: list[Callable[[], Person]] = []


def ask(who: Callable[[], Person]) -> None:
    """Let `who` tell the person from now on, in every thread of this process; the last one asked for counts."""
    _ASKED[:] = [who]


def forget() -> None:
    """Let the operator act again."""
    _ASKED.clear()


def person() -> Person:
    """Return who acts."""
    return _PERSON.get() or (_ASKED[0]() if _ASKED else OPERATOR)


@contextmanager
def acting_as(who: Person) -> Iterator[None]:
    """Let a person act within a block, as in a thread that works for somebody."""
    token = _PERSON.set(who)
    try:
        yield
    finally:
        _PERSON.reset(token)


def allow(role: Role, what: str, by: str = "") -> str:
    """Return the name under which something is done, where the person who acts may do it.

    Parameters
    ----------
    role : Role
        The least that is needed.
    what : str
        What is done, for the refusal: "delete cases".
    by : str
        A typed name. Where a login vouches for another one, that counts.

    Raises
    ------
    NotAllowed
        If the person may not.
    InvalidParameter
        If a typed name looks like one that a login vouches for.
    """
    who = person()
    if who.role is None:
        raise NotAllowed(f"Sign in to {what}. Received: nobody signed in")
    if who.role < role:
        raise NotAllowed(
            f"Only {role.words} may {what}: ask an administrator for that role. "
            f"Received: {who.name.removeprefix(SIGNED)}, {who.role.words}"
        )
    if who.signed_in:
        return who.name
    if by.lstrip().startswith(SIGNED.strip()):
        raise InvalidParameter(f"A typed name must not begin with {SIGNED.strip()!r}. Received: {by[:120]!r}")
    return by


def signature(name: str) -> str:
    """Return how a confirmed case is said to be confirmed.

    Examples
    --------
    >>> signature("Dr. Lin")
    'confirmed by Dr. Lin'
    >>> signature("✓ Dr. Lin (lin@clinic.example)")
    'signed by Dr. Lin (lin@clinic.example)'
    """
    return f"signed by {name.removeprefix(SIGNED)}" if name.startswith(SIGNED) else f"confirmed by {name}"


def from_login(facts: Mapping[str, Any]) -> Person:
    """Return the person of an OpenID Connect login.

    Parameters
    ----------
    facts : mapping
        The claims: "email" decides the role, by the lists of `settings()`; one that the provider says is not verified
        counts as none. "name" and "email", or "sub", make the name.

    Raises
    ------
    NotAllowed
        If the provider tells neither an e-mail address nor an id.
    """
    email = str(facts.get("email") or "").strip().lower()
    if facts.get("email_verified") is False or not email.isprintable():
        email = ""
    known = email or str(facts.get("sub") or "").strip()
    if not known:
        raise NotAllowed("The login told neither an e-mail address nor an id. Received: a login without both")
    given = " ".join(str(facts.get("name") or "").split())[:60]
    name = f"{given} ({known})" if given and given.isprintable() else known
    lists = {Role.ADMIN: settings().admins, Role.TRAINER: settings().trainers, Role.REVIEWER: settings().reviewers}
    role = next((role for role, listed in lists.items() if email and email in listed), Role.VIEWER)
    return Person(SIGNED + name[:98], role)
