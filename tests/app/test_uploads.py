"""Uploads beyond what a session, or all of them, may hold are refused before they are read, and told on the page."""

import asyncio
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from components import uploads
from components.uploads import MEGABYTE, WithLimits, left_out
from leuk_core.settings import settings


@pytest.fixture
def server(monkeypatch):
    """A server that holds what it takes, as Streamlit does: `put(session, size)` gives the status."""
    storage = defaultdict(dict)
    runtime = SimpleNamespace(
        is_active_session=lambda session: session != "gone", uploaded_file_mgr=SimpleNamespace(file_storage=storage)
    )
    monkeypatch.setattr(uploads, "exists", lambda: True)
    monkeypatch.setattr(uploads, "get_instance", lambda: runtime)
    monkeypatch.setattr(uploads, "_LEFT_OUT", uploads.OrderedDict())
    monkeypatch.setattr(settings(), "max_session_mb", 4)
    monkeypatch.setattr(settings(), "max_uploads_mb", 7)
    monkeypatch.setattr(settings(), "max_upload_mb", 3)

    async def take(scope, receive, send):
        await asyncio.sleep(0)  # others come meanwhile
        session = scope["path"].split("/")[-2]
        storage[session][len(storage[session])] = SimpleNamespace(data=bytes(scope["size"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})

    app = WithLimits(take)

    async def put(session, size, *, said=True):
        headers = [(b"content-length", str(size).encode())] if said else []
        scope = {
            "type": "http", "method": "PUT", "path": f"/_stcore/upload_file/{session}/1", "headers": headers,
            "size": size,
        }  # fmt: skip
        sent = []

        async def send(message):
            sent.append(message)

        await app(scope, None, send)
        return sent[0]["status"]

    return SimpleNamespace(put=put, storage=storage)


def all_of(*calls):
    async def gathered():
        return await asyncio.gather(*calls)

    with ThreadPoolExecutor(1) as other:  # a browser's driver leaves this thread with a loop that runs
        return other.submit(asyncio.run, gathered()).result()


def test_a_session_holds_no_more_than_it_may_however_many_come_at_once(server, monkeypatch):
    assert all_of(*(server.put("a", MEGABYTE) for _ in range(6))) == [204] * 4 + [413] * 2
    assert sum(len(file.data) for file in server.storage["a"].values()) == 4 * MEGABYTE
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: SimpleNamespace(session_id="a"))
    assert left_out().startswith("2 files were left out: at most 4 MB may be uploaded at a time")
    assert left_out() == ""
    server.storage["a"].clear()  # a page has read them
    assert all_of(server.put("a", MEGABYTE)) == [204]


def test_all_sessions_together_hold_no_more_than_they_may_and_the_reason_is_told(server, monkeypatch):
    assert all_of(server.put("a", 4 * MEGABYTE), server.put("b", 3 * MEGABYTE), server.put("c", 1)) == [204, 204, 413]
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: SimpleNamespace(session_id="c"))
    assert left_out().startswith("1 file was left out: others are uploading too much at the moment")


def test_an_upload_that_does_not_say_its_size_counts_as_the_largest(server):
    assert all_of(server.put("a", 1, said=False), server.put("a", 1, said=False)) == [204, 413]


def test_whoever_has_no_session_takes_no_room(server):
    assert all_of(*(server.put("gone", 3 * MEGABYTE) for _ in range(3)), server.put("a", MEGABYTE))[-1] == 204
