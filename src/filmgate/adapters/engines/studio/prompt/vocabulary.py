"""The words the studio knows, and what each of them decides."""

from __future__ import annotations

import re
from typing import TypeVar

from filmgate.adapters.engines.studio.model.scene import Grade

T = TypeVar("T")


def table(**groups: str) -> dict[str, str]:
    """Turn meaning="word word" into word -> meaning. Of two meanings of a word, the first holds."""
    found: dict[str, str] = {}
    for sense, words in groups.items():
        for word in words.split():
            found.setdefault(word, sense)
    return found


TIMES = table(
    sunset="sunset dusk evening golden twilight sundown 日落 黄昏 夕阳",
    dawn="dawn sunrise morning daybreak 日出 清晨 黎明",
    night="night nighttime neon cyberpunk synthwave midnight moonlight moon moonlit starry nocturnal dark aurora 夜 月",
    day="day noon sunny midday daylight afternoon 白天 晴",
)

WEATHERS = table(
    storm="storm thunder tempest hurricane lightning dramatic 暴风 风暴",
    rain="rain drizzle downpour monsoon 雨",
    snow="snow snowfall blizzard frost 雪",
    fog="fog mist haze misty hazy foggy 雾",
    cloudy="cloud overcast cloudy 云",
    clear="clear cloudless",
)

SEASONS = table(
    winter="winter christmas 冬",
    spring="spring blossom 春",
    autumn="autumn fall autumnal october 秋",
    summer="summer 夏",
)

COLOUR_WORDS = table(
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

MOODS = table(
    neon="neon cyberpunk synthwave vaporwave",
    ember="burning hell infernal",
    nebula="nebula",
)
"""Moods that are a palette of their own."""

GRADES = {
    "dark": Grade(exposure=0.62, contrast=1.8, saturation=0.88, warmth=-0.15),
    "bright": Grade(exposure=1.25, contrast=0.9, saturation=1.12),
    "dreamy": Grade(exposure=1.2, contrast=0.2, saturation=0.9, warmth=0.15),
    "epic": Grade(exposure=1.0, contrast=2.2, saturation=1.12, warmth=0.1),
    "sad": Grade(exposure=0.85, contrast=0.9, saturation=0.5, warmth=-0.3),
    "vivid": Grade(exposure=1.05, contrast=1.4, saturation=1.4),
    "vintage": Grade(exposure=1.05, contrast=0.5, saturation=0.62, warmth=0.55),
    "warm": Grade(warmth=0.6),
    "cold": Grade(warmth=-0.6),
    "grey": Grade(contrast=1.6, saturation=0.0),
}
"""Moods that are a way to develop the film."""

GRADE_WORDS = table(
    dark="dark moody gloomy ominous sinister mysterious noir spooky scary",
    bright="bright cheerful happy joyful sunny",
    dreamy="dreamy ethereal magical fairytale soft",
    epic="epic dramatic cinematic majestic heroic intense",
    sad="sad melancholy lonely melancholic bleak",
    vivid="vivid vibrant colorful colourful saturated",
    vintage="vintage retro nostalgic sepia",
    warm="warm cosy cozy hot",
    cold="cold chilly icy cool freezing",
    grey="monochrome",
)

WINDS = table(strong="wind windy gale wild rough fierce", weak="calm still peaceful serene gentle quiet tranquil soft")

MOVES = table(
    static="static tripod locked",
    handheld="handheld shaky",
    push_in="dolly",
    crane_down="descend lowering",
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
    "dolly out": "pull_out",
    "pull out": "pull_out",
    "tilt up": "tilt_up",
    "tilts up": "tilt_up",
    "tilt down": "tilt_down",
    "tilts down": "tilt_down",
    "moves up": "crane_up",
    "moves down": "crane_down",
}
"""Camera moves that take two words."""

FILLERS = frozenset(("camera", "shot", "scene", "video", "clip"))
"""Words that say what a prompt is about anyway; nobody expects them to be used."""

_ENDINGS = ("s", "es", "ing", "ed", "y", "ly", "ies", "er", "ers")
_WORD = re.compile(r"[^\W\d_]+")


def words_of(prompt: str) -> list[str]:
    """Return the prompt's words in lower case, in order, each once."""
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
