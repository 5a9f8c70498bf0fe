"""What the studio knows of a kind of place before it reads a prompt: its words, colours, layers and stage."""

from __future__ import annotations

import msgspec

Vector = tuple[float, float, float]


class PlaceLayer(msgspec.Struct, frozen=True):
    """One layer of a place, drawn over the ones before it by a program of its own (PART 0, 1, ... in the GLSL).

    A CPU renderer pays for every pixel it touches, so a part says where it can be seen: below `top` and above
    `bottom` (heights in the scene, None for the edge of the frame) or within `disc` (x, y, radius), all at a `depth`.
    A `mesh` part is the relief of the ground, drawn as triangles. A `soft` part has a share without edges, such as
    clouds, that is drawn first on far fewer pixels.
    """

    top: float | None = None
    bottom: float | None = None
    depth: float = 0.0
    disc: Vector | None = None
    mesh: bool = False
    soft: bool = False


class StageArea(msgspec.Struct, frozen=True):
    """Where subjects stand in a place, in units of the frame (one unit is the square root of its area).

    Depth is 1 near the camera and 0 infinitely far away; a point at a depth d moves d times as much as a near one
    when the camera moves. Flat ground at depth d is seen at height `horizon + (near - horizon) * d`, and a metre there
    is `metre * d` units. `medium` is what subjects are in: land, water (they float on it), deep (they swim in it),
    air (there is nothing to stand on). `key` is the direction the light comes from (x right, y up, z towards the
    viewer), None for the sun or moon of the sky; `fill` is the light from all around relative to the sky's,
    `haze` how thick the air is, `lamps` how much light of its own a place has by night.
    """

    horizon: float = 0.03
    near: float = -0.34
    metre: float = 0.16
    medium: str = "land"
    key: Vector | None = None
    fill: float = 1.0
    haze: float = 0.02
    lamps: float = 0.0

    def ground(self, depth: float) -> float:
        """Return the height of flat ground at a depth, as seen by a camera at rest."""
        return self.horizon + (self.near - self.horizon) * depth


class Relief(msgspec.Struct, frozen=True):
    """The ground of a place as a net of points up to a distance, denser near the camera.

    `eye` is the camera's height above zero, `focal` the distance of the picture plane; both and the distance are in
    the scene's own units. A `moving` one, such as the sea, has new heights in every frame and no light of its own.
    """

    far: float
    eye: float
    focal: float = 1.2
    columns: int = 112
    rows: int = 74
    moving: bool = False


class Place(msgspec.Struct, frozen=True):
    """One kind of place. Its look is in `scenes/NAME.glsl`; everything a prompt can change about it starts here.

    `words` lead to the place, `hints` do where no word does. Its GLSL is made of `parts`; it may `include` shared files
    and have `values` defined in front of it. `palettes` gives the palette of a time of day, a mood, or of both time and
    weather (`night+rain`); what is not there has the palette of its own name. One of `choices` is taken where the time
    does not matter. `time`, `season`, `weather` and `features` are what it has when nobody says, `times` the usual
    time of a weather; `options` are further features by the words that switch them on.

    `outdoors` places have a sky, weather and seasons; in a `snowless` one winter brings no snow. The `sun` stands in
    `front` of the camera, at a `side`, or where a `street` ends. `travel` is how fast the scene is flown through, in
    its own units per second: the rule for loops is that a loop stays where it is. `drift` and `push` are the speeds of
    a camera nobody directed, to a side and forward. `scale` is the share of width and height that is drawn on a CPU at
    standard quality, `scales` that of a weather that costs more.
    """

    words: str
    hints: str = ""
    parts: tuple[PlaceLayer, ...] = (PlaceLayer(),)
    stage: StageArea = StageArea()
    relief: Relief | None = None
    include: tuple[str, ...] = ()
    values: dict[str, str] = {}
    palettes: dict[str, str] = {}
    choices: tuple[str, ...] = ()
    time: str = "day"
    times: dict[str, str] = {}
    season: str = "summer"
    weather: str = "fair"
    features: tuple[str, ...] = ()
    options: dict[str, str] = {}
    outdoors: bool = True
    sun: str = "front"
    snowless: bool = False
    travel: float = 0.0
    drift: float = 0.010
    push: float = 0.0
    scale: float = 0.6
    scales: dict[str, float] = {}
