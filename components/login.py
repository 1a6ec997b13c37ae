"""The login, where this installation has one: OpenID Connect by Streamlit's [auth] secrets; roles by e-mail address."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from components.plain import plain
from leuk_core import RESEARCH_ONLY, access
from leuk_core.settings import settings

HOUR_S = 3600.0


def may_go_on() -> bool:
    """Return whether there is no login here, or somebody is signed in.

    Without [auth] secrets there is no login: the operator of this machine acts.
    """
    if not configured():
        return True
    access.ask(person)
    return bool(st.user.is_logged_in) and not over()


def login() -> None:
    """Draw nothing where a person may go on; otherwise draw the way in, and stop the page."""
    if not may_go_on():
        _way_in()
        st.stop()


def who() -> None:
    """Draw who is signed in, with which role, and the way out; nothing without a login."""
    if not configured():
        return
    found = access.person()
    role = found.role.words if found.role is not None else "no role"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(f"{found.name.removeprefix(access.SIGNED)}, {role}"), width="stretch")
        st.button("Sign out", on_click=st.logout, type="tertiary", key="leuk.login.out")


def configured() -> bool:
    """Return whether this installation has a login."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        return False


def person() -> access.Person:
    """Return who is signed in in the session that this thread works for, nobody outside of one."""
    if not st.user.get("is_logged_in") or over():
        return access.NOBODY
    return access.from_login(st.user.to_dict())


def over() -> bool:
    """Return whether the login is older than it may be."""
    began = st.user.get("iat")
    return not isinstance(began, int | float) or time.time() - began > HOUR_S * settings().session_hours


def _way_in() -> None:
    st.title("Leukemia smear workbench", anchor=False)
    if st.user.is_logged_in:
        st.info("Your session has ended. What you had saved is kept: sign in to go on.", icon=":material/schedule:")
    st.markdown("Sign in to see cases, ask models, and review.")
    st.button("Sign in", on_click=st.login, type="primary", key="leuk.login.in")
    st.caption(RESEARCH_ONLY)
