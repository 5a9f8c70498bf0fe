"""What can be said of a connection that its certificate kept from being made."""

from __future__ import annotations

import ssl


def certificate_reason(error: BaseException) -> str:
    """Name a refused certificate, the one reason the owner of the address can do something about."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f": its certificate was refused ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return ""
