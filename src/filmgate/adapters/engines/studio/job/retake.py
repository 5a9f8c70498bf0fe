"""Retakes: the same moments of the same scene once more, larger or in another shape."""

from __future__ import annotations

from pathlib import Path

from filmgate.adapters.engines.studio.job.order import Film, RenderOrder
from filmgate.adapters.engines.studio.pixels import film, picture
from filmgate.adapters.engines.studio.pixels.reel import Reel, Span, moments
from filmgate.adapters.engines.studio.render.renderer import RenderBackend
from filmgate.adapters.engines.studio.staging.past import Past, past_of
from filmgate.adapters.engines.worker import JobFailed
from filmgate.domain.failures import FailureCode
from filmgate.domain.generation import Kind, Operation
from filmgate.domain.sizes import RESOLUTIONS, frame_size, nearest_size

Size = tuple[int, int]


def retake(order: RenderOrder, means: RenderBackend) -> Reel:
    """Plan an upscale or a reframe. Raises JobFailed for what this studio has not drawn from a scene."""
    past, size = _source(order, means)
    target = _larger(order, size) if order.operation is Operation.UPSCALE else _reframe_size(order, size)
    still = order.kind is Kind.IMAGE
    span = Span(past.first_frame, 1 if still else past.frames, past.loop)
    frames = moments(past.scene, means, target, span, order.quality, still=still)
    return Reel("scene", frames, span.count, *target, None, None, past.scene, span.first, span.loop, order.quality)


def _source(order: RenderOrder, means: RenderBackend) -> tuple[Past, Size]:
    """Return the scene of the work that is to be taken again, and its size in pixels."""
    past = past_of(order.start.notes, means) if isinstance(order.start, Film) else None
    if past is None or order.start is None:
        raise _unsupported_error(
            order,
            f"cannot {order.operation} this: it can only draw its own scenes again, not what was made from images, "
            "elsewhere, or by another version.",
        )
    path = Path(order.start.path)
    if order.kind is Kind.IMAGE:
        height, width = picture.read(path).shape[:2]
        return past, (width, height)
    facts = film.facts(path)
    if facts.frames != past.frames:
        raise _unsupported_error(
            order, f"cannot {order.operation} this: it does not have the frames that were drawn for it."
        )
    return past, (facts.width, facts.height)


def _larger(order: RenderOrder, size: Size) -> Size:
    """Return the frame size of an upscale: the shape of the source, at the resolution asked for or the next one."""
    ratio, _ = nearest_size(*size)
    asked = RESOLUTIONS if order.resolution is None else (order.resolution,)
    larger = (frame_size(ratio, resolution) for resolution in asked)
    target = next((each for each in larger if _pixels(each) > _pixels(size)), None)
    if target is None:
        goal = f"to {order.resolution}" if order.resolution else "any further"
        raise _unsupported_error(order, f"cannot upscale a clip of {size[0]}x{size[1]} {goal}.")
    return target


def _reframe_size(order: RenderOrder, size: Size) -> Size:
    """Return the frame size of a reframe: the requested shape, by default at the source's resolution."""
    _, resolution = nearest_size(*size)
    return frame_size(order.aspect_ratio, order.resolution or resolution)


def _pixels(size: Size) -> int:
    return size[0] * size[1]


def _unsupported_error(order: RenderOrder, what: str) -> JobFailed:
    return JobFailed(f"The engine {order.engine} {what}", FailureCode.UNSUPPORTED_BY_ENGINE)
