"""From a prompt to a scene, by a small vocabulary that can be explained; what it does not know it says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable

import msgspec

from filmgate.adapters.engines.studio.model import cameras
from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.palettes import COLOURS, PALETTES, scale, tint
from filmgate.adapters.engines.studio.model.place import Place
from filmgate.adapters.engines.studio.model.scene import VERSION, Camera, Grade, Palette, Scene
from filmgate.adapters.engines.studio.prompt import vocabulary
from filmgate.adapters.engines.studio.prompt.reader import Reading
from filmgate.adapters.engines.studio.prompt.vocabulary import table
from filmgate.adapters.engines.studio.staging import casting
from filmgate.domain.words import MAX_WORDS, bounded_list, words_in

_SUN_HEIGHT = {"sunset": 0.075, "dawn": 0.095, "night": 0.25, "day": 0.27}
_CLOUD = {"clear": 0.05, "cloudy": 0.8, "storm": 1.0, "rain": 0.9, "snow": 0.6, "fog": 0.3, "fair": 0.42}
_FOG = {"fog": 1.0, "rain": 0.45, "snow": 0.3, "storm": 0.35}
_WIND = {"strong": 0.95, "weak": 0.15, None: 0.5}
_OVERCAST = {"storm": "storm", "rain": "storm", "snow": "winter", "cloudy": "overcast", "fog": "overcast"}
"""The palette of a day by its weather."""


class Idea(msgspec.Struct, frozen=True):
    """A scene, and which words of the prompt and concepts made it so."""

    scene: Scene
    used: list[str]
    ignored: list[str]


def seed_of(task_id: str) -> int:
    """Return the seed of a task: 32 bits of its id's digest."""
    return int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:4])


def unread(prompt: str, concepts: Iterable[str] = ()) -> list[str]:
    """Return the words and concepts that were of no use because nothing was imagined."""
    return [*bounded_list(words_in(prompt), unless=lambda _: False), *_keys(concepts)][:MAX_WORDS]


def _keys(concepts: Iterable[str]) -> list[str]:
    """Return the keys of concepts as they may be listed."""
    return bounded_list(concepts, unless=lambda key: not key.strip())


def imagine(prompt: str, seed: int, concepts: Iterable[str] = (), *, peopled: bool = True) -> Idea:
    """Choose a scene for the prompt. Never fails: without a known word, a digest of the prompt chooses.

    Concepts that are camera moves direct the camera, whatever the prompt says of it. Subjects are left out, and their
    words ignored, unless it is `peopled`.
    """
    keys = list(dict.fromkeys(concepts))
    moves = [key for key in keys if key in cameras.MOVES]
    reading = Reading(prompt)
    digest = hashlib.sha256(f"{prompt}\n{seed}".encode()).digest()
    chance = random.Random(digest)  # noqa: S311 # a die that falls the same way each time
    cast = casting.roles(reading) if peopled else []
    name = _place(reading, cast)
    place = PLACES[name]
    figures = casting.figures(reading, cast, place.stage, random.Random(digest + b"cast"))  # noqa: S311 # the same die
    season = reading.first(vocabulary.SEASONS) if place.outdoors else None
    weather = _weather(reading, place, season)
    time = _time(reading, place, weather)
    scene = Scene(
        name=name,
        version=VERSION,
        seed=chance.getrandbits(16),
        time=time,
        weather=weather,
        season=season or place.season,
        palette=_palette(reading, place, time, weather, chance),
        camera=cameras.combine(moves) if moves else _camera(reading, place, chance),
        light_at=_light(place, time, chance),
        cloud=_CLOUD[weather],
        wind=_wind(reading, weather),
        fog=_FOG.get(weather, 0.12),
        grade=_grade(reading),
        features=_features(reading, place),
        figures=figures,
    )
    others = [key for key in keys if key not in cameras.MOVES]
    return Idea(scene, [*reading.used(), *moves][:MAX_WORDS], [*reading.ignored_words(), *_keys(others)][:MAX_WORDS])


def _place(reading: Reading, cast: list[casting.CastRole]) -> str:
    """The place most words speak for; of equals, the one named first; without any, where the cast is at home.

    Without a cast, too, a digest of the prompt decides.
    """
    votes = reading.every(_PLACE_WORDS) or reading.every(_PLACE_HINTS)
    if votes:
        return max(votes, key=votes.count)
    digest = hashlib.sha256(" ".join(reading.words).encode()).digest()
    chance = int.from_bytes(digest[:4])
    return casting.home_of(cast, list(PLACES), chance) or list(PLACES)[chance % len(PLACES)]


_PLACE_WORDS = table(**{name: place.words for name, place in PLACES.items()})
_PLACE_HINTS = table(**{name: place.hints for name, place in PLACES.items()})


def _weather(reading: Reading, place: Place, season: str | None) -> str:
    if not place.outdoors:
        return "fair"
    usual = "snow" if season == "winter" and not place.snowless else place.weather
    named = reading.every(vocabulary.WEATHERS)
    return named[0] if named else usual


def _time(reading: Reading, place: Place, weather: str) -> str:
    if not place.outdoors:
        return place.time
    usual = "dawn" if weather == "fog" and place.time == "day" else place.times.get(weather, place.time)
    return reading.first(vocabulary.TIMES) or usual


def _palette(reading: Reading, place: Place, time: str, weather: str, chance: random.Random) -> Palette:
    mood = reading.first(vocabulary.MOODS)
    usual = chance.choice(place.choices) if place.choices else time
    if time == "day" and weather in _OVERCAST and not place.choices:
        usual = _OVERCAST[weather]
    usual = mood or usual
    name = place.palettes.get(f"{time}+{weather}") or place.palettes.get(usual, usual)
    palette = PALETTES[name]
    for index, colour in enumerate(dict.fromkeys(reading.every(vocabulary.COLOUR_WORDS))):
        palette = tint(palette, COLOURS[colour], 1.0 if index == 0 else 0.4)
    return scale(palette, (chance.uniform(0.94, 1.06), chance.uniform(0.94, 1.06), chance.uniform(0.94, 1.06)))


def _light(place: Place, time: str, chance: random.Random) -> tuple[float, float]:
    """Where the sun or moon stands: in the frame, or beside it where the land looks better lit from a side."""
    across, up = chance.uniform(-0.34, 0.34), chance.uniform(0.85, 1.15)
    height = _SUN_HEIGHT[time]
    if place.sun == "street" and time in {"sunset", "dawn"}:
        across *= 0.15
    elif place.sun != "front" and time != "night":
        across += (0.75 if time == "day" else 0.30) * (1 if across > 0 else -1)
        height *= 2.2 if time == "day" else 1.4
    return round(across, 3), round(height * up, 3)


def _wind(reading: Reading, weather: str) -> float:
    said = _WIND[reading.first(vocabulary.WINDS)]
    return 0.95 if weather == "storm" else said


def _grade(reading: Reading) -> Grade:
    return vocabulary.GRADES.get(reading.first(vocabulary.GRADE_WORDS) or "", Grade())


def _features(reading: Reading, place: Place) -> tuple[str, ...]:
    asked = reading.every(table(**place.options)) if place.options else []
    return tuple(sorted({*place.features, *asked}))


def _camera(reading: Reading, place: Place, chance: random.Random) -> Camera:
    move = reading.phrase(vocabulary.PHRASES)
    if move is None and (move := reading.first(vocabulary.MOVES)):
        reading.mark(("pan", "pans", "panning", "moves", "moving"))
    return cameras.MOVES[move] if move else Camera(pan=place.drift * chance.choice((-1, 1)), zoom=place.push)
