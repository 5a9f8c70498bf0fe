"""Spans of what is done, sent to an OpenTelemetry collector where one is named in the environment.

A task remembers the place of its submit in a trace, so that all that is done for it later, after restarts too, is in
the same trace. No span has a prompt, a key, or more of an address than the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from filmgate import __version__
from filmgate.domain.errors import Unavailable
from filmgate.domain.task import Task
from filmgate.ports.context import traceparent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span

Kind = Literal["server", "internal", "client", "producer"]

_NAMES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def about(task: Task) -> dict[str, str | None]:
    """Return what the spans of a task say of it."""
    return {"filmgate.task_id": task.id, "filmgate.engine": task.engine, "filmgate.dialect": task.dialect}


def tracing_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names a collector, in the way that all OpenTelemetry programs read it."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not disabled and any(environment.get(name) for name in _NAMES)


class Tracing:
    """Makes spans and sends them in the background; it is set up by the `OTEL_…` variables of the environment."""

    def __init__(self) -> None:
        """Load the libraries. Raises Unavailable if they are not installed."""
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise Unavailable(
                f"{' or '.join(_NAMES)} is set, but what sends traces is not installed: "
                "install requirements/tracing.lock, or filmgate[tracing]."
            ) from error
        name = os.environ.get("OTEL_SERVICE_NAME") or "filmgate"
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("filmgate", __version__)
        self._trace, self._propagator = trace, TraceContextTextMapPropagator()

    async def close(self) -> None:
        """Send the remaining spans."""
        await asyncio.to_thread(self._provider.shutdown)

    @contextlib.contextmanager
    def span(
        self, name: str, attributes: Mapping[str, str | None], *, kind: Kind = "internal", parent: str | None = None
    ) -> Iterator[Span]:
        """Create a span around the block, below `parent` or the current span.

        A `parent` that names no place in a trace begins a new one. Only the type of an error is recorded.
        """
        above = traceparent.get() if parent is None else parent
        context = self._propagator.extract({} if above is None else {"traceparent": above})
        known = {key: value for key, value in attributes.items() if value is not None}
        span = self._tracer.start_span(name, context, self._trace.SpanKind[kind.upper()], known)
        token = traceparent.set(self._place(span))
        try:
            yield span  # type: ignore[misc] # the SDK's tracer gives its own spans
        except asyncio.CancelledError:
            span.set_attribute("error.type", "cancelled")
            raise
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(self._trace.StatusCode.ERROR)
            raise
        finally:
            traceparent.reset(token)
            span.end()

    def _place(self, span: object) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, self._trace.set_span_in_context(span))  # type: ignore[arg-type]
        return carrier.get("traceparent")
