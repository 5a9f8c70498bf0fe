"""Pages from everywhere may use the dialects and read files: CORS, without credentials."""

from __future__ import annotations

from filmgate.adapters.web.fast_path import Scope, Send
from filmgate.adapters.web.headers import Headers, find
from filmgate.domain.media import MEDIA_PREFIX

_PREFLIGHT: Headers = [(b"access-control-max-age", b"600"), (b"vary", b"Access-Control-Request-Headers")]
"""Of `Access-Control-Request-Private-Network` nothing is said: whether a page of the internet may reach a private
network is between the browser and its user."""

_ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_READING_METHODS = b"GET, HEAD, OPTIONS"
_DEFAULT_ALLOWED = b"Authorization, Content-Type, Idempotency-Key, Prefer, Last-Event-ID, Range, If-Range"


async def answer_preflight(scope: Scope, send: Send) -> None:
    """Allow the methods of the path and the headers that the browser asks for."""
    asked = find(scope["headers"], b"access-control-request-headers") or _DEFAULT_ALLOWED
    headers = [
        *_PREFLIGHT,
        (
            b"access-control-allow-methods",
            _READING_METHODS if scope["path"].startswith(MEDIA_PREFIX) else _ALLOWED_METHODS,
        ),
        (b"access-control-allow-headers", asked),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
