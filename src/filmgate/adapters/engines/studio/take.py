"""One order from beginning to end: decide what to shoot, draw it, write it, join it to what there was."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from filmgate.adapters.engines.studio import film, motion, picture
from filmgate.adapters.engines.studio.order import Film, Order, Still
from filmgate.adapters.engines.studio.picture import Picture
from filmgate.adapters.engines.studio.prompt import imagine, seed_of
from filmgate.adapters.engines.studio.renderer import Means, probe, renderer_for
from filmgate.adapters.engines.studio.scene import VERSION, Scene
from filmgate.adapters.engines.studio.vocabulary import words_of
from filmgate.domain.sizes import FPS
from filmgate.ports.engine import Report

Frames = Generator[Picture, None, None]


class Reel(msgspec.Struct):
    """New frames and what they belong to. `before` and `after` are the clips they are joined to.

    `first` is the number of the whole clip's first frame counted from the scene's start, negative after a reverse
    extend; `loop` the frames of one round, 0 without a loop. Both matter only with a scene.
    """

    technique: str
    frames: Frames
    width: int
    height: int
    before: Path | None = None
    after: Path | None = None
    scene: Scene | None = None
    first: int = 0
    loop: int = 0


class Past(msgspec.Struct):
    """What the notes of one of our own clips tell about its scene."""

    scene: Scene
    renderer: str
    first_frame: int
    frames: int
    loop: int


def shoot(order: Order, report: Report) -> dict[str, Any]:
    """Make the clip and return its notes. Reports percent; the report raises when the job is cancelled.

    Raises JobFailed with a sentence for the owner.
    """
    means = probe()
    idea = imagine(order.prompt, seed_of(order.task_id))
    reel = plan(order, idea.scene, means)
    target = Path(order.output)
    with closing(reel.frames):
        counted = _counted(reel.frames, order.frames, report)
        made = film.write(_part(target, reel), counted, reel.width, reel.height)
    frames = _joined(reel, target, made)
    report(99)
    fresh = reel.technique == "scene" and reel.before is None and reel.after is None
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
        "words_used": idea.used if fresh else [],
        "words_ignored": idea.ignored if fresh else words_of(order.prompt),
    }


def plan(order: Order, scene: Scene, means: Means) -> Reel:
    """Choose the technique by what the clip starts from and ends at."""
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


def _scene(order: Order, scene: Scene, means: Means) -> Reel:
    loop = order.frames if order.loop else 0
    frames = _moments(scene, means, order.width, order.height, 0, order.frames, loop)
    return Reel("scene", frames, order.width, order.height, scene=scene, loop=loop)


def _pictures(order: Order) -> Reel:
    size = (order.width, order.height)
    start = picture.cover(picture.read(Path(order.start.path)), *size) if order.start else None
    end = picture.cover(picture.read(Path(order.end.path)), *size) if order.end else None
    if start is not None and end is not None:
        return Reel("morph", motion.morph(start, end, order.frames), *size)
    if start is not None:
        return Reel("drift", motion.drift(start, order.frames, loop=order.loop), *size)
    assert end is not None
    return Reel("drift", motion.arrive(end, order.frames), *size)


def _between(order: Order, start: Film, end: Film) -> Reel:
    """From the last frame of one clip to the first of another: only the new frames, at the first clip's size."""
    first = film.last_frame(Path(start.path))
    height, width = first.shape[:2]
    last = picture.cover(film.first_frame(Path(end.path)), width, height)
    return Reel("morph", motion.morph(first, last, order.frames), width, height)


def _after(order: Order, start: Film, end: Still | None, means: Means) -> Reel:
    """Go on from a clip, at its size."""
    source = Path(start.path)
    size = film.facts(source)
    past = _past(start, means, size.frames)
    if past and end is None:
        begin = past.first_frame + past.frames
        frames = _moments(past.scene, means, size.width, size.height, begin, order.frames, past.loop)
        return Reel(
            "scene",
            frames,
            size.width,
            size.height,
            before=source,
            scene=past.scene,
            first=past.first_frame,
            loop=past.loop,
        )
    last = film.last_frame(source)
    if end is None:
        frames = _skipped(motion.drift(last, order.frames + 1))
        return Reel("drift", frames, size.width, size.height, before=source)
    goal = picture.cover(picture.read(Path(end.path)), size.width, size.height)
    return Reel("morph", _skipped(motion.morph(last, goal, order.frames + 1)), size.width, size.height, before=source)


def _before(order: Order, start: Still | None, end: Film, means: Means) -> Reel:
    """Lead up to a clip, at its size."""
    source = Path(end.path)
    size = film.facts(source)
    past = _past(end, means, size.frames)
    if past and start is None:
        begin = past.first_frame - order.frames
        frames = _moments(past.scene, means, size.width, size.height, begin, order.frames, past.loop)
        return Reel(
            "scene", frames, size.width, size.height, after=source, scene=past.scene, first=begin, loop=past.loop
        )
    first = film.first_frame(source)
    if start is None:
        frames = _headed(motion.arrive(first, order.frames + 1), order.frames)
        return Reel("drift", frames, size.width, size.height, after=source)
    origin = picture.cover(picture.read(Path(start.path)), size.width, size.height)
    frames = _headed(motion.morph(origin, first, order.frames + 1), order.frames)
    return Reel("morph", frames, size.width, size.height, after=source)


def _past(clip: Film, means: Means, frames: int) -> Past | None:
    """Read the scene of an earlier clip, None unless this very studio can go on with it without a seam."""
    notes = clip.notes
    if notes.get("engine") != "studio" or not notes.get("scene"):
        return None
    try:
        past = msgspec.convert(notes, Past)
    except msgspec.ValidationError:
        return None  # noted by another version
    same = past.scene.version == VERSION and past.renderer == means.renderer and past.frames == frames
    return past if same else None


def _moments(scene: Scene, means: Means, width: int, height: int, begin: int, count: int, loop: int) -> Frames:
    renderer = renderer_for(means, scene, width, height, loop / FPS)
    try:
        for index in range(begin, begin + count):
            yield renderer.frame(index / FPS)
    finally:
        renderer.close()


def _skipped(frames: Frames) -> Frames:
    """Leave out the first frame, which is the last one of the clip before."""
    next(frames)
    yield from frames


def _headed(frames: Frames, count: int) -> Frames:
    """Leave out the last frame, which is the first one of the clip after."""
    for _ in range(count):
        yield next(frames)


def _counted(frames: Frames, total: int, report: Report) -> Frames:
    for index in range(total):
        report(min(99, 100 * index // total))
        yield next(frames)


def _part(target: Path, reel: Reel) -> Path:
    return target.with_suffix(".part.mp4") if reel.before or reel.after else target


def _joined(reel: Reel, target: Path, made: int) -> int:
    """Join the new frames to the clips around them, if any, and count the whole."""
    part = _part(target, reel)
    if part == target:
        return made
    film.join([clip for clip in (reel.before, part, reel.after) if clip], target)
    part.unlink()
    return film.facts(target).frames
