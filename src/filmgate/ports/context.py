"""Who asks, on whose behalf, and under which trace id."""

from __future__ import annotations

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """The holder of a good key. `limited` is False for the bootstrap key, which has no rate limits."""

    application_id: str
    user_id: str
    credential_id: str
    limited: bool = True


class RequestContext(msgspec.Struct, frozen=True):
    """One request. `base_url` is the base address of links in its answer, without a slash at the end."""

    caller: Caller
    trace_id: str
    base_url: str
