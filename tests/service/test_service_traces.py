"""Traces: what a collector is told of a task's life, from the request that submits it to its webhook."""

from __future__ import annotations

import uuid
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import until
from tests.support.provider import account

from .collector import Seen, collecting, traced
from .conftest import client, ended, engines, submit
from .receiver import receiver


@pytest.mark.timeout(180)
def test_one_trace_has_a_task_s_life(tmp_path: Path):
    """Below the span of the caller are request, commit, stages and webhook, also after a restart."""
    trace, caller = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    with collecting() as collector, receiver() as told, traced(tmp_path / "data", collector) as service:
        header = {"traceparent": f"00-{trace}-{caller}-01"}
        body = {"prompt": "a walrus [delay=2]", "duration": 1, "callback_url": f"{told.url}/hook?token=damson"}
        with client(service) as http:
            task_id = http.post("/api/v1/tasks", json=body, headers=header).json()["id"]
        service.stop()
        service.start()
        with client(service) as http:
            task = ended(http, task_id)
        post = told.posts.get(timeout=30)
        spans = until(lambda: collector.of(trace), lambda found: "webhook" in found and "POST" in found)
    request = spans["POST /api/v1/tasks"]
    assert request.parent == caller
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["filmgate.dialect"] == "native"
    assert request.attributes["filmgate.trace_id"] == task["trace_id"]
    assert spans["commit"].parent == request.id
    for name in ("submit", "follow", "ingest", "webhook"):
        assert spans[name].parent == request.id, name
        assert spans[name].attributes["filmgate.task_id"] == task_id
        assert spans[name].attributes["filmgate.engine"] == "scripted"
    assert spans["POST"].parent == spans["webhook"].id
    assert spans["POST"].attributes["server.address"] == "127.0.0.1"
    assert post.headers["traceparent"].startswith(f"00-{trace}-{spans['webhook'].id}-")
    sent = b"".join(collector.bodies)
    for hidden in (b"walrus", b"damson", b"/hook", service.key.encode()):
        assert hidden not in sent


def test_queries_and_failures_are_spans_too(tmp_path: Path):
    """A query has its route and its task; a stage that fails says by what; without a caller each has its own trace."""
    with collecting() as collector, traced(tmp_path / "data", collector) as service, client(service) as http:
        task_id = submit(http, "[fail]")
        ended(http, task_id)
        httpx2.get(f"{service.url}/media/a-capability/video.mp4")
        query = "GET /api/v1/tasks/{id}"
        names = until(
            lambda: {span.name: span for span in list(collector.spans)},
            lambda found: {query, "follow", "GET /media/{token}/{name}"} <= found.keys(),
        )
    assert names[query].attributes["filmgate.task_id"] == task_id
    assert names[query].trace != names["follow"].trace
    assert names["follow"].failed
    assert names["follow"].attributes["error.type"] == "EngineFailed"
    assert b"a-capability" not in b"".join(collector.bodies)


@pytest.mark.timeout(180)
def test_requests_to_providers_are_in_the_trace(tmp_path: Path):
    """The submit to a provider and the download of its file are below the stages that need them."""
    with collecting() as collector, traced(tmp_path / "far", collector) as provider:
        table = engines(far=account(provider, models=["*"]))
        with traced(tmp_path / "data", collector, engines=table) as service, client(service) as http:
            assert ended(http, submit(http, "waves"))["state"] == "completed"
            stage = until(lambda: next((span for span in list(collector.spans) if is_far(span, "ingest")), None), bool)
            assert stage is not None
            spans = until(lambda: collector.of(stage.trace), lambda found: "GET" in found and "POST far" in found)
    assert spans["POST far"].parent == spans["submit"].id
    assert spans["POST far"].attributes["http.response.status_code"] == 201
    assert spans["GET"].parent == spans["ingest"].id


def is_far(span: Seen, name: str) -> bool:
    """Return whether a span is that of a stage at the provider."""
    return span.name == name and span.attributes.get("filmgate.engine") == "far"
