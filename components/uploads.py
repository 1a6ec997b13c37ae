"""How much people may upload at a time: what is beyond it is refused before it is read, and told on the page."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from leuk_core.settings import settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MEGABYTE = 1024 * 1024
_PLACE = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
_MOST_SESSIONS = 1000
_LEFT_OUT: OrderedDict[str, list[str]] = OrderedDict()  # why uploads were refused, by session; the oldest go first


class WithLimits:
    """Refuses an upload where its session, or all of them together, would hold too much in memory.

    Streamlit holds what is uploaded until a page has read it; it limits each file, and nothing else.

    Parameters
    ----------
    app : ASGI application
        What takes the upload.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._coming: Counter[str] = Counter()  # bytes on their way, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take or refuse an upload; everything else passes as it is."""
        session = _session_of(scope)
        if session is None:
            await self._app(scope, receive, send)
            return
        size = _size_of(scope)
        if refusal := self._refusal(session, size):
            _LEFT_OUT.setdefault(session, []).append(refusal)
            if len(_LEFT_OUT) > _MOST_SESSIONS:
                _LEFT_OUT.popitem(last=False)
            await PlainTextResponse(refusal, 413)(scope, receive, send)
            return
        self._coming[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= size
            self._coming = +self._coming

    def _refusal(self, session: str, size: int) -> str:
        held, limits = _held(), settings()
        own, every = held[session] + self._coming[session], held.total() + self._coming.total()
        if own + size > limits.max_session_mb * MEGABYTE:
            return f"At most {limits.max_session_mb:,} MB may be uploaded at a time (LEUK_MAX_SESSION_MB)."
        if every + size > limits.max_uploads_mb * MEGABYTE:
            return "Others are uploading too much at the moment (LEUK_MAX_UPLOADS_MB): try again in a minute."
        return ""


def left_out() -> str:
    """Return once what is to be told of this session's uploads that were refused; "" where none was."""
    context = get_script_run_ctx()
    reasons = _LEFT_OUT.pop(context.session_id, []) if context else []
    if not reasons:
        return ""
    count, again = ("1 file was", "it") if len(reasons) == 1 else (f"{len(reasons)} files were", "them")
    why = " ".join(dict.fromkeys(reasons))
    return f"{count} left out: {why[:1].lower()}{why[1:]} Drop {again} again."


def _session_of(scope: Scope) -> str | None:
    """Return the session that uploads; None for anything else, which Streamlit may refuse by itself."""
    if scope["type"] != "http" or scope["method"] != "PUT" or not exists():
        return None
    found = _PLACE.search(scope["path"])
    return found[1] if found and get_instance().is_active_session(found[1]) else None


def _size_of(scope: Scope) -> int:
    """Return how much is said to come; as much as a file may have where that isn't said."""
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(said) if said.isdigit() else settings().max_upload_mb * MEGABYTE


def _held() -> Counter[str]:
    """Return the bytes that each session holds."""
    storage = getattr(get_instance().uploaded_file_mgr, "file_storage", {})
    return Counter({
        session: sum(len(file.data) for file in list(files.values())) for session, files in list(storage.items())
    })  # fmt: skip
