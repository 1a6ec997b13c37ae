"""A login in a real browser against a real OpenID Connect provider: the way in, a role, the way out."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leuk_core import PROJECT_ROOT
from tests.conftest import free_port, wait_until_served

pytestmark = pytest.mark.browser

VIEWER = {"sub": "v-7", "email": "viewer@clinic.example", "name": "Vera Look"}
CHIEF = {"sub": "c-1", "email": "chief@clinic.example", "name": "Ada Chief"}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the application with a login, and a provider that knows two persons."""
    pytest.importorskip("authlib", reason="the package authlib is not installed")
    provider = pytest.importorskip("oidc_provider_mock", reason="oidc-provider-mock is not installed")
    users = [provider.User(sub=who["sub"], claims=dict(who)) for who in (VIEWER, CHIEF)]
    port, log, secrets = free_port(), tmp_path / "server.log", tmp_path / "secrets.toml"
    environment = {**os.environ, "LEUK_DATA_DIR": str(tmp_path / "data"), "LEUK_ADMINS": CHIEF["email"]}
    with provider.run_server_in_thread(user_claims=users) as server, log.open("w") as output:
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{"s" * 32}"\n'
            f'client_id = "leuk"\nclient_secret = "secret"\n'
            f'server_metadata_url = "http://127.0.0.1:{server.server_port}/.well-known/openid-configuration"\n'
        )
        command = [sys.executable, "-m", "streamlit", "run", "web.py", "--server.port", str(port)]
        process = subprocess.Popen(
            [*command, "--secrets.files", str(secrets)],
            cwd=PROJECT_ROOT, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            wait_until_served(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def sign_in(page, person) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.locator(f"button[name=sub][value={person['sub']}]").first.click(timeout=60_000)


def test_nobody_sees_a_page_before_the_login_and_a_role_stands_beside_the_name(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/cases")
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.get_by_text("Research use only. Not for diagnosis.").count()
    assert not page.get_by_role("link", name="Cases").count()
    sign_in(page, VIEWER)
    page.get_by_text("Vera Look (viewer@clinic.example), a viewer").wait_for(timeout=60_000)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session**")  # the provider's own page
    page.goto(f"{address}/cases")
    sign_in(page, CHIEF)
    page.get_by_text("Ada Chief (chief@clinic.example), an admin").wait_for(timeout=60_000)
    page.get_by_role("link", name="Smear").click()
    reviewer = page.get_by_role("textbox", name="Reviewer")
    reviewer.wait_for(timeout=60_000)
    assert (reviewer.input_value(), reviewer.is_disabled()) == ("Ada Chief (chief@clinic.example)", True)
