"""A service in front of another one: a Filmgate is a provider in each of its dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.service import RunningService


def account(provider: RunningService, **more: Any) -> dict[str, Any]:
    """Return the table of an engine that calls a service in Dream Machine's dialect, often, and has it alone."""
    return {
        "type": "dream_machine",
        "base_url": f"{provider.url}/dream-machine/v1",
        "key_file": str(provider.data / "first-key"),
        "exclusive": True,
        "poll": 0.2,
        "poll_max": 0.5,
        **more,
    }


@contextmanager
def in_front(folder: Path, engines: dict[str, Any]) -> Iterator[RunningService]:
    """Run a service with these engines."""
    front = RunningService(folder / "front", engines=json.dumps(engines)).start()
    try:
        yield front
    finally:
        assert front.stop() == 0, front.log.read_text()[-4000:]
    assert "Traceback" not in front.log.read_text(), front.log.read_text()[-8000:]
