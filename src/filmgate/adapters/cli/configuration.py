"""The settings that the flags, the environment and `filmgate.toml` amount to."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from filmgate.adapters.cli.errors import CommandExit, Exit

if TYPE_CHECKING:
    from pydantic import ValidationError

    from filmgate.domain.settings import Settings


def settings(*, warn: bool = False, **flags: Any) -> Settings:
    """Read the settings; flags that are None are not given. Raises Stop that names every wrong one.

    With `warn`, variables that nobody reads are named on stderr.
    """
    from pydantic import ValidationError

    from filmgate.domain.environment import strangers
    from filmgate.domain.settings import Settings, UnusableConfiguration

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        chosen = Settings(**given)
    except ValidationError as error:
        raise _stop(_reasons(error, given)) from error
    except UnusableConfiguration as error:
        raise _stop(str(error)) from error
    keys = [str(engine.options["key_env"]) for engine in chosen.engines.values() if engine.options.get("key_env")]
    try:
        for sentence in strangers(os.environ, Settings.model_fields, keys):
            if warn:
                print(f"filmgate: warning: {sentence}", file=sys.stderr)
    except ValueError as error:
        raise _stop(str(error)) from error
    return chosen


def _stop(message: str) -> CommandExit:
    return CommandExit(message, Exit.USAGE, code="invalid_settings", hint="See `filmgate serve --help`.")


def _reasons(error: ValidationError, flags: Mapping[str, Any]) -> str:
    """Name the wrong settings, and where each stands, without their values, which may be secret."""
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    reasons = (_reason(one["type"], tuple(map(str, one["loc"])), one["msg"], flags) for one in errors)
    return "the settings cannot be used: " + "; ".join(reasons)


def _reason(kind: str, place: tuple[str, ...], message: str, flags: Mapping[str, Any]) -> str:
    from filmgate.domain.settings import TYPES, ModelSettings, Settings
    from filmgate.domain.suggestions import nearest
    from filmgate.domain.validation import plain_reason

    if not place:
        return plain_reason(message)
    if kind == "extra_forbidden":
        known = Settings.model_fields if len(place) == 1 else ModelSettings.model_fields
        return f'{_source(place, flags)}: there is no such key; the nearest is "{nearest(place[-1], known)}"'
    if kind == "missing":
        message = f"is missing: write one of {', '.join(TYPES)}" if place[-1] == "type" else "is missing"
    return f"{_source(place, flags)}: {plain_reason(message)}"


def _source(place: tuple[str, ...], flags: Mapping[str, Any]) -> str:
    """Write where a setting was read: the flag, the variable, or the key of the file, with its value."""
    from filmgate.domain.environment import PREFIX, is_service_link
    from filmgate.domain.settings import config_file

    name, key = place[0], ".".join(place)
    if name in flags:
        return f"--{name} ({key})"
    variable = PREFIX + name.upper()
    value = next((value for given, value in os.environ.items() if given.upper() == variable), "")
    if value and not is_service_link(variable, value):
        return f"{variable} ({key})"
    return f"{key} in {config_file()}"
