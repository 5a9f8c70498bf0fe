"""What the service sends to the studio's worker."""

from __future__ import annotations

from typing import Any

import msgspec

from filmgate.ports.engine import Clip, Job


class Still(msgspec.Struct, frozen=True, tag="still"):
    """A picture to start from or to end at."""

    path: str


class Film(msgspec.Struct, frozen=True, tag="film"):
    """An earlier clip, and what its engine noted about it."""

    path: str
    notes: dict[str, Any]


class Order(msgspec.Struct, frozen=True):
    """One job in plain JSON. `frames` are the new frames to make, `output` is the file to write."""

    task_id: str
    prompt: str
    width: int
    height: int
    frames: int
    loop: bool
    output: str
    start: Still | Film | None = None
    end: Still | Film | None = None


def order_of(job: Job) -> Order:
    """Translate a job. The file is named after the fencing number, so that attempts never share one."""
    generation = job.generation
    width, height = generation.size
    return Order(
        task_id=job.task_id,
        prompt=generation.prompt,
        width=width,
        height=height,
        frames=generation.frames,
        loop=generation.loop,
        output=str(job.workdir / f"studio-{job.fence}.mp4"),
        start=_input(job.start),
        end=_input(job.end),
    )


def _input(given: object) -> Still | Film | None:
    if given is None:
        return None
    if isinstance(given, Clip):
        return Film(str(given.path), given.notes)
    return Still(str(given))
