"""What the studio knows of a kind of subject before it reads a prompt: its words, size, motions and where it can be."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from filmgate.adapters.engines.studio.model.scene import Colour

Extent = tuple[float, float, float, float]
"""Left, right, bottom and top, in heights of the subject."""


class Way(StrEnum):
    """How a subject is in its place."""

    GROUND = "ground"
    """On the land, with a shadow under it."""
    RAFT = "raft"
    """On a raft, for what can neither swim nor float."""
    AFLOAT = "afloat"
    """On the water, which mirrors it."""
    ALOFT = "aloft"
    """In the sky."""
    ADRIFT = "adrift"
    """Anywhere in the frame: under water, in space, in a dream."""


class Course(StrEnum):
    """Where a motion leads, and how it comes back in a loop. Who leaves the frame enters it at the other side."""

    STAY = "stay"
    """Nowhere."""
    WALK = "walk"
    """Ahead, and in a loop to and fro."""
    DRIFT = "drift"
    """Slowly ahead, and in a loop a little to and fro without turning round."""
    CROSS = "cross"
    """Ahead, and in a loop through the whole frame, a whole number of times."""


class Motion(msgspec.Struct, frozen=True):
    """A motion: its speed in heights of the subject per second, where that leads, and its extent if it takes more."""

    speed: float = 0.0
    course: Course = Course.STAY
    extent: Extent | None = None


class Sway(msgspec.Struct, frozen=True):
    """How a subject rocks: to the sides and up and down in its own heights, and aslant in radians, at a frequency."""

    across: float = 0.0
    up: float = 0.0
    lean: float = 0.0
    frequency: float = 0.8


class Subject(msgspec.Struct, frozen=True):
    """One kind of subject. Its look is in `subjects/NAME.glsl`; everything else about it is here.

    `words` name it. `metres` is its height beside others, `alone` the one it is shown with when there is nothing else,
    so that it can be seen. `extent` is what it may cover: left, right, bottom and top in its own heights, its foot at
    0, looking right. What is large but thin is drawn in `pieces` (PIECE 0, 1, ... in the GLSL) with extents of their
    own after the first, because every pixel of an extent is paid for; the first piece has the shadow and the mirror
    image. `ways` says how it is in each medium of a stage; where a medium is missing it cannot be.
    `actions` are what it can do, of which the GLSL gets `ACT_NAME`; `usual` is what it does when nobody says, by its
    way, else the first. `homes` are the places it is shown in when none is named. `lean` is how it is tilted to the
    right by its way, in radians; a `crowd` is how several of them keep together: where each is
    relative to the first, ahead and up in heights, and its share of the height. `reach` is how far it is seen from
    its foot where that is less than its extent, in its own heights.
    """

    words: str
    metres: float
    alone: float
    extent: Extent
    ways: dict[str, Way]
    homes: tuple[str, ...]
    colours: tuple[Colour, ...]
    actions: dict[str, Motion]
    usual: dict[Way, str] = {}
    sways: dict[Way, Sway] = {}
    leans: dict[Way, float] = {}
    shadow: float = 0.4
    crowd: tuple[tuple[float, float, float], ...] = ()
    pieces: tuple[Extent, ...] = ()
    reach: float | None = None
