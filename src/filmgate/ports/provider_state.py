"""The port of the state of an account with a provider: its request rates, and trouble of the account."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RequestThrottle(Protocol):
    """Spaces requests evenly, and keeps quiet for as long as the provider asks for."""

    @property
    def held(self) -> float:
        """Seconds for which the provider has asked for quiet, 0 if it has not."""

    def hold(self, seconds: float) -> None:
        """Let no request out for so long."""

    async def turn(self) -> None:
        """Wait until a request may go out."""


class CircuitBreaker(Protocol):
    """Opens on trouble of an account, and lets requests through again after a pause."""

    @property
    def trouble(self) -> str | None:
        """Why it is open, None if it is not."""

    @property
    def wait(self) -> float:
        """Seconds until it lets requests through again, 0 if it does."""

    def good(self) -> None:
        """Take note of a good answer to a submit."""

    def alive(self) -> None:
        """Take note of a good answer to a query."""

    def bad(self, reason: str, *, definite: bool) -> None:
        """Take note of trouble, which is the account's own if it is `definite`."""


class AccountState(NamedTuple):
    """The state that all processes share that work with an account."""

    breaker: CircuitBreaker
    submits: RequestThrottle
    queries: RequestThrottle
