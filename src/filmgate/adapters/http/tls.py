"""Which certificates are trusted, and what can be said of one that is not."""

from __future__ import annotations

import functools
import ssl


@functools.cache
def trust() -> ssl.SSLContext:
    """Give the trusted authorities: once, for reading them takes a tenth of a second. Blocks."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def certificate_reason(error: BaseException) -> str:
    """Name a refused certificate, the one reason the owner of the address can do something about."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f": its certificate was refused ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return ""
