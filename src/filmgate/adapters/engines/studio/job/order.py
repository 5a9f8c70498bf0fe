"""What the service sends to the studio's worker."""

from __future__ import annotations

from typing import Any

import msgspec

from filmgate.adapters.engines.studio.render.quality import STANDARD
from filmgate.domain.generation import Kind, Operation
from filmgate.ports.engine import Clip, Job


class Still(msgspec.Struct, frozen=True, tag="still"):
    """A picture to start from or to end at."""

    path: str


class Film(msgspec.Struct, frozen=True, tag="film"):
    """An earlier clip or picture, and what its engine noted about it."""

    path: str
    notes: dict[str, Any]


class RenderOrder(msgspec.Struct, frozen=True):
    """One job in plain JSON. `frames` are the new frames to make, `output` is the file to write.

    `width` and `height` hold where the work has no source whose size it keeps; `engine` is the name the admin gave,
    `quality` a key of `quality.QUALITIES`.
    """

    engine: str
    task_id: str
    operation: Operation
    kind: Kind
    prompt: str
    concepts: tuple[str, ...]
    aspect_ratio: str
    resolution: str | None
    width: int
    height: int
    frames: int
    loop: bool
    output: str
    quality: str
    start: Still | Film | None = None
    end: Still | Film | None = None


def order_of(job: Job, engine: str, quality: str = STANDARD) -> RenderOrder:
    """Translate a job. The file is named after the fencing number, so that attempts never share one."""
    generation = job.generation
    width, height = generation.size
    suffix = generation.image_format if generation.kind is Kind.IMAGE else "mp4"
    return RenderOrder(
        engine=engine,
        task_id=job.task_id,
        operation=generation.operation,
        kind=generation.kind,
        prompt=generation.prompt,
        concepts=generation.concepts,
        aspect_ratio=generation.aspect_ratio,
        resolution=generation.resolution,
        width=width,
        height=height,
        frames=generation.frames,
        loop=generation.loop,
        output=str(job.workdir / f"studio-{job.fence}.{suffix}"),
        quality=quality,
        start=_input(job.start),
        end=_input(job.end),
    )


def _input(given: object) -> Still | Film | None:
    if given is None:
        return None
    if isinstance(given, Clip):
        return Film(str(given.path), given.notes)
    return Still(str(given))
