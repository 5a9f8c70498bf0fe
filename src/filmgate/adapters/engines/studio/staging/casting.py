"""Who is in a scene: from the nouns, numbers, colours and verbs of a prompt to figures on a stage."""

from __future__ import annotations

import random

import msgspec

from filmgate.adapters.engines.studio.model.cast import ACTIONS, SUBJECTS
from filmgate.adapters.engines.studio.model.palettes import COLOURS
from filmgate.adapters.engines.studio.model.place import StageArea
from filmgate.adapters.engines.studio.model.scene import Colour, Figure
from filmgate.adapters.engines.studio.model.subject import Course, Subject, Way
from filmgate.adapters.engines.studio.prompt.reader import Reading
from filmgate.adapters.engines.studio.prompt.vocabulary import COLOUR_WORDS, meaning, table

MAX_FIGURES = 6
"""Figures in a scene, at most."""

_NUMBERS = {
    "two": 2,
    "pair": 2,
    "couple": 2,
    "both": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "several": 3,
    "many": 5,
}
_NOUNS = table(**{name: subject.words for name, subject in SUBJECTS.items()})
_VERBS = table(**ACTIONS)
_SEVERAL = frozenset(table(several="people children flock geese shoal"))
"""Nouns that mean more than one as they are."""

_EITHER = frozenset(table(either="fish goldfish salmon koi tuna trout 鸟 鱼"))
"""Nouns that mean more than one unless one of the next words stands before them."""

_ONE = frozenset(table(one="a an one single lone lonely"))
_BEFORE = 3
"""How many words before a noun its number and colour may stand."""

_ONLY = {
    "walk": {Way.GROUND},
    "run": {Way.GROUND},
    "float": {Way.ADRIFT},
    "swim": {Way.ADRIFT},
    "leap": {Way.AFLOAT},
    "blow": {Way.AFLOAT},
}
"""The ways in which alone something can be done."""

_CLOSER = 1.6
"""How much nearer one comes to somebody small on a large water, and to a single one of a kind that goes in crowds."""


_NEAR = 0.13
"""Units of a metre near the camera, at least, for who stands on the ground of a wide place."""


class CastRole(msgspec.Struct, frozen=True):
    """One noun of the prompt: what it names, how many, in which colour if any, and all the words that say so."""

    name: str
    count: int
    colour: Colour | None
    words: tuple[str, ...]

    @property
    def subject(self) -> Subject:
        """What is known of it."""
        return SUBJECTS[self.name]


def roles(reading: Reading) -> list[CastRole]:
    """Find the nouns the cast knows, each kind once, in order. Marks nothing as used."""
    found: dict[str, CastRole] = {}
    before: list[str] = []
    for word in reading.words:
        name = meaning(word, _NOUNS)
        if name and name not in found:
            found[name] = _role(name, word, before[-_BEFORE:])
        before = [] if name else [*before, word]
    return list(found.values())


def home_of(cast: list[CastRole], places: list[str], chance: int) -> str | None:
    """Choose a place for a cast when none is named: a home of the first subject with one."""
    for role in cast:
        homes = [home for home in role.subject.homes if home in places]
        if homes:
            return homes[chance % len(homes)]
    return None


def figures(reading: Reading, cast: list[CastRole], stage: StageArea, chance: random.Random) -> tuple[Figure, ...]:
    """Put the cast on a stage, from far to near. Removes the words of possible subjects from the reading."""
    there = [role for role in cast if stage.medium in role.subject.ways]
    actors = [role for role in there for _ in range(1 if role.subject.crowd else role.count)][:MAX_FIGURES]
    facing = chance.choice((1, -1))
    placed = [
        figure
        for index, role in enumerate(actors)
        for figure in _crowd(_figure(role, (index, len(actors)), facing, reading, stage, chance), role, stage, chance)
    ]
    for role in there:
        reading.take(role.words)
    reading.take(_verbs(reading, {figure.action for figure in placed}))
    return tuple(sorted(placed, key=lambda figure: figure.depth))


def _role(name: str, noun: str, before: list[str]) -> CastRole:
    numbers = [word for word in before if word in _NUMBERS]
    colours = [word for word in before if word in COLOUR_WORDS]
    count = _NUMBERS.get(numbers[-1] if numbers else noun) or _usual_count(name, noun, before)
    colour = COLOURS[COLOUR_WORDS[colours[-1]]] if colours else None
    return CastRole(name, count, colour, (*numbers[-1:], *colours[-1:], noun))


def _usual_count(name: str, noun: str, before: list[str]) -> int:
    """How many there are when no number is named."""
    plural = noun not in _NOUNS and noun.endswith("s")
    several = plural or noun in _SEVERAL or (noun in _EITHER and not _ONE & set(before))
    return max(2, len(SUBJECTS[name].crowd)) if several else 1


def _crowd(first: Figure, role: CastRole, stage: StageArea, chance: random.Random) -> list[Figure]:
    """Return the figures of a role: the first, and its companions beside it or, on water, behind it."""
    size = first.metres * stage.metre * first.depth
    afloat = first.way == Way.AFLOAT
    return [first] + [
        msgspec.structs.replace(
            first,
            x=round(first.x + first.facing * ahead * size, 3),
            y=round(first.y + up * size, 3),
            depth=round(first.depth * (1.0 - 0.07 * index * afloat), 3),
            metres=first.metres * share,
            phase=round(chance.random(), 3),
        )
        for index, (ahead, up, share) in enumerate(role.subject.crowd[1 : role.count], 1)
    ]


def _figure(
    role: CastRole, place: tuple[int, int], facing: int, reading: Reading, stage: StageArea, chance: random.Random
) -> Figure:
    """Put one figure of several on a stage. Moving figures all look one way."""
    index, count = place
    subject = role.subject
    way = subject.ways[stage.medium]
    action = _action(subject, way, reading)
    apart = (index + 0.5) / count - 0.5
    metres = subject.alone if count == 1 else (subject.alone * subject.metres) ** 0.5
    if way is Way.RAFT or (subject.crowd and role.count == count == 1):
        metres *= _CLOSER
    elif way is Way.GROUND:
        metres *= max(1.0, min(_CLOSER, _NEAR / stage.metre))
    depth = _depth(way, subject, index, count)
    across = 1.05 * apart + chance.uniform(-0.06, 0.06) if count > 1 else chance.uniform(-0.10, 0.10)
    return Figure(
        name=role.name,
        x=round(across, 3),
        y=round(_height(way, metres * stage.metre * depth, chance), 3),
        depth=round(depth, 3),
        metres=metres,
        way=way,
        action=action,
        facing=facing if subject.actions[action].course is not Course.STAY or count == 1 else (1 if apart < 0 else -1),
        phase=round(chance.random(), 3),
        colour=role.colour or chance.choice(subject.colours),
    )


def _depth(way: Way, subject: Subject, index: int, count: int) -> float:
    """Return the depth of a figure: farther in a crowd, and farther for tall subjects, so that they fit."""
    row = (index * 2) % 3 if count > 2 else index % 2
    back = {Way.ALOFT: 0.75, Way.AFLOAT: 0.8}.get(way, 0.94)
    return float(back * (1.0 - 0.13 * row) * min(1.0, (3.4 / subject.metres) ** 0.6))


def _height(way: Way, size: float, chance: random.Random) -> float:
    """Return the height of the foot above the middle of the frame, for subjects without ground."""
    if way is Way.ALOFT:
        return 0.34 - size - chance.uniform(0.0, 0.05)
    return -size / 2 + chance.uniform(-0.07, 0.03)


def _action(subject: Subject, way: Way, reading: Reading) -> str:
    """Return the requested action if the subject has it, else its usual one in this place."""
    usual = subject.usual.get(way) or next(iter(subject.actions))
    asked = (meaning(word, _VERBS) for word in reading.words)
    return next((action for action in asked if action in subject.actions and _fits(action, way)), usual)


def _fits(action: str, way: Way) -> bool:
    """Nobody walks in the air or leaps out of the ground."""
    return way in _ONLY.get(action, set(Way))


def _verbs(reading: Reading, actions: set[str]) -> list[str]:
    return [word for word in reading.words if (meaning(word, _VERBS) or "") in actions]
