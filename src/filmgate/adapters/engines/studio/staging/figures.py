"""Where a figure is at a moment, and the layer it is drawn in."""

from __future__ import annotations

import math

import msgspec

from filmgate.adapters.engines.studio.model.cast import SUBJECTS
from filmgate.adapters.engines.studio.model.place import StageArea
from filmgate.adapters.engines.studio.model.scene import Figure, Pose, Scene, beat, reach
from filmgate.adapters.engines.studio.model.subject import Course, Motion, Sway, Way
from filmgate.adapters.engines.studio.render.areas import Box, around

FILES = ("glsl/figure.glsl",)
"""GLSL that every subject begins with, after what all layers share."""

_CENTRE = 2.5
"""Seconds after which somebody who comes along is where he was put."""

_MIRRORED = -0.95
"""How far below the water line an image reaches, in heights."""

_UNDER = 1.6
"""How far the shadow of a subject, or the raft under it, reaches to a side, in units of its `shadow`."""

_MARGIN = 0.05
"""Units beyond the frame at which somebody who has left it comes in again."""


class Stand(msgspec.Struct, frozen=True):
    """Where a figure is: its foot and height in units, which way it looks (1 right, -1 left), its lean in radians."""

    x: float
    y: float
    height: float
    facing: float
    lean: float


def pieces(figure: Figure) -> int:
    """Return the number of layers a figure is drawn in, one over the other."""
    return 1 + len(SUBJECTS[figure.name].pieces)


def switches(figure: Figure, piece: int) -> dict[str, object]:
    """Return what the GLSL of a piece of a figure is compiled with, beside the scene's own switches."""
    subject = SUBJECTS[figure.name]
    way = Way(figure.way)
    return {
        **{f"ACT_{action.upper()}": action == figure.action for action in subject.actions},
        "PIECE": piece,
        "SHADOW": subject.shadow if way is Way.GROUND and not piece else 0,
        "MIRROR": way in {Way.AFLOAT, Way.RAFT} and not piece,
        "RAFT": subject.shadow if way is Way.RAFT else 0,
    }


def stand(scene: Scene, stage: StageArea, figure: Figure, seconds: float, period: float, half: float) -> Stand:
    """Return where a figure is at a moment; `period` is the loop in seconds, `half` half the frame's width in units."""
    subject, way = SUBJECTS[figure.name], Way(figure.way)
    action = subject.actions[figure.action]
    height = figure.metres * stage.metre * figure.depth
    left, right, *_ = subject.extent
    home = figure.x * min(1.0, half / 0.6)
    room = half + reach(scene.camera) + height * (subject.reach or max(-left, right)) + _MARGIN
    x, facing = _way(figure, action, home, height * action.speed, room, seconds, period)
    sway = subject.sways.get(way, Sway())
    swell = 0.35 + 1.3 * scene.wind if way in {Way.AFLOAT, Way.RAFT} else 1.0
    rock = [_rock(sway.frequency * pace, figure, seconds, period) for pace in (0.7, 1.0, 0.83)]
    floor = figure.y if way in {Way.ALOFT, Way.ADRIFT} else stage.ground(figure.depth)
    return Stand(
        x + sway.across * height * rock[0],
        floor + swell * sway.up * height * rock[1],
        height,
        facing,
        subject.leans.get(way, 0.0) * figure.facing + swell * sway.lean * rock[2],
    )


def uniforms(figure: Figure, at: Stand) -> dict[str, object]:
    """Return the uniforms of a figure at a moment, beside those of all layers."""
    return {
        "uFoot": (at.x, at.y, at.height, figure.depth),
        "uSelf": (at.facing, figure.phase, at.lean),
        "uBody": figure.colour or SUBJECTS[figure.name].colours[0],
    }


def box(figure: Figure, piece: int, at: Stand, pose: Pose, size: tuple[int, int]) -> Box:
    """Return the pixels a piece of a figure can touch."""
    subject = SUBJECTS[figure.name]
    whole = subject.actions[figure.action].extent or subject.extent
    left, right, bottom, top = (whole, *subject.pieces)[piece]
    if figure.way in {Way.GROUND, Way.RAFT} and not piece:
        under = _UNDER * subject.shadow
        left, right, bottom = min(left, -under), max(right, under), min(bottom, -0.16 * under)
    if figure.way in {Way.AFLOAT, Way.RAFT} and not piece:
        bottom = min(bottom, _MIRRORED)
    left, right = (left, right) if at.facing > 0 else (-right, -left)
    if abs(at.facing) < 1.0:
        left, right = min(left, -right), max(right, -left)
    cos, sin = math.cos(at.lean), math.sin(at.lean)
    corners = [
        (at.x + at.height * (x * cos + y * sin), at.y + at.height * (y * cos - x * sin))
        for x in (left, right)
        for y in (bottom, top)
    ]
    return around(corners, figure.depth, pose, size)


def _way(
    figure: Figure, action: Motion, home: float, speed: float, room: float, seconds: float, period: float
) -> tuple[float, float]:
    """How far along its way a figure is, and which way it looks."""
    facing = float(figure.facing)
    if action.course is Course.STAY:
        return home, facing
    if period and action.course is not Course.CROSS:
        # To and fro, as far as it would come in half the time; who walks turns round in a fraction of a second.
        turn = 2 * math.pi * (seconds / period + figure.phase)
        towards = max(-1.0, min(1.0, 5.0 * math.cos(turn))) if action.course is Course.WALK else 1.0
        return home + facing * speed * period / 2 / math.pi * math.sin(turn), facing * _never_flat(towards)
    span = 2 * room
    gone = span * max(1, round(speed * period / span)) * seconds / period if period else speed * (seconds - _CENTRE)
    return (home + facing * gone + room) % span - room, facing


def _never_flat(towards: float) -> float:
    """Keep a turning figure visible: narrow for a moment, but never of no width."""
    return math.copysign(max(0.12, abs(towards)), towards)


def _rock(frequency: float, figure: Figure, seconds: float, period: float) -> float:
    return math.sin(beat(frequency, period) * seconds + 2 * math.pi * (figure.phase + frequency))
