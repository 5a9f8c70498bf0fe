"""One order from beginning to end: decide what to shoot, draw it, write it, join it to what there was."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.engines.studio.job.order import Film, RenderOrder, Still
from filmgate.adapters.engines.studio.job.retake import retake
from filmgate.adapters.engines.studio.model.scene import VERSION, Scene
from filmgate.adapters.engines.studio.pixels import film, motion, picture
from filmgate.adapters.engines.studio.pixels.reel import Frames, Reel, Span, moments
from filmgate.adapters.engines.studio.prompt.imagine import imagine, seed_of, unread
from filmgate.adapters.engines.studio.render.renderer import RenderBackend, probe
from filmgate.adapters.engines.studio.staging.past import Past, past_of
from filmgate.domain.generation import Kind, Operation
from filmgate.domain.sizes import FPS
from filmgate.ports.engine import Report

_STILL = 2 * FPS
"""The frame of a scene that becomes a picture: two seconds in, it has unfolded."""


def shoot(order: RenderOrder, report: Report) -> dict[str, Any]:
    """Make the clip or picture and return its notes. Reports percent; the report raises when the job is cancelled.

    Raises JobFailed with a sentence for the owner.
    """
    means = probe()
    # Without OpenGL there are no subjects, and the notes say that their words were of no use.
    idea = imagine(order.prompt, seed_of(order.task_id), order.concepts, peopled=means.renderer == "gl")
    reel = plan(order, idea.scene, means)
    with closing(reel.frames):
        frames = _write_still(reel, order, report) if order.kind is Kind.IMAGE else _write_clip(reel, order, report)
    report(99)
    fresh = reel.scene is idea.scene
    return {
        "engine": "studio",
        "preview": True,
        "version": VERSION,
        **msgspec.to_builtins(means),
        "technique": reel.technique,
        "scene": msgspec.to_builtins(reel.scene),
        "first_frame": reel.first,
        "frames": frames,
        "loop": reel.loop,
        "quality": reel.quality,
        "words_used": idea.used if fresh else [],
        "words_ignored": idea.ignored if fresh else unread(order.prompt, order.concepts),
    }


def plan(order: RenderOrder, scene: Scene, means: RenderBackend) -> Reel:
    """Choose the technique by the operation and by the first and last frame."""
    if order.operation in {Operation.UPSCALE, Operation.REFRAME}:
        return retake(order, means)
    match order.start, order.end:
        case None, None:
            return _scene(order, scene, means)
        case ((Still() | None), (Still() | None)):
            return _pictures(order)
        case Film() as start, Film() as end:
            return _between(order, start, end)
        case Film() as start, end if not isinstance(end, Film):
            return _after(order, start, end, means)
        case start, Film() as end if not isinstance(start, Film):
            return _before(order, start, end, means)
    raise AssertionError("every pair of inputs is covered")


def _scene(order: RenderOrder, scene: Scene, means: RenderBackend) -> Reel:
    size = (order.width, order.height)
    still = order.kind is Kind.IMAGE
    span = Span(_STILL if still else 0, order.frames, order.frames if order.loop and not still else 0)
    frames = moments(scene, means, size, span, order.quality, still=still)
    return Reel("scene", frames, span.count, *size, None, None, scene, span.first, span.loop, order.quality)


def _pictures(order: RenderOrder) -> Reel:
    size = (order.width, order.height)
    start = picture.cover(picture.read(Path(order.start.path)), *size) if order.start else None
    end = picture.cover(picture.read(Path(order.end.path)), *size) if order.end else None
    if start is not None and end is not None:
        return Reel("morph", motion.morph(start, end, order.frames), order.frames, *size)
    if start is not None:
        return Reel("drift", motion.drift(start, order.frames, loop=order.loop), order.frames, *size)
    assert end is not None
    return Reel("drift", motion.arrive(end, order.frames), order.frames, *size)


def _between(order: RenderOrder, start: Film, end: Film) -> Reel:
    """From the last frame of one clip to the first of another: only the new frames, at the first clip's size."""
    _, first = film.last_frames(Path(start.path))
    height, width = first.shape[:2]
    last = picture.cover(film.first_frames(Path(end.path))[0], width, height)
    return Reel("morph", motion.morph(first, last, order.frames), order.frames, width, height)


def _after(order: RenderOrder, start: Film, end: Still | None, means: RenderBackend) -> Reel:
    """Go on from a clip, at its size."""
    source, count = Path(start.path), order.frames
    facts = film.facts(source)
    size = (facts.width, facts.height)
    past = _past(start, means, facts.frames)
    if past and end is None:
        span = Span(past.first_frame + past.frames, count, past.loop)
        frames = moments(past.scene, means, size, span, past.quality)
        return Reel("scene", frames, count, *size, source, None, past.scene, past.first_frame, past.loop, past.quality)
    before, last = film.last_frames(source)
    if end is None:
        return Reel("drift", _skip_first(motion.drift(last, count + 1, before=before)), count, *size, before=source)
    goal = picture.cover(picture.read(Path(end.path)), *size)
    return Reel("morph", _skip_first(motion.morph(last, goal, count + 1)), count, *size, before=source)


def _before(order: RenderOrder, start: Still | None, end: Film, means: RenderBackend) -> Reel:
    """Lead up to a clip, at its size."""
    source, count = Path(end.path), order.frames
    facts = film.facts(source)
    size = (facts.width, facts.height)
    past = _past(end, means, facts.frames)
    if past and start is None:
        span = Span(past.first_frame - count, count, past.loop)
        frames = moments(past.scene, means, size, span, past.quality)
        return Reel("scene", frames, count, *size, None, source, past.scene, span.first, past.loop, past.quality)
    first, after = film.first_frames(source)
    if start is None:
        return Reel(
            "drift", _drop_last(motion.arrive(first, count + 1, after=after), count), count, *size, after=source
        )
    origin = picture.cover(picture.read(Path(start.path)), *size)
    return Reel("morph", _drop_last(motion.morph(origin, first, count + 1), count), count, *size, after=source)


def _past(clip: Film, means: RenderBackend, frames: int) -> Past | None:
    """Read the scene of an earlier clip, None unless it can go on without a seam."""
    past = past_of(clip.notes, means)
    return past if past and past.frames == frames else None


def _skip_first(frames: Frames) -> Frames:
    """Leave out the first frame, which is the last one of the clip before."""
    next(frames)
    yield from frames


def _drop_last(frames: Frames, count: int) -> Frames:
    """Leave out the last frame, which is the first one of the clip after."""
    for _ in range(count):
        yield next(frames)


def _count_frames(reel: Reel, report: Report) -> Frames:
    for index in range(reel.count):
        report(min(99, 100 * index // reel.count))
        yield next(reel.frames)


def _write_still(reel: Reel, order: RenderOrder, report: Report) -> int:
    """Write the one frame as a picture, and count it."""
    for frame in _count_frames(reel, report):
        picture.write(Path(order.output), picture.cover(frame, reel.width, reel.height))
    return reel.count


def _write_clip(reel: Reel, order: RenderOrder, report: Report) -> int:
    """Write the new frames, join them to the clips around them, if any, and count the whole."""
    target = Path(order.output)
    joined = reel.before or reel.after
    part = target.with_suffix(".part.mp4") if joined else target
    made = film.write(part, _count_frames(reel, report), reel.width, reel.height)
    if not joined:
        return made
    film.join([clip for clip in (reel.before, part, reel.after) if clip], target)
    part.unlink()
    return film.facts(target).frames
