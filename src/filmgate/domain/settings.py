"""Every option of the service. Each is also an environment variable FILMGATE_… and a line in `filmgate.toml`."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from filmgate.domain.environment import CONFIG, PREFIX, is_service_link
from filmgate.domain.generation import Operation
from filmgate.domain.hosts import parse_base_address, parse_rule
from filmgate.domain.limits import Limits
from filmgate.domain.periods import Period
from filmgate.domain.suggestions import meant, nearest
from filmgate.domain.work import SHARED_QUEUES

MIB = 1024 * 1024

_ENGINE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_LONGEST_NAME = 200
DEFAULT_ENGINE = "studio"
"""The engine that is always there, and makes what no other engine claims where it is the default."""

EVERY_MODEL = "*"
"""Names every model that nobody else names."""

LOCAL = frozenset({"studio", "scripted"})
"""Types of engines that make videos in this process."""

TYPES = ("studio", "scripted", "dream_machine", "agents", "acedata", "gateway", "openai_videos")
"""All types of engines; those that are not local are providers."""


class UnusableConfiguration(Exception):
    """The configuration file or a variable cannot be read; the sentence says which, and what is wrong."""


def _words(value: object) -> object:
    """Read a list from the forms that environment variables have: with commas between the words, or as JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [word.strip() for word in value.split(",") if word.strip()]


def no_switches(cls: type[BaseModel], value: object, info: ValidationInfo) -> object:
    """Refuse true and false where a number is wanted: they would be read as 1, and as 0, which lifts a limit."""
    if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation is not bool:
        raise ValueError("must not be true or false")
    return value


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

    name: str | None = Field(default=None, min_length=1)
    credits: Amount | None = None

    _numbers = field_validator("*", mode="before")(classmethod(no_switches))


def _by_name(value: object) -> object:
    """Read models from a list of names, where nothing is to be said of each."""
    if isinstance(value, str):
        raise ValueError(f'must be a list, such as ["{value}"], or a table')  # noqa: TRY004 - pydantic shows this one
    if isinstance(value, list | tuple):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("must be a list of texts")
        return {name: {} for name in value}
    return value


def _check_names(models: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
    for name in models:
        if not name or name != name.strip() or len(name) > _LONGEST_NAME:
            raise ValueError(f'"{name[:50]}" cannot name a model: 1 to {_LONGEST_NAME} letters without space around')
    return models


class EngineSettings(BaseModel):
    """One `[engines.NAME]` table: which type of engine it is and which models it makes ("*" for every model).

    `slots` is how many tasks it works on at once (None: the type's own default), `deadline` the seconds a task may
    take from its first start, `queue_limit` the seconds it may wait in line. Of several engines for one model those
    of the lowest `priority` come first, and among them each as often as its `weight` says. `operations` are those it
    is used for (empty: all). One that is not `enabled` finishes what it has and takes nothing new. What else stands
    in the table is the engine type's own and is checked by it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    enabled: bool = True
    models: Annotated[dict[str, ModelSettings], BeforeValidator(_by_name), AfterValidator(_check_names)] = {}
    operations: tuple[Operation, ...] = ()
    priority: int = 0
    weight: float = Field(default=1, gt=0)
    slots: int | None = Field(default=None, ge=1)
    deadline: Seconds = 1800
    queue_limit: Seconds = 86_400

    _numbers = field_validator("*", mode="before")(classmethod(no_switches))

    @field_validator("type")
    @classmethod
    def _require_known(cls, name: str) -> str:
        if name not in TYPES:
            raise ValueError(f'"{name}" is not one of {", ".join(TYPES)}; the nearest is "{nearest(name, TYPES)}"')
        return name

    @property
    def options(self) -> dict[str, Any]:
        """What stands in the table for the engine's own type."""
        return dict(self.model_extra or {})


class Settings(BaseSettings):
    """The options of one service. Sizes are bytes, times seconds, rates per minute; a limit of 0 is switched off."""

    model_config = SettingsConfigDict(env_prefix="FILMGATE_", frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8484, ge=0, le=65_535)
    data: Path = Path("filmgate-data")
    database: str | None = None
    workers: int = Field(default=1, ge=1, le=64)
    grace: Seconds = 10
    group_access: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    admin_key: SecretStr | None = None
    metrics: Literal["protected", "open"] = "protected"
    metrics_token: SecretStr | None = None
    public_url: Annotated[str | None, AfterValidator(_base_address)] = None
    allowed_hosts: Annotated[Words, AfterValidator(_hosts)] = ()
    trusted_proxies: Words = ()
    allow_networks: Words = ()
    resolver: Literal["dns", "system"] = "dns"
    max_lookups: int = Field(default=16, ge=1, le=1_000)

    max_body: Limit = 32 * MIB
    max_small_body: Limit = MIB
    max_body_memory: Limit = 96 * MIB
    max_connections_per_address: Limit = 1_024
    head_seconds: Seconds = 20
    body_seconds: Seconds = 30
    body_rate: Limit = 16 * 1024
    read_seconds: Seconds = 60
    max_image: Limit = 20 * MIB
    max_video: Limit = 512 * MIB
    max_video_megapixels: Limit = 8_000
    max_fetches: int = Field(default=4, ge=1, le=1_000)
    fetch_seconds: Seconds = 300
    max_batch: Limit = 100
    max_unfinished: Limit = 1_000
    max_streams: Limit = 100
    submit_rate: Limit = 300
    query_rate: Limit = 3_000
    media_rate: Limit = 6_000
    answer_cache: Limit = 64 * MIB

    keep_idempotency_hours: int = Field(default=24, ge=24, le=720)
    keep_task_days: Amount = 0
    keep_media_days: Amount = 0
    keep_media_bytes: Limit = 0
    credits: Amount = 0
    credits_per: Period = Period.MONTH
    collect_every: float = Field(default=60, gt=0, le=86_400)

    default_engine: Literal["studio", "none"] | None = None
    default_model: str | None = Field(default=None, min_length=1, max_length=_LONGEST_NAME)
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
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, _Environment(settings_cls), InitSettingsSource(settings_cls, _file())

    _numbers = field_validator("*", mode="before")(classmethod(no_switches))

    @field_validator("engines", mode="before")
    @classmethod
    def _types(cls, engines: object) -> object:
        """An engine that is called as a type is, is one of that type."""
        if not isinstance(engines, dict):
            return engines
        return {
            name: {"type": name, **table} if isinstance(table, dict) and name in TYPES else table
            for name, table in engines.items()
        }

    @field_validator("engines")
    @classmethod
    def _names(cls, engines: dict[str, EngineSettings]) -> dict[str, EngineSettings]:
        for name, engine in engines.items():
            if not _ENGINE_NAME.fullmatch(name) or name in SHARED_QUEUES:
                raise ValueError(
                    f'"{name}" cannot name an engine: use letters, digits, - and _, but not {SHARED_QUEUES}'
                )
            if name == DEFAULT_ENGINE and engine.type != DEFAULT_ENGINE:
                raise ValueError(f'"{name}" is the name of the studio: give the engine of type {engine.type} another')
        return engines

    @model_validator(mode="after")
    def _default(self) -> Self:
        """Refuse a default that there is not."""
        enabled = {name: engine for name, engine in self.engine_table().items() if engine.enabled}
        if self.default_engine == DEFAULT_ENGINE and DEFAULT_ENGINE not in enabled:
            raise ValueError('default_engine: the studio is not enabled; write "none", or leave it out')
        named = {model for engine in enabled.values() for model in engine.models}
        if self.default_model is None or self.default_model in named or EVERY_MODEL in named or self.fallback:
            return self
        near = meant(self.default_model, named)
        question = "" if near is None else f'; did you mean "{near}"?'
        raise ValueError(f'default_model: no engine makes "{self.default_model}"{question}')

    def limits(self) -> Limits:
        """The rules for applications that have none of their own."""
        return Limits(self.keep_task_days, self.keep_media_days, self.keep_media_bytes, self.credits, self.credits_per)

    @property
    def fallback(self) -> str | None:
        """The engine that makes a model which no engine names: the studio, as long as there is no provider."""
        if self.default_engine is not None:
            return DEFAULT_ENGINE if self.default_engine == "studio" else None
        table = self.engine_table()
        return (
            DEFAULT_ENGINE
            if table[DEFAULT_ENGINE].enabled and {each.type for each in table.values()} <= LOCAL
            else None
        )

    def engine_table(self) -> dict[str, EngineSettings]:
        """All engines by name: the configured ones, and the studio, with one slot per worker unless configured too."""
        return {DEFAULT_ENGINE: EngineSettings(type="studio", slots=self.workers), **self.engines}


class _Environment(EnvSettingsSource):
    """The variables, without what Kubernetes sets for a service called "filmgate"; errors name the variable."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Leave out unknown options."""
        value, key, is_complex = super().get_field_value(field, field_name)
        link = value is not None and is_service_link(PREFIX + field_name.upper(), value)
        return None if link else value, key, is_complex

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        """Read a value, which may be JSON. Raises UnusableConfiguration."""
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError as error:
            raise UnusableConfiguration(f"{PREFIX}{field_name.upper()}: must be JSON, but is not: {error}") from error


def config_file() -> Path:
    """Return where the configuration file is, or would be."""
    return Path(os.environ.get(CONFIG) or "filmgate.toml").expanduser()


def _file() -> dict[str, Any]:
    """Read the configuration file; without one there is nothing in it. Raises UnusableConfiguration."""
    path, text = config_file(), ""
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text)
    except FileNotFoundError as error:
        if os.environ.get(CONFIG):
            raise UnusableConfiguration(f"{CONFIG}: there is no file {path}") from error
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = str(error).replace("at end of document", f"at the end, line {text.count(chr(10)) + 1}")
        raise UnusableConfiguration(f"{path}: is not valid TOML: {what}") from error
    except OSError as error:
        raise UnusableConfiguration(f"{path}: cannot be read: {error.strerror}") from error
