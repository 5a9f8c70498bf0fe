"""A service, its provider and a name server on a machine of their own: `python -m tests.service.silent_names CASE`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.http.machine import configure, play_here
from tests.support.nameserver import SILENT, Answer, NameServer, name_server
from tests.support.provider import account
from tests.support.service import RunningService

from .conftest import client, new_key, submit
from .receiver import Receiver, receiver

HANGING = [f"h{n}.hang.test" for n in range(100)]
NAMES: dict[str, Answer] = {
    **dict.fromkeys(HANGING, SILENT), "good.test": ["127.0.0.1"], "provider.test": ["127.0.0.1"],
}  # fmt: skip


async def shares() -> None:
    """While the names of one tenant hang, another's webhook and the provider are reached by the first look-up."""
    async with name_server(NAMES) as server:
        configure(server)
        await asyncio.to_thread(_run, server, asyncio.get_running_loop())


def _run(server: NameServer, loop: asyncio.AbstractEventLoop) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = _started(stack, RunningService(folder / "provider", allowed_hosts="provider.test"))
        far = account(provider, models=["far"])
        far["base_url"] = far["base_url"].replace("127.0.0.1", "provider.test")
        engines = {"near": {"type": "scripted", "models": ["near"], "slots": 64}, "far": far}
        front = _started(stack, RunningService(folder / "front", engines=json.dumps(engines), max_lookups="2"))
        one, other = (stack.enter_context(client(front, new_key(front, owner))) for owner in ("one", "other"))
        hook = stack.enter_context(receiver())
        for host in HANGING:
            submit(one, "[fail]", model="near", callback_url=f"http://{host}/hook")
        asyncio.run_coroutine_threadsafe(server.heard(3), loop).result(60)  # the provider's name, and a share
        for model in ("far", "near", "far"):
            _is_told(other, hook, model)
        asked = {name for name in server.asked if name in HANGING}
        assert asked < set(HANGING), "all names that hang were asked for before"
        pending = one.get("/api/v1/webhooks", params={"status": "pending"}).json()
        assert pending["total"] == len(HANGING), "none of the callbacks to them is given up"
        with client(front) as admin:
            outcomes = _outcomes(admin)
        assert outcomes["tenants", "found"] == 3, "one for each callback"
        assert outcomes["providers", "found"] >= 2
        assert outcomes["providers", "failed"] == outcomes["providers", "refused"] == 0


def _started(stack: ExitStack, service: RunningService) -> RunningService:
    service.start()
    stack.callback(service.stop)
    return service


def _is_told(http: httpx2.Client, hook: Receiver, model: str) -> None:
    """Let a task end and its callback arrive, with the first delivery and without a failed request."""
    task = submit(http, "[fail]", model=model, callback_url=f"http://good.test:{hook.port}/hook")
    assert json.loads(hook.posts.get(timeout=60).body)["id"] == task
    told = http.get(f"/api/v1/webhooks/{task}").json()
    assert [each["trouble"] for each in told["deliveries"]] in ([], [None]), "its name was looked up at once"


def _outcomes(admin: httpx2.Client) -> dict[tuple[str, str], float]:
    """Count the look-ups by whose they are and what came of them."""
    text = admin.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        (sample.labels["names"], sample.labels["outcome"]): sample.value
        for sample in samples
        if sample.name == "filmgate_name_lookups_total"
    }


if __name__ == "__main__":
    play_here([shares], sys.argv[1])
