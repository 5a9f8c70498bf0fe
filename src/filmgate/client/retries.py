"""When a call is sent again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Iterable
from typing import Any, Protocol

import stamina

from filmgate.client.calls import Call
from filmgate.client.errors import ConnectionFailed, OutcomeUnknown, ServiceUnavailable, TooManyRequests

_PASSING = frozenset({502, 503, 504})


class Attempts(Iterable[stamina.Attempt], AsyncIterable[stamina.Attempt], Protocol):
    """The attempts at a call, for a plain or an asynchronous loop; each is a context manager."""


class Retries:
    """Decides after each failure of a call; times are counted from its making.

    A call that was refused for its rate was not carried out and may always be sent again, one that did not reach the
    service too. Where the outcome is unknown, only a call that does no harm when sent twice is repeated.
    """

    def __init__(self, call: Call[Any]) -> None:
        self._call = call
        self._start = time.monotonic()

    def __call__(self, error: Exception) -> bool | float:
        """Say whether to try again, or after how many seconds."""
        spent = time.monotonic() - self._start
        if isinstance(error, TooManyRequests):
            return error.retry_after if spent + error.retry_after <= self._call.backoff else False
        if isinstance(error, ServiceUnavailable):
            return self._call.repeatable and error.status in _PASSING and spent < self._call.patience
        unreached = isinstance(error, ConnectionFailed) and not isinstance(error, OutcomeUnknown)
        return unreached and spent < self._call.patience


def attempts(call: Call[Any]) -> Attempts:
    """Give the attempts at a call."""
    return stamina.retry_context(
        on=Retries(call), attempts=None, timeout=None, wait_initial=0.1, wait_max=1.0, wait_jitter=0.1
    )
