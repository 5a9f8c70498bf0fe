"""The settings that the flags, the environment and `filmgate.toml` amount to."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from filmgate.adapters.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from pydantic import ValidationError

    from filmgate.domain.settings import Settings


def settings(**flags: Any) -> Settings:
    """Read the settings; flags that are None are not given. Raises Stop that names every wrong one."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from filmgate.domain.settings import Settings

    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise _stop(_reasons(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise _stop(f"the configuration file is not valid TOML: {error}") from error
    except (SettingsError, OSError, UnicodeDecodeError) as error:
        raise _stop(str(error)) from error


def _stop(message: str) -> Stop:
    return Stop(message, Exit.USAGE, code="invalid_settings", hint="See `filmgate serve --help`.")


def _reasons(error: ValidationError) -> str:
    """Name the wrong settings without their values, which may be secret."""
    reasons = (
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return "the settings cannot be used: " + "; ".join(reasons)
