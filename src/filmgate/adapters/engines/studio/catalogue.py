"""The places the studio can go to. Each has its look in `scenes/NAME.glsl` and its entry here."""

from __future__ import annotations

from filmgate.adapters.engines.studio.place import Part, Place, Relief, Stage

_SEA = Stage(horizon=0.035, near=-0.30, metre=0.10, medium="water")

PLACES: dict[str, Place] = {
    "ocean": Place(
        words="""ocean sea wave surf water shore coast beach tide island lake river bay lagoon harbour harbor sail
            海 浪 湖 水""",
        parts=(Part(bottom=0.035, depth=0.35), Part(top=0.035, depth=0.35)),
        stage=_SEA,
        travel=0.55,
        drift=0.006,
        scale=0.56,
    ),
    "mountains": Place(
        words="mountain hill valley alp peak cliff canyon landscape nature 山",
        parts=(Part(bottom=-0.02), Part(top=0.30, mesh=True)),
        relief=Relief(near=1.0, far=60.0, eye=1.0),
        sun="side",
    ),
    "forest": Place(
        words="""forest tree wood jungle pine spruce leaf meadow field grass flower garden countryside farm park
            森林 树 花 林""",
        parts=(Part(bottom=-0.13, depth=0.15), Part(top=0.29, bottom=0.10, depth=0.15), Part(top=0.10, depth=0.15)),
        drift=0.014,
    ),
    "space": Place(
        words="""space planet galaxy nebula star cosmos cosmic universe asteroid comet meteor saturn jupiter mars
            宇宙 星 太空 行星""",
        parts=(Part(), Part(disc=(0.20, -0.03, 0.52), depth=1.0)),
        stage=Stage(medium="air", key=(-0.72, 0.46, 0.52), fill=0.15),
        choices=("cosmos", "nebula"),
        time="night",
        options={"rings": "ring saturn ringed"},
        outdoors=False,
        drift=0.014,
    ),
    "ink": Place(
        words="abstract ink swirl fluid liquid smoke paint psychedelic dream pattern marble silk texture 抽象 梦",
        stage=Stage(medium="air"),
        choices=("sunset", "neon", "silk", "cosmos", "ember", "dawn"),
        outdoors=False,
        drift=0.006,
    ),
}
