"""Which certificates are trusted, and what can be said of one that is not."""

from __future__ import annotations

import functools
import ssl
from typing import TypeVar

E = TypeVar("E", bound=BaseException)


@functools.cache
def trust() -> ssl.SSLContext:
    """Return the trusted authorities: once, for reading them takes a tenth of a second. Blocks."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def certificate_reason(error: BaseException) -> str:
    """Name a refused certificate, the one reason the owner of the address can do something about."""
    refusal = cause(error, ssl.SSLCertVerificationError)
    return "" if refusal is None else f": its certificate was refused ({refusal.verify_message})"


def cause(error: BaseException, kind: type[E]) -> E | None:
    """Return the error of this kind that led to another, if one did."""
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, kind):
            return each
        each = each.__cause__ or each.__context__
    return None
