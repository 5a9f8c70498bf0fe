"""From a prompt to a scene, by a small vocabulary that can be explained; what it does not know it says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from filmgate.adapters.engines.studio import cameras, vocabulary
from filmgate.adapters.engines.studio.palettes import COLOURS, PALETTES, scaled, tinted
from filmgate.adapters.engines.studio.scene import VERSION, Camera, Palette, Scene, SceneName
from filmgate.adapters.engines.studio.vocabulary import meaning, words_of

MAX_WORDS = 40
"""Words listed in the notes, at most."""

T = TypeVar("T")

_SUN_HEIGHT = {"sunset": 0.075, "dawn": 0.095, "night": 0.25, "day": 0.27}
_ABSTRACT_MOODS = ("sunset", "neon", "silk", "cosmos", "ember", "dawn")
_CLOUD = {"clear": 0.05, "cloudy": 0.8, "storm": 1.0, "rain": 0.9, "snow": 0.6, "fog": 0.3, "fair": 0.42}
_FOG = {"fog": 1.0, "rain": 0.45, "snow": 0.15, "storm": 0.35}
_WIND = {"strong": 0.95, "weak": 0.15, None: 0.5}
_DRIFT = {SceneName.OCEAN: 0.006, SceneName.SPACE: 0.014, SceneName.FOREST: 0.014, SceneName.ABSTRACT: 0.006}
"""Speed of a camera nobody directed."""


class Idea(msgspec.Struct, frozen=True):
    """A scene, and which words of the prompt and concepts made it so."""

    scene: Scene
    used: list[str]
    ignored: list[str]


def seed_of(task_id: str) -> int:
    """Give the seed of a task: 32 bits of its id's digest."""
    return int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:4])


def unread(prompt: str, concepts: Iterable[str] = ()) -> list[str]:
    """Give the words and concepts that were of no use because nothing was imagined."""
    return [*words_of(prompt), *concepts][:MAX_WORDS]


def imagine(prompt: str, seed: int, concepts: Iterable[str] = ()) -> Idea:
    """Choose a scene for the prompt. Never fails: without a known word, a digest of the prompt chooses.

    Concepts that are camera moves direct the camera, whatever the prompt says of it.
    """
    keys = list(dict.fromkeys(concepts))
    moves = [key for key in keys if key in cameras.MOVES]
    reading = _Reading(words_of(prompt))
    digest = hashlib.sha256(f"{prompt}\n{seed}".encode()).digest()
    chance = random.Random(digest)  # noqa: S311 # a die that falls the same way each time
    place = _place(reading, prompt)
    weather = reading.first(vocabulary.WEATHERS) or "fair"
    time = _time(reading, place, weather)
    mood = reading.first(vocabulary.MOODS)
    wind = 0.95 if weather == "storm" else _WIND[reading.first(vocabulary.WINDS)]
    scene = Scene(
        name=place,
        version=VERSION,
        seed=chance.getrandbits(16),
        time=time,
        weather=weather,
        palette=_palette(reading, place, time, weather, mood, chance),
        camera=cameras.combined(moves) if moves else _camera(reading, prompt, place, chance),
        light_at=(round(chance.uniform(-0.34, 0.34), 3), round(_SUN_HEIGHT[time] * chance.uniform(0.85, 1.15), 3)),
        cloud=_CLOUD[weather],
        wind=wind,
        fog=_FOG.get(weather, 0.12),
        features=tuple(sorted(set(reading.every(vocabulary.FEATURES)))),
    )
    others = [key for key in keys if key not in cameras.MOVES]
    return Idea(scene, [*reading.used(), *moves][:MAX_WORDS], [*reading.ignored(), *others][:MAX_WORDS])


class _Reading:
    """The words of one prompt, and which of them were of use."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._used: set[str] = set()

    def every(self, table: dict[str, T]) -> list[T]:
        """Give the meanings of all words the table knows, in order, and mark the words as used."""
        found = [(word, meaning(word, table)) for word in self._words]
        self._used.update(word for word, value in found if value is not None)
        return [value for _, value in found if value is not None]

    def first(self, table: dict[str, T]) -> T | None:
        return next(iter(self.every(table)), None)

    def mark(self, words: Iterable[str]) -> None:
        self._used.update(words)

    def used(self) -> list[str]:
        return [word for word in self._words if word in self._used]

    def ignored(self) -> list[str]:
        return [word for word in self._words if word not in self._used and word not in vocabulary.FILLERS]


def _place(reading: _Reading, prompt: str) -> SceneName:
    """The scene most words speak for; of equals, the one named first; without any, a digest of the prompt decides."""
    votes = reading.every(vocabulary.SUBJECTS)
    if votes:
        return max(votes, key=votes.count)
    digest = hashlib.sha256(" ".join(words_of(prompt)).encode()).digest()
    return list(SceneName)[digest[0] % len(SceneName)]


def _time(reading: _Reading, place: SceneName, weather: str) -> str:
    time = reading.first(vocabulary.TIMES)
    if place is SceneName.SPACE:
        return "night"
    return time or ("dawn" if weather == "fog" else "day")


def _palette(
    reading: _Reading, place: SceneName, time: str, weather: str, mood: str | None, chance: random.Random
) -> Palette:
    name = mood or time
    if mood is None and place is SceneName.SPACE:
        name = chance.choice(("cosmos", "nebula"))
    elif mood is None and place is SceneName.ABSTRACT:
        name = chance.choice(_ABSTRACT_MOODS)
    elif mood is None and time == "day" and weather in {"storm", "rain"}:
        name = "storm"
    elif mood is None and time == "day" and weather == "snow":
        name = "winter"
    palette = PALETTES[name]
    for index, colour in enumerate(dict.fromkeys(reading.every(vocabulary.COLOUR_WORDS))):
        palette = tinted(palette, COLOURS[colour], 1.0 if index == 0 else 0.4)
    return scaled(palette, (chance.uniform(0.94, 1.06), chance.uniform(0.94, 1.06), chance.uniform(0.94, 1.06)))


def _camera(reading: _Reading, prompt: str, place: SceneName, chance: random.Random) -> Camera:
    text = " ".join(prompt.lower().split())
    move = next((move for phrase, move in vocabulary.PHRASES.items() if phrase in text), None)
    if move:
        reading.mark(word for phrase in vocabulary.PHRASES if phrase in text for word in phrase.split())
        return cameras.MOVES[move]
    move = reading.first(vocabulary.MOVES)
    if move:
        reading.mark(("pan", "pans", "panning", "moves", "moving"))
        return cameras.MOVES[move]
    return Camera(pan=_DRIFT[place] * chance.choice((-1, 1)))
