"""Writing down what a provider is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from filmgate.core.providers.account import Account
from filmgate.core.providers.routing import Router
from filmgate.domain.generation import Generation
from filmgate.ports.provider import Submission


class RequestBuilder:
    """Puts submissions together: the provider's name for the model, and the address that it calls back."""

    def __init__(self, accounts: Mapping[str, Account], router: Router, public_url: str | None) -> None:
        self._accounts = accounts
        self._router = router
        self._public_url = public_url

    def submission(self, engine: str, generation: Generation, key: str, **inputs: Any) -> Submission:
        """Return what an account is asked for under a key."""
        return Submission(
            key,
            generation,
            model=self._router.upstream_model(engine, generation.model),
            callback_url=self._webhook_url(self._accounts[engine], key),
            **inputs,
        )

    def _webhook_url(self, account: Account, key: str) -> str | None:
        if self._public_url is None or not account.settings.callbacks:
            return None
        return f"{self._public_url}/hooks/{account.name}/{key}"
