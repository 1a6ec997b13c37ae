"""What the server tells browsers, and whom it answers."""

import base64
import socket
import urllib.request

import pytest

from web import HEADERS

pytestmark = pytest.mark.browser  # it takes the served application


def asked(address: str, host: str, origin: str) -> str:
    """Return the status line that a page of `origin` gets, asking by the name `host` for a connection."""
    _, _, place = address.rpartition("/")
    name, port = place.split(":")
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {host}:{port}", f"Origin: http://{origin}:{port}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}", "", "",
    ]  # fmt: skip
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.makefile().readline().strip()


def test_every_answer_forbids_frames_and_what_comes_from_elsewhere(app_server):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(app_server, timeout=20) as answer:
        sent = {name: answer.headers[name] for name in HEADERS}
    assert sent == HEADERS
    assert "frame-ancestors 'none'" in sent["Content-Security-Policy"]
    assert "http" not in sent["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1", "127.0.0.1", "101"),
        ("localhost", "localhost", "101"),
        ("evil.example", "evil.example", "403"),  # a name that its owner has turned to 127.0.0.1
        ("127.0.0.1", "evil.example", "403"),
    ],
)
def test_a_page_of_another_site_gets_no_connection(app_server, host, origin, status):
    assert asked(app_server, host, origin).split()[1] == status
