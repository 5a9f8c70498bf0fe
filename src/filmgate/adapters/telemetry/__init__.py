"""What the service says about itself to those who run it: metrics, and spans of traces where they are wanted."""

from filmgate.adapters.telemetry.metrics import Metrics
from filmgate.adapters.telemetry.tracing import Tracing, tracing_wanted

__all__ = ["Metrics", "Tracing", "tracing_wanted"]
