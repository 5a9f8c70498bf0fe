"""The requirements of Filmgate: the Pythons it is tested with, and the libraries that are loaded late."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from filmgate.domain.errors import Unavailable
from filmgate.domain.settings import DEFAULT_ENGINE, EngineSettings, Settings

TESTED_PYTHONS = ((3, 11), (3, 13))
"""Those whose tests run before anything lands; the classifiers of the package name the same."""

_EXTRAS = {
    "server": ("PIL",),
    "providers": ("av", "PIL"),
    "studio": ("av", "PIL", "cv2", "moderngl", "numpy"),
}
"""The extras of the package, each with the libraries of it that are loaded late."""

_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python-headless"}


def warn_untested_python() -> str | None:
    """Return a sentence about this Python if Filmgate is not tested with it, else None."""
    if sys.version_info[:2] in TESTED_PYTHONS:
        return None
    tested = " and ".join(".".join(map(str, version)) for version in TESTED_PYTHONS)
    return f"Filmgate is tested with Python {tested}, and this is Python {sys.version.split()[0]}."


def leave_out_studio(settings: Settings) -> Settings:
    """Return the settings without the studio where it is not installed, nothing asks for it, and another engine is."""
    configured = settings.engines
    asked_for = DEFAULT_ENGINE in configured or settings.default_engine == DEFAULT_ENGINE
    others = any(engine.enabled for engine in configured.values())
    if asked_for or not others or not _lacking(DEFAULT_ENGINE):
        return settings
    off = EngineSettings(type=DEFAULT_ENGINE, enabled=False)
    return settings.model_copy(update={"engines": {**configured, DEFAULT_ENGINE: off}})


def check_libraries(table: Mapping[str, EngineSettings]) -> None:
    """Raise Unavailable if a library is missing that an enabled engine of these needs.

    They are looked for, not loaded: the processes that use them do that, and the service stays small.
    """
    types = {engine.type for engine in table.values() if engine.enabled}
    for kind in sorted(types, key=lambda kind: kind != DEFAULT_ENGINE):  # what it needs includes what others need
        extra, lacking = extra_of(kind), _lacking(kind)
        if lacking:
            other = ' Or configure another engine, and no engine "studio".' if kind == DEFAULT_ENGINE else ""
            raise Unavailable(
                f"An engine of the type {kind} needs what is not installed for {sys.executable}: {', '.join(lacking)}. "
                f"Install it there with `pip install 'filmgate[{extra}]'`, or in a checkout with `make install`.{other}"
            )


def extra_of(kind: str) -> str:
    """Return the extra of the package that a type of engine needs."""
    return {"studio": "studio", "scripted": "server"}.get(kind, "providers")


def _lacking(kind: str) -> list[str]:
    """Return the packages that a type of engine needs and that are not installed."""
    return [_PACKAGES.get(module, module) for module in _EXTRAS[extra_of(kind)] if not is_installed(module)]


def is_installed(module: str) -> bool:
    """Return whether a library can be found, without loading it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
