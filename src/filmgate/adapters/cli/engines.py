"""Commands about the engines: how they are, and which of them would make a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import CommandExit, Exit
from filmgate.adapters.cli.follow import complaints
from filmgate.adapters.cli.tables import show

if TYPE_CHECKING:
    from filmgate.client import Candidate, EngineStatus, Route

_HEAD = ("name", "type", "address", "models", "slots", "waiting", "in flight", "unknown", "health")


def engines(url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """List engines with their models, load and health.

    The price of a task in credits is behind the model's name. `unknown` counts requests that the provider did not
    answer. In a terminal this is a table, else one engine per line with tabs between the fields.
    """
    with options.service(url, key) as filmgate:
        found = filmgate.engine_status()
    if as_json:
        output.emit({"engines": found})
    else:
        show(_HEAD, map(_row, found))
    return Exit.DONE


def tell_route(route: Route, *, as_json: bool) -> Exit:
    """Print where a request would go and return the exit code: it is a failure if every engine refuses it."""
    if as_json:
        output.emit(route)
    else:
        show(("engine", "verdict", "credits", "reason"), map(_candidate, route.candidates))
    first = route.candidates[0]
    refused = CommandExit(
        f"the task would fail at {first.engine}: {first.reason}", Exit.FAILED, code="unsupported_by_engine"
    )
    return complaints([refused] if first.verdict == "refuses" else [], as_json=as_json)


def _row(engine: EngineStatus) -> tuple[str, ...]:
    counts = (engine.waiting, engine.in_flight, engine.unknown)
    return (
        engine.name,
        engine.type,
        engine.address or "-",
        ", ".join(f"{name} ({price:g})" if price else name for name, price in engine.models.items()) or "-",
        "-" if engine.slots is None else str(engine.slots),
        *map(str, counts),
        _health(engine),
    )


def _health(engine: EngineStatus) -> str:
    if engine.healthy:
        return "healthy"
    return f"{engine.trouble or 'in trouble'} (tried again in {engine.retry_in:.0f} s)"


def _candidate(candidate: Candidate) -> tuple[str, ...]:
    return candidate.engine, candidate.verdict, f"{candidate.credits:g}", candidate.reason
