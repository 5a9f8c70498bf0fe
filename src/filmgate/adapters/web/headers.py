"""Headers that answers carry in every dialect."""

from __future__ import annotations

from filmgate.ports.rates import Rate

Headers = list[tuple[bytes, bytes]]

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        (
            b"X-Trace-Id, X-Request-Id, Retry-After, Preference-Applied, WWW-Authenticate, Allow, ETag, "
            b"Accept-Ranges, Content-Range, Content-Length, Content-Disposition, "
            b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
        ),
    ),
]

NOSNIFF = (b"x-content-type-options", b"nosniff")
"""Makes clients trust the media type of an answer."""

APPLIED = (b"preference-applied", b"wait")
"""Says that an answer has waited as `Prefer` asked."""

HANDSHAKE = "websocket"
"""Name of what the state of a request has if its client opens a WebSocket and can do nothing with another answer."""


RESERVED = "reserved"
"""Name of what the state of a request has if it comes on a connection that is kept free for admins."""


def trace(trace_id: str) -> Headers:
    """Name the request, under both names that clients look for."""
    name = trace_id.encode()
    return [(b"x-trace-id", name), (b"x-request-id", name)]


def rate_limit(rate: Rate) -> Headers:
    """Return how many requests are left, under the standard and the older names."""
    limit, left = b"%d" % rate.limit, b"%d" % rate.remaining
    return [
        (b"ratelimit-limit", limit),
        (b"ratelimit-remaining", left),
        (b"ratelimit-reset", b"%d" % rate.reset),
        (b"x-ratelimit-limit", limit),
        (b"x-ratelimit-remaining", left),
    ]


def find(scope_headers: Headers, name: bytes) -> bytes | None:
    """Return the first header of this lower-case name."""
    for key, value in scope_headers:
        if key == name:
            return value
    return None
