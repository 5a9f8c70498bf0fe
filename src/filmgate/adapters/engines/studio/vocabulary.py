"""The words the studio knows, and what each of them decides."""

from __future__ import annotations

import re
from typing import TypeVar

from filmgate.adapters.engines.studio.scene import SceneName

T = TypeVar("T")


def _table(**groups: str) -> dict[str, str]:
    """Turn meaning="word word" into word -> meaning."""
    return {word: meaning for meaning, words in groups.items() for word in words.split()}


SUBJECTS: dict[str, SceneName] = {
    word: SceneName(name)
    for word, name in _table(
        ocean="""ocean sea wave surf water boat ship sail sailor yacht shore coast beach tide island lake river whale
            dolphin fish shark seal seagull harbour harbor lighthouse bay lagoon reef coral underwater swim surfer
            waterfall pirate mermaid 海 浪 湖 水 船""",
        space="""space planet galaxy nebula star cosmos cosmic universe asteroid comet meteor saturn jupiter mars orbit
            astronaut rocket spaceship spacecraft satellite moon alien interstellar solar eclipse robot starship
            宇宙 星 太空 行星""",
        forest="""forest tree wood jungle pine spruce redwood leaf grove meadow field grass flower garden mountain hill
            valley alp peak cliff canyon desert dune landscape nature countryside farm village park deer wolf bear fox
            cat dog kitten puppy rabbit horse bird owl eagle lion tiger elephant cabin camp path trail autumn spring
            snow fog mist aurora castle dragon bamboo savanna 森林 树 山 花 猫 狗 林""",
        abstract="""abstract ink swirl fluid liquid smoke paint psychedelic dream pattern marble silk colour color shape
            geometric gradient texture kaleidoscope music sound energy particle light glow fire flame lava volcano magma
            city street neon cyberpunk skyline building fractal mind emotion fabric cloth dance portal
            城市 火 抽象 梦""",
    ).items()
}

TIMES = _table(
    sunset="sunset dusk evening golden 日落 黄昏 夕阳",
    dawn="dawn sunrise morning daybreak 日出 清晨 黎明",
    night="night midnight moonlight moon moonlit starry nocturnal dark aurora 夜 月",
    day="day noon sunny midday daylight afternoon 白天 晴",
)

WEATHERS = _table(
    storm="storm thunder tempest hurricane lightning dramatic 暴风 风暴",
    rain="rain drizzle downpour monsoon 雨",
    snow="snow winter blizzard frozen frost ice icy arctic christmas 雪 冬",
    fog="fog mist haze misty hazy foggy 雾",
    cloudy="cloud overcast cloudy 云",
    clear="clear cloudless",
)

COLOUR_WORDS = _table(
    red="red crimson scarlet ruby",
    orange="orange amber",
    gold="gold golden bronze",
    yellow="yellow lemon",
    green="green emerald jade lime",
    teal="teal turquoise",
    cyan="cyan aqua",
    blue="blue azure sapphire navy indigo",
    purple="purple violet lavender lilac",
    pink="pink rose magenta fuchsia",
    white="white",
    black="black",
    brown="brown",
    silver="silver grey gray",
)

MOODS = _table(
    neon="neon cyberpunk city street synthwave skyline",
    ember="fire flame lava volcano magma ember burning",
    desert="desert dune sahara savanna canyon",
    nebula="nebula",
)

WINDS = _table(strong="wind windy gale wild rough fierce", weak="calm still peaceful serene gentle quiet tranquil soft")

MOVES = _table(
    pan_left="left",
    pan_right="right",
    zoom_in="forward closer toward fly flying push approach",
    zoom_out="back backward away pull",
    crane_up="rising crane upward ascend drone aerial",
    orbit_right="orbit rotate spin orbiting spinning rotating turning",
)

PHRASES = {
    "zoom in": "zoom_in",
    "zooms in": "zoom_in",
    "zooming in": "zoom_in",
    "zoom out": "zoom_out",
    "zooms out": "zoom_out",
    "zooming out": "zoom_out",
    "tilt up": "tilt_up",
    "tilts up": "tilt_up",
    "tilt down": "tilt_down",
    "tilts down": "tilt_down",
    "moves up": "crane_up",
    "moves down": "crane_down",
}
"""Camera moves that take two words."""

FEATURES = _table(rings="ring saturn ringed", ice="ice iceberg arctic", aurora="aurora borealis")

_FILLERS = """a an and are as at be by for from has in into is it its of on or over that the their this through to
    under up upon very with while camera shot scene video clip"""
FILLERS = frozenset(_FILLERS.split())
"""Words nobody expects to be used."""

_ENDINGS = ("s", "es", "ing", "ed", "y", "ly", "ies", "er", "ers")
_WORD = re.compile(r"[^\W\d_]+")


def words_of(prompt: str) -> list[str]:
    """Give the prompt's words in lower case, in order, each once."""
    return list(dict.fromkeys(_WORD.findall(prompt.lower())))


def meaning(word: str, table: dict[str, T]) -> T | None:
    """Look a word up, with and without its ending; in scripts without spaces, look for a known word inside it."""
    if word in table:
        return table[word]
    if not word.isascii():
        return next((value for known, value in table.items() if not known.isascii() and known in word), None)
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3:
            for known in (stem, stem + "e", stem + "y", stem[:-1] if stem[-1] == stem[-2] else stem):
                if known in table:
                    return table[known]
    return None
