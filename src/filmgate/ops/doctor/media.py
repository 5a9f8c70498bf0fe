"""Checks of the way a file takes: can the process that opens files decode a clip."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filmgate.adapters.engines.scripted.clip import clip
from filmgate.app.requirements import check_libraries, is_installed
from filmgate.domain.errors import FilmgateError
from filmgate.domain.settings import Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running

REINSTALL = "Install Filmgate anew with the versions it was tested with: `make install`, or requirements/service.lock."

_SIDES = (320, 180)


def libraries(settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look for the libraries without which the service does not start."""
    try:
        check_libraries(settings.engine_table())
    except FilmgateError as error:
        yield problem("libraries", error.message, "The service does not start.", "Install what is named.")


def clips(_settings: Settings, _now: Running) -> Iterator[Finding]:
    """Write a clip of one frame, and take it the way of a provider's file: accepted, then post-processed."""
    check = "clips"
    if not is_installed("av"):
        found = "videos cannot be read: av is not installed"
        yield warning(check, found, "Requests that bring a video are refused.", "`pip install 'filmgate[providers]'`.")
        return
    with tempfile.TemporaryDirectory(prefix="filmgate-doctor-") as name:
        source = Path(name) / "source.mp4"
        source.write_bytes(clip(*_SIDES, 1))
        trouble = unusable(source)
    if trouble is None:
        yield ok(check, "a clip of one frame was accepted and post-processed")
    else:
        found = f"a sound clip of one frame cannot be post-processed: {trouble}"
        yield problem(check, found, "Every task ends with engine_crashed.", REINSTALL)


def unusable(clip: Path) -> str | None:
    """Return why a clip that is sound cannot be taken over and post-processed, None if it can. It is left as it is."""
    # What the decoder says goes into the finding.
    logging.getLogger("filmgate").addHandler(logging.NullHandler())
    try:
        asyncio.run(_process(clip))
    except (FilmgateError, OSError) as error:
        return " ".join([str(error), *getattr(error, "__notes__", ())])
    return None


async def _process(clip: Path) -> None:
    from filmgate.adapters.decode import SandboxedTools

    tools = SandboxedTools()
    try:
        with tempfile.TemporaryDirectory(dir=clip.parent) as name:
            accepted = Path(name) / "accepted.mp4"
            facts = await tools.accept_video(clip, accepted)
            stills = await tools.develop(accepted, Path(name))
            if facts.frames != 1 or stills.clip != facts:
                raise FilmgateError(f"one frame went in, and this came out: {facts}, {stills.clip}.")
    finally:
        await tools.close()
