"""Bodies that are announced too large are refused before they are read."""

from __future__ import annotations

from filmgate.adapters.web.fast_path import Scope
from filmgate.adapters.web.headers import find
from filmgate.domain.errors import PayloadTooLarge


def check_announced_size(scope: Scope, most: int) -> None:
    """Raise PayloadTooLarge for a Content-Length of more than so many bytes; 0 is no limit."""
    length = find(scope["headers"], b"content-length") or b""
    if most and length.isdigit() and int(length) > most:
        raise PayloadTooLarge(f"the body has {int(length)} bytes; at most {most} are allowed")
