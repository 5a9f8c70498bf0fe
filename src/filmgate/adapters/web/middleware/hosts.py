"""Requests that name a foreign Host are refused: a page of another site may have had a name lead here."""

from __future__ import annotations

from filmgate.adapters.web.fast_path import Scope
from filmgate.adapters.web.headers import find
from filmgate.core.media.links import Links

HEALTH = frozenset({"/healthz", "/readyz"})
"""Paths that answer whatever Host is named: those who probe them know addresses, not names."""


def check_host(scope: Scope, links: Links) -> None:
    """Raise HostNotAllowed unless the request names a host that is served."""
    host = find(scope["headers"], b"host")
    if scope["path"] not in HEALTH or (host is None and scope["http_version"] != "1.0"):
        links.base(None if host is None else host.decode("latin-1"), scope["scheme"])
