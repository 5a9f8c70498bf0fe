"""Logs: one line per event, readable on a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import sys

from filmgate.ports.context import task_of, trace_of


def configure(level: str) -> None:
    """Send the log to standard error, from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_context)
    handler.setFormatter(_readable() if sys.stderr.isatty() else _json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # The HTTP libraries log whole addresses at INFO, secrets in their query strings included.
    for name in ("httpx2", "httpcore2", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_context(record: logging.LogRecord) -> bool:
    """Add the ids of the request and the task to a log record, where they are known."""
    for name, value in (("trace_id", trace_of.get()), ("task_id", task_of.get())):
        if value is not None:
            setattr(record, name, value)
    return True


def _readable() -> logging.Formatter:
    return logging.Formatter("{asctime} {levelname:<7} {message}  [{name}]", "%H:%M:%S", style="{")


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        rename_fields={"levelname": "level", "name": "logger", "message": "event"},
        timestamp=True,
    )
