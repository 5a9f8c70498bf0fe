"""Every option of the service. Each is also an environment variable FILMGATE_… and a line in `filmgate.toml`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import TomlConfigSettingsSource as TomlSource

from filmgate.domain.generation import Operation
from filmgate.domain.hosts import parse_base_address, parse_rule
from filmgate.domain.limits import Limits
from filmgate.domain.periods import Period

MIB = 1024 * 1024

_ENGINE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_QUEUES = ("callback", "expire", "purge")
"""Names of queues of the service's own, beside those of the engines."""

DEFAULT_ENGINE = "studio"
"""The engine that makes what no other engine claims."""


def _words(value: object) -> object:
    """Read a list from the comma-separated form that environment variables have."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _base_address(value: str | None) -> str | None:
    if value is None or value == "":
        return None
    return parse_base_address(value)


def _hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    for entry in value:
        parse_rule(entry)
    return value


Words = Annotated[tuple[str, ...], NoDecode]
Limit = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ModelSettings(BaseModel):
    """A model of an engine: what it is called there (None: the same), and the price of one task in credits.

    Without a price a task costs a credit per second of video, or one for a picture.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    credits: Amount | None = None


def _by_name(value: object) -> object:
    """Read models from a list of names, where nothing is to be said of each."""
    return {str(name): {} for name in value} if isinstance(value, list | tuple) else value


class EngineSettings(BaseModel):
    """One `[engines.NAME]` table: which type of engine it is and which models it makes ("*" for every model).

    `slots` is how many tasks it works on at once (None: the type's own default), `deadline` the seconds a task may
    take from its first start, `queue_limit` the seconds it may wait in line. Of several engines for one model those
    of the lowest `priority` come first, and among them each as often as its `weight` says. `operations` are those it
    is used for (empty: all). What else stands in the table is the engine type's own and is checked by it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    models: Annotated[dict[str, ModelSettings], BeforeValidator(_by_name)] = {}
    operations: tuple[Operation, ...] = ()
    priority: int = 0
    weight: float = Field(default=1, gt=0)
    slots: int | None = Field(default=None, ge=1)
    deadline: Seconds = 1800
    queue_limit: Seconds = 86_400

    @property
    def options(self) -> dict[str, Any]:
        """What stands in the table for the engine's own type."""
        return dict(self.model_extra or {})


class Settings(BaseSettings):
    """The options of one service. Sizes are bytes, times seconds, rates per minute; a limit of 0 is switched off."""

    model_config = SettingsConfigDict(env_prefix="FILMGATE_", frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8484, ge=0, le=65_535)
    data: Path = Path("filmgate-data")
    database: str | None = None
    workers: int = Field(default=1, ge=1, le=64)
    grace: Seconds = 10
    group_access: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    api_key: SecretStr | None = None
    public_url: Annotated[str | None, AfterValidator(_base_address)] = None
    allowed_hosts: Annotated[Words, AfterValidator(_hosts)] = ()
    trusted_proxies: Words = ()
    allow_networks: Words = ()

    max_body: Limit = 32 * MIB
    head_seconds: Seconds = 20
    body_seconds: Seconds = 30
    body_rate: Limit = 16 * 1024
    read_seconds: Seconds = 60
    max_image: Limit = 20 * MIB
    max_video: Limit = 512 * MIB
    max_batch: Limit = 100
    max_unfinished: Limit = 1_000
    max_streams: Limit = 100
    submit_rate: Limit = 300
    query_rate: Limit = 3_000
    media_rate: Limit = 6_000
    answer_cache: Limit = 64 * MIB

    keep_task_days: Amount = 0
    keep_media_days: Amount = 0
    keep_media_bytes: Limit = 0
    credits: Amount = 0
    credits_per: Period = Period.MONTH
    collect_every: float = Field(default=60, gt=0, le=86_400)

    gateway_batch: Literal["array", "envelope"] = "array"
    engines: dict[str, EngineSettings] = {}

    @field_validator("allowed_hosts", "trusted_proxies", "allow_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _words(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, the environment over the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlSource(settings_cls, cls._config_file())

    @staticmethod
    def _config_file() -> Path:
        return Path(os.environ.get("FILMGATE_CONFIG") or "filmgate.toml")

    @field_validator("engines")
    @classmethod
    def _names(cls, engines: dict[str, EngineSettings]) -> dict[str, EngineSettings]:
        for name in engines:
            if not _ENGINE_NAME.fullmatch(name) or name in _QUEUES:
                raise ValueError(f'"{name}" cannot name an engine: use letters, digits, - and _, but not {_QUEUES}')
        return engines

    def limits(self) -> Limits:
        """The rules for applications that have none of their own."""
        return Limits(self.keep_task_days, self.keep_media_days, self.keep_media_bytes, self.credits, self.credits_per)

    def engine_table(self) -> dict[str, EngineSettings]:
        """All engines by name: the configured ones, and the studio, with one slot per worker unless configured too."""
        return {DEFAULT_ENGINE: EngineSettings(type="studio", slots=self.workers), **self.engines}
