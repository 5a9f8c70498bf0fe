"""The moves a camera can be told to make, by the keys they are asked for with."""

from __future__ import annotations

from collections.abc import Iterable

from filmgate.adapters.engines.studio.model.scene import Camera

MOVES: dict[str, Camera] = {
    "static": Camera(pan=0.0),
    "handheld": Camera(pan=0.0, shake=0.006),
    "pov": Camera(pan=0.0, zoom=0.03, shake=0.004),
    "pan_left": Camera(pan=-0.03),
    "pan_right": Camera(pan=0.03),
    "truck_left": Camera(pan=-0.04),
    "truck_right": Camera(pan=0.04),
    "orbit_left": Camera(pan=-0.02, roll=-0.010),
    "orbit_right": Camera(pan=0.02, roll=0.010),
    "roll_left": Camera(pan=0.0, roll=0.03),
    "roll_right": Camera(pan=0.0, roll=-0.03),
    "zoom_in": Camera(pan=0.0, zoom=0.05),
    "zoom_out": Camera(pan=0.0, zoom=-0.04),
    "push_in": Camera(pan=0.0, zoom=0.035),
    "pull_out": Camera(pan=0.0, zoom=-0.03),
    "bolt_cam": Camera(pan=0.0, zoom=0.08),
    "tilt_up": Camera(pan=0.0, rise=0.018),
    "tilt_down": Camera(pan=0.0, rise=-0.018),
    "pedestal_up": Camera(pan=0.0, rise=0.015),
    "pedestal_down": Camera(pan=0.0, rise=-0.015),
    "crane_up": Camera(pan=0.0, rise=0.022),
    "crane_down": Camera(pan=0.0, rise=-0.022),
    "aerial": Camera(pan=0.012, rise=0.016),
    "aerial_drone": Camera(pan=0.0, rise=0.014, zoom=0.025),
}
"""Camera moves by key; what is not here, such as a point of view or an effect, the scenes cannot show."""


def combine(keys: Iterable[str]) -> Camera:
    """Return the camera that makes all these moves at once. Raises KeyError for a key outside `MOVES`."""
    moves = [MOVES[key] for key in keys]
    return Camera(
        pan=sum(move.pan for move in moves),
        rise=sum(move.rise for move in moves),
        zoom=sum(move.zoom for move in moves),
        roll=sum(move.roll for move in moves),
        shake=max((move.shake for move in moves), default=0.0),
    )
