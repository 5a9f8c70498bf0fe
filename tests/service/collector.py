"""A collector of spans, and services that send theirs to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.listening import listening
from tests.support.service import RunningService


class Seen(NamedTuple):
    """A span as the collector has it."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool


class SpanCollector:
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
        """Return the spans of a trace by name; of those of one name the last."""
        return {span.name: span for span in list(self.spans) if span.trace == trace}


def seen(span: Any) -> Seen:
    """Take a span apart."""
    attributes = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    return Seen(span.name, *ids, attributes, failed=span.status.code == 2)


@contextmanager
def collecting() -> Iterator[SpanCollector]:
    """Run a collector for a while."""
    collector = SpanCollector()
    with listening(collector.server):
        yield collector


@contextmanager
def traced(data: Path, collector: SpanCollector, **options: str) -> Iterator[RunningService]:
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
