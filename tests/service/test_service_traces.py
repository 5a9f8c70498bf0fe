"""Traces: what a collector is told of a task's life, from the request that submits it to its callback."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.processes import until
from tests.support.provider import account
from tests.support.service import RunningService

from .conftest import client, ended, engines, submit
from .receiver import receiver


class Seen(NamedTuple):
    """A span as the collector has it."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool


class Collector:
    """Takes spans over OTLP and HTTP."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.bodies: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def take(self, body: bytes) -> None:
        """Read what was sent."""
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [seen(span) for span in scope.spans]

    def of(self, trace: str) -> dict[str, Seen]:
        """Give the spans of a trace by name; of those of one name the last."""
        return {span.name: span for span in list(self.spans) if span.trace == trace}


def seen(span: Any) -> Seen:
    """Take a span apart."""
    attributes = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    return Seen(span.name, *ids, attributes, failed=span.status.code == 2)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector for a while."""
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join(10)


@contextmanager
def traced(data: Path, collector: Collector, **options: str) -> Iterator[RunningService]:
    """Run a service that sends its spans to a collector."""
    running = RunningService(data, **options)
    port = collector.server.server_address[1]
    running.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "200"}
    running.start()
    try:
        yield running
    finally:
        assert running.stop() == 0, running.log.read_text()[-4000:]
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


@pytest.mark.timeout(180)
def test_one_trace_has_a_task_s_life(tmp_path: Path):
    """Below the span of the caller are request, commit, stages and callback, also after a restart."""
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
        spans = until(lambda: collector.of(trace), lambda found: "callback" in found and "POST" in found)
    request = spans["POST /api/v1/tasks"]
    assert request.parent == caller
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["filmgate.dialect"] == "native"
    assert request.attributes["filmgate.trace_id"] == task["trace_id"]
    assert spans["commit"].parent == request.id
    for name in ("submit", "follow", "ingest", "callback"):
        assert spans[name].parent == request.id, name
        assert spans[name].attributes["filmgate.task_id"] == task_id
        assert spans[name].attributes["filmgate.engine"] == "scripted"
    assert spans["POST"].parent == spans["callback"].id
    assert spans["POST"].attributes["server.address"] == "127.0.0.1"
    assert post.headers["traceparent"].startswith(f"00-{trace}-{spans['callback'].id}-")
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
    """Say whether a span is that of a stage at the provider."""
    return span.name == name and span.attributes.get("filmgate.engine") == "far"
