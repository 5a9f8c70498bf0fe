"""Logs: one line per event, readable on a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import sys


def configure(level: str) -> None:
    """Send the log to standard error, from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_readable() if sys.stderr.isatty() else _json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # The HTTP libraries log whole addresses at INFO, secrets in their query strings included.
    for name in ("httpx2", "httpcore2", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


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
