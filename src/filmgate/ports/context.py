"""Who asks, on whose behalf, and under which trace id."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import msgspec

from filmgate.domain.roles import KeyRole

trace_of: ContextVar[str | None] = ContextVar("trace_of", default=None)
"""For logs: the trace id of the request that is served, or of that which submitted the task that is worked on."""

task_of: ContextVar[str | None] = ContextVar("task_of", default=None)
"""For logs: the id of the task that is worked on."""

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""Where what is being done is in a trace, as the header of that name says it; None where nothing is traced."""


HEAD_ONLY = "head_only"
"""Name of what the state of a request has if it is a HEAD, which the routes get to see as a GET."""


class Caller(msgspec.Struct, frozen=True):
    """The holder of a good key. `limited` is False for the admin key of the environment, which has no rate limits."""

    application_id: str
    user_id: str
    credential_id: str
    limited: bool = True
    role: KeyRole = KeyRole.MEMBER


class RequestContext(msgspec.Struct, frozen=True):
    """One request. `base_url` is the base address of links in its answer, without a slash at the end.

    `may_wait` is False where nobody reads what a wait would bring.
    """

    caller: Caller
    trace_id: str
    base_url: str
    may_wait: bool = True


def wants_head(scope: Mapping[str, Any]) -> bool:
    """Return whether only the head of the answer is sent, so that its body need not be produced or waited for."""
    return HEAD_ONLY in scope["state"]
