"""The studio's child process: takes orders from the service and makes clips. Started by `StudioEngine`."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from filmgate.adapters.engines.studio.job.order import RenderOrder
from filmgate.adapters.engines.worker import Handler, serve
from filmgate.ports.engine import Report

_NICENESS = 5
"""Rendering takes every core it gets; answering queries comes first."""


def prepare() -> Handler:
    """Load the libraries and give the handler of orders."""
    os.nice(_NICENESS)
    from filmgate.adapters.engines.studio.job.take import shoot  # heavy: only after the parent is watched

    def handle(order: dict[str, Any], report: Report) -> dict[str, Any]:
        return shoot(msgspec.convert(order, RenderOrder), report)

    return handle


if __name__ == "__main__":
    serve(prepare)
