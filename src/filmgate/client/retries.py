"""When a call is sent again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable
from typing import Any, Protocol

import stamina

from filmgate.client.calls import Call
from filmgate.client.errors import (
    ConnectionFailed,
    InFlight,
    OutcomeUnknown,
    ServiceUnavailable,
    TooManyRequests,
)

_PASSING = frozenset({502, 503, 504})
_RESTART = 15.0
"""Seconds within which a service that broke off is back, as a rule."""


class Attempts(Iterable[stamina.Attempt], AsyncIterable[stamina.Attempt], Protocol):
    """The attempts at a call, for a plain or an asynchronous loop; each is a context manager."""


class Retries:
    """Decides after each failure of a call; times are counted from its making.

    A call that was refused for its rate was not carried out and may always be sent again, one that did not reach the
    service too. Where the outcome is unknown, only a call that does no harm when sent twice is repeated, for long
    enough that the service can be started again, since there is no other way to learn of it.
    """

    def __init__(self, call: Call[Any]) -> None:
        self._call = call
        self._start = time.monotonic()
        self._patience = call.patience
        self._unknown = False

    def judge(self, error: ConnectionFailed) -> None:
        """Raise OutcomeUnknown if the last attempt did not reach the service, but an earlier one may have."""
        if self._unknown and not isinstance(error, OutcomeUnknown):
            raise OutcomeUnknown(f"{error.message}; an earlier attempt may have been carried out") from error

    def __call__(self, error: Exception) -> bool | float:
        """Return whether to try again, or after how many seconds."""
        spent = time.monotonic() - self._start
        if isinstance(error, TooManyRequests | InFlight):
            return error.retry_after if spent + error.retry_after <= self._call.backoff else False
        repeatable = self._call.repeatable or self._call.key is not None
        if isinstance(error, ServiceUnavailable):
            return repeatable and error.status in _PASSING and spent < self._patience
        if isinstance(error, OutcomeUnknown):
            self._unknown = True
            self._patience = max(_RESTART, self._call.patience)
            return repeatable and spent < self._patience
        return isinstance(error, ConnectionFailed) and spent < self._patience


def attempts(retries: Retries) -> Attempts:
    """Return the attempts at a call."""
    return stamina.retry_context(
        on=retries, attempts=None, timeout=None, wait_initial=0.1, wait_max=1.0, wait_jitter=0.1
    )
