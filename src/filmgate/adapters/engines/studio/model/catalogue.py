"""The places the studio can go to. Each has its look in `scenes/NAME.glsl` and its entry here."""

from __future__ import annotations

import msgspec

from filmgate.adapters.engines.studio.model.place import Place, PlaceLayer, Relief, StageArea

_SEA = StageArea(horizon=0.035, near=-0.30, metre=0.10, medium="water")
_WAVES = Relief(far=900.0, eye=1.9, focal=1.15, columns=100, rows=92, moving=True)
_SKY = PlaceLayer(bottom=-0.02, soft=True)

PLACES: dict[str, Place] = {
    "ocean": Place(
        words="ocean sea wave surf water shore coast beach tide island lake river bay lagoon harbour sail 海 浪 湖 水",
        parts=(_SKY, PlaceLayer(top=0.16, mesh=True)),
        stage=_SEA,
        relief=_WAVES,
        include=("glsl/sea.glsl",),
        values={"STEEP": "0.30"},
        travel=0.55,
        drift=0.006,
        scale=0.45,
    ),
    "storm": Place(
        words="hurricane typhoon tempest",
        hints="storm thunder lightning thunderstorm wave 暴风 风暴",
        parts=(_SKY, PlaceLayer(top=0.30, mesh=True)),
        stage=_SEA,
        relief=msgspec.structs.replace(_WAVES, eye=2.8),
        include=("glsl/sea.glsl",),
        values={"STEEP": "0.50"},
        palettes={"day": "storm", "sunset": "stormset", "dawn": "stormset"},
        weather="storm",
        snowless=True,
        travel=0.7,
        drift=0.006,
        scale=0.375,
    ),
    "mountains": Place(
        words="mountain hill valley alp peak cliff canyon landscape nature 山",
        parts=(_SKY, PlaceLayer(top=0.34, mesh=True)),
        relief=Relief(far=60.0, eye=1.0),
        sun="side",
        push=0.03,
        scale=0.42,
    ),
    "snow": Place(
        words="snowfield glacier arctic antarctic tundra iceberg ski sled snowman",
        hints="snow winter ice blizzard frozen frost christmas 雪 冬",
        parts=(_SKY, PlaceLayer(top=0.30, mesh=True), PlaceLayer(top=0.18, bottom=-0.24)),
        relief=Relief(far=60.0, eye=1.15),
        palettes={"day": "winterday", "dawn": "winterdawn"},
        sun="side",
        season="winter",
        push=0.03,
        scale=0.36,
    ),
    "desert": Place(
        words="desert dune sahara sand savanna oasis cactus camel 沙漠",
        parts=(_SKY, PlaceLayer(top=0.24, mesh=True)),
        relief=Relief(far=60.0, eye=1.3),
        palettes={"day": "desert", "sunset": "desertset"},
        weather="clear",
        snowless=True,
        sun="side",
        push=0.035,
        scale=0.46,
    ),
    "volcano": Place(
        words="volcano lava magma eruption erupt 火山",
        hints="fire flame burn ember inferno 火",
        parts=(_SKY, PlaceLayer(top=0.34, mesh=True), PlaceLayer()),
        relief=Relief(far=44.0, eye=1.0),
        palettes={"night": "ember"},
        time="night",
        push=0.022,
        scale=0.38,
    ),
    "forest": Place(
        words="""forest tree wood jungle pine spruce leaf meadow field grass flower garden countryside farm park
            woodland 森林 树 花 林""",
        parts=(
            PlaceLayer(bottom=-0.06, depth=0.15, soft=True),
            PlaceLayer(top=0.32, bottom=-0.26, depth=0.15, soft=True),
            PlaceLayer(top=0.10, depth=0.15, soft=True),
        ),
        stage=StageArea(horizon=0.0, near=-0.36, haze=0.10),
        drift=0.014,
        push=0.018,
        scale=0.38,
    ),
    "city": Place(
        words="""city street skyline building skyscraper downtown town urban road avenue traffic tokyo york metropolis
            城市 街""",
        parts=(_SKY, PlaceLayer(top=0.03), PlaceLayer()),
        options={"neon": "neon cyberpunk synthwave"},
        palettes={"neon": "neonrain", "night+rain": "neonrain", "night+storm": "neonrain", "night": "townlight"},
        times={"rain": "night", "storm": "night"},
        stage=StageArea(horizon=0.02, near=-0.34, metre=0.115, haze=0.05, lamps=0.45),
        drift=0.006,
        sun="street",
        snowless=True,
        push=0.045,
        scale=0.48,
        scales={"rain": 0.39, "storm": 0.39},
    ),
    "space": Place(
        words="""space planet galaxy star cosmos cosmic universe asteroid comet meteor saturn jupiter mars orbit stars
            interstellar 宇宙 星 太空 行星""",
        parts=(PlaceLayer(soft=True), PlaceLayer(disc=(0.20, -0.03, 0.54), depth=1.0)),
        stage=StageArea(medium="air", key=(-0.72, 0.46, 0.52), fill=0.15, haze=0.0),
        choices=("cosmos", "nebula"),
        time="night",
        options={"rings": "ring saturn ringed"},
        outdoors=False,
        drift=0.014,
        push=0.012,
        scale=0.52,
    ),
    "aurora": Place(
        words="aurora borealis polar 极光",
        parts=(PlaceLayer(soft=True), PlaceLayer(top=0.06)),
        stage=StageArea(horizon=-0.10, near=-0.36, metre=0.13, medium="water"),
        palettes={"night": "polar"},
        time="night",
        weather="clear",
        features=("aurora",),
        drift=0.006,
        push=0.008,
        scale=0.52,
    ),
    "underwater": Place(
        words="underwater reef coral seabed diver diving aquarium jellyfish undersea 水下 珊瑚",
        parts=(PlaceLayer(soft=True), PlaceLayer(mesh=True), PlaceLayer()),
        relief=Relief(far=26.0, eye=0.8),
        stage=StageArea(horizon=-0.06, near=-0.36, metre=0.10, medium="deep", key=(0.2, 0.95, 0.25), haze=0.25),
        palettes={"day": "reef"},
        outdoors=False,
        drift=0.008,
        push=0.02,
        scale=0.365,
    ),
    "ink": Place(
        words="""abstract ink swirl fluid liquid smoke paint psychedelic pattern marble silk texture
            kaleidoscope fabric 抽象""",
        hints="dream 梦",
        stage=StageArea(medium="air", key=(-0.4, 0.7, 0.6), haze=0.0),
        parts=(PlaceLayer(soft=True),),
        choices=("sunset", "neon", "silk", "cosmos", "ember", "dawn"),
        outdoors=False,
        drift=0.006,
        scale=0.58,
    ),
}
