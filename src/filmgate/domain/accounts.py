"""What an admin says of an account with a provider, in its `[engines.NAME]` table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from filmgate.domain.settings import no_switches
from filmgate.domain.validation import first_error

Positive = Annotated[float, Field(gt=0)]


class AccountSettings(BaseModel):
    """One account. Times are seconds, rates requests per minute with 0 for no limit.

    The key comes from the environment variable `key_env` or the file `key_file`, never from the table itself.
    A task is asked about `poll` seconds after its submit for the first time, then ever less often, `poll_max` apart at
    most. With `idempotency_keys` the provider is known to give a repeated submit of one key the first answer, for
    `idempotency_hours` at least.
    `on_unknown` says what becomes of a submit that nobody can tell the outcome of: it waits for the admin (`hold`),
    ends the task (`fail`), or is sent once more (`submit_again`). A task that waits ends `unknown_days` after its
    submit. With `exclusive` nobody and nothing but this service uses the account, so the one generation that resembles
    such a submit is taken for it. `adopt_for` names the application whose queries for
    unknown ids are passed on to this account. With `callbacks` the provider is given an address to call back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str | None = None
    key_env: str | None = None
    key_file: Path | None = None
    timeout: Positive = 30
    submit_rate: Annotated[float, Field(ge=0)] = 0
    query_rate: Annotated[float, Field(ge=0)] = 0
    poll: Positive = 5
    poll_max: Positive = 30
    idempotency_keys: bool = False
    idempotency_hours: Positive = 23
    on_unknown: Literal["hold", "fail", "submit_again"] = "hold"
    unknown_days: Positive = 7
    exclusive: bool = False
    adopt_for: str | None = None
    callbacks: bool = True

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
            raise ValueError("must be an address such as https://api.example.com/v1")
        return None if value is None else value.rstrip("/")

    _numbers = field_validator("*", mode="before")(classmethod(no_switches))

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.key_env is not None and self.key_file is not None:
            raise ValueError("key_env and key_file both name a key: write one of them")
        return self

    def key(self) -> SecretStr | None:
        """Read the account's key. Raises ValueError where one is named but not there."""
        if self.key_env is not None:
            value = os.environ.get(self.key_env, "").strip()
            if not value:
                raise ValueError(f"the environment variable {self.key_env} that key_env names is empty")
            return SecretStr(value)
        if self.key_file is None:
            return None
        try:
            value = self.key_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the key file {self.key_file} cannot be read: {error}") from error
        if not value:
            raise ValueError(f"the key file {self.key_file} is empty")
        return SecretStr(value)


def account_settings(table: dict[str, Any]) -> tuple[AccountSettings, dict[str, Any]]:
    """Read an account's table and return its unknown keys, for the dialect to check. Raises ValueError."""
    known = {name: value for name, value in table.items() if name in AccountSettings.model_fields}
    rest = {name: value for name, value in table.items() if name not in known}
    try:
        return AccountSettings.model_validate(known), rest
    except ValidationError as error:
        raise ValueError(str(first_error(error.errors()))) from error
