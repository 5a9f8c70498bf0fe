"""`python -m filmgate.adapters.engines.studio.probe [CLIP]`: say in JSON which renderer will be used on this machine.

With a name, make a clip of one frame there as well, as the studio's workers do.
"""

from __future__ import annotations

import sys

import msgspec

from filmgate.adapters.engines.studio.job.order import RenderOrder
from filmgate.adapters.engines.studio.render.quality import STANDARD
from filmgate.adapters.engines.studio.render.renderer import probe
from filmgate.adapters.engines.worker import JobFailed
from filmgate.domain.generation import Kind, Operation


def main() -> int:
    """Print `{"renderer": ...}`; with status 1, `{"error": ...}` when the renderer demanded cannot be had."""
    try:
        for output in sys.argv[1:2]:
            _make(output)
        print(msgspec.json.encode(probe()).decode())
    except JobFailed as failed:
        print(msgspec.json.encode({"error": failed.message}).decode())
        return 1
    return 0


def _make(output: str) -> None:
    from filmgate.adapters.engines.studio.job.take import shoot

    order = RenderOrder(
        engine="studio", task_id="probe", operation=Operation.GENERATE, kind=Kind.VIDEO, prompt="A lighthouse",
        concepts=(), aspect_ratio="16:9", resolution=None, width=320, height=180, frames=1, loop=False, output=output,
        quality=STANDARD,
    )  # fmt: skip
    shoot(order, lambda _percent: None)


if __name__ == "__main__":
    sys.exit(main())
