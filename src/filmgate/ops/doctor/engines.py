"""Checks of the engines: can they be made, is there a renderer, do the providers answer and take the key."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uuid_utils

from filmgate.app.engines import engines_and_accounts
from filmgate.app.resolvers import Names
from filmgate.core.providers.account import Account
from filmgate.domain.errors import FilmgateError
from filmgate.domain.settings import LOCAL, EngineSettings, Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.media import REINSTALL, unusable
from filmgate.ops.doctor.process import Running
from filmgate.ports.provider import ProviderError

_PROBE = "filmgate.adapters.engines.studio.probe"
_SECONDS = 60
_ANSWER_SECONDS = 20.0


class _Means(msgspec.Struct):
    """What the studio says of its renderer."""

    renderer: str = ""
    gl: str | None = None
    advice: str | None = None
    error: str | None = None


def local(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at the engines of this machine."""
    for name, engine in settings.engine_table().items():
        if engine.type == "studio" and not engine.enabled:
            continue
        if engine.type == "studio":
            yield _studio(name)
        elif engine.type in LOCAL:
            yield ok(f"engine {name}", engine.type)


def providers(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Ask each provider about a task that there is not: that costs nothing, and shows whether it takes the key."""
    for name, engine in settings.engine_table().items():
        if engine.type not in LOCAL:
            yield asyncio.run(_provider(name, engine, settings))


def _studio(name: str) -> Finding:
    """Render one frame in a process of its own, as the workers are, and post-process it."""
    check = f"engine {name}"
    with tempfile.TemporaryDirectory(prefix="filmgate-doctor-") as folder:
        clip = Path(folder) / "studio.mp4"
        means = _probe(clip)
        trouble = unusable(clip) if means.renderer else None
    if trouble is not None:
        found = f"a clip that it made cannot be post-processed: {trouble}"
        return problem(check, found, "Its tasks end with engine_crashed.", REINSTALL)
    if means.renderer == "gl":
        return ok(check, f"OpenGL: {means.gl}")
    if means.renderer:
        return warning(
            check, "there is no OpenGL here; videos are drawn in the reduced way", "They are plainer and take longer.",
            means.advice or "Unset FILMGATE_STUDIO_RENDERER.",
        )  # fmt: skip
    return problem(
        check, means.error or "the renderer does not start", "Its tasks end with engine_crashed.",
        f"{REINSTALL} Or leave the engine out.",
    )  # fmt: skip


def _probe(clip: Path) -> _Means:
    try:
        command = [sys.executable, "-m", _PROBE, str(clip)]
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own
        if done.stdout:
            return msgspec.json.decode(done.stdout, type=_Means)
        why = (os.fsdecode(done.stderr).strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
        why = str(error)
    return _Means(error=f"the renderer makes no clip: {why}")


async def _provider(name: str, engine: EngineSettings, settings: Settings) -> Finding:
    check = f"engine {name}"
    names = Names(settings)
    try:
        _, accounts = engines_and_accounts({name: engine}, names.of_provider)
    except FilmgateError as error:
        return problem(check, error.message, "The service does not start.", f"Correct the table [engines.{name}].")
    account = accounts[name]
    try:
        return await _answer(check, account)
    finally:
        await account.close()
        await names.close()


async def _answer(check: str, account: Account) -> Finding:
    place = account.provider.line.base
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await account.look([str(uuid_utils.uuid7())])
    except TimeoutError:
        trouble = f"no answer within {_ANSWER_SECONDS:.0f} s"
    except ProviderError as error:
        trouble = error.message
    else:
        return ok(check, f"{place} answers and takes the key")
    return problem(
        check, f"{place}: {trouble}", "Its tasks wait, go elsewhere, or expire.",
        "Check the key that key_env or key_file names and the account's balance, then base_url and the network.",
    )  # fmt: skip
