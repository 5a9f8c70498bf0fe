"""From prompts to scenes."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from filmgate.adapters.engines.studio.model.cameras import MOVES
from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.scene import Camera, Scene, pose
from filmgate.adapters.engines.studio.prompt.imagine import imagine, seed_of


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("ocean waves at sunset", "ocean"),
        ("a hurricane at sea", "storm"),
        ("thunder and lightning", "storm"),
        ("snowy mountains", "mountains"),
        ("first snow of the year", "snow"),
        ("misty forests in autumn", "forest"),
        ("a snowy forest", "forest"),
        ("desert dunes", "desert"),
        ("neon city streets at night", "city"),
        ("a ringed planet and a purple nebula", "space"),
        ("the aurora borealis", "aurora"),
        ("a volcano erupting", "volcano"),
        ("fire", "volcano"),
        ("diving along a coral reef", "underwater"),
        ("flowing pink ink", "ink"),
        ("a dreamy ocean", "ocean"),
        ("大海上的日落", "ocean"),
        ("森林里", "forest"),
    ],
)
def test_nouns_choose_the_scene(prompt: str, name: str) -> None:
    """Words, their plurals and their relatives lead to the scene nearest to them."""
    assert imagine(prompt, 1).scene.name == name


def test_unknown_prompts_are_spread_over_all_scenes() -> None:
    """A prompt without a known word gets a scene all the same, always the same one."""
    prompts = [f"qwrtz{'abcdefghij'[i % 10] * (1 + i // 10)}" for i in range(40)]
    names = [imagine(prompt, 1).scene.name for prompt in prompts]
    assert set(names) == set(PLACES)
    assert names == [imagine(prompt, 2).scene.name for prompt in prompts]


@pytest.mark.parametrize("prompt", ["", "   ", "!!!", "12345", "\U0001f30a", "x" * 5000, "sea " * 1200])
def test_no_prompt_is_an_error(prompt: str) -> None:
    """Whatever is sent, there is a scene for it."""
    assert imagine(prompt, 1).scene.name in set(PLACES)


def test_time_weather_colour_and_camera_are_read() -> None:
    """The vocabulary covers more than nouns."""
    scene = imagine("a stormy sea at night, camera pans left", 1).scene
    assert (scene.time, scene.weather, scene.wind) == ("night", "storm", 0.95)
    assert scene.camera.pan < -0.02
    assert imagine("zoom in on a tree", 1).scene.camera.zoom > 0
    green, red = (imagine(f"{colour} ink", 1).scene.palette.accent for colour in ("green", "red"))
    assert green[1] > green[0]
    assert red[0] > red[1]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("mountains", {"time": "day", "weather": "fair", "season": "summer"}),
        ("mountains at dusk", {"time": "sunset"}),
        ("mountains in the fog", {"time": "dawn", "weather": "fog", "fog": 1.0}),
        ("mountains in winter", {"season": "winter", "weather": "snow"}),
        ("a forest in autumn", {"season": "autumn", "weather": "fair"}),
        ("a desert in winter", {"season": "winter", "weather": "clear"}),
        ("a city in the rain", {"time": "night", "weather": "rain"}),
        ("a sunny city in the rain at noon", {"time": "day", "weather": "rain"}),
        ("a cyberpunk city", {"time": "night", "features": ("neon",)}),
        ("a volcano", {"time": "night"}),
        ("saturn", {"features": ("rings",)}),
        ("a windy sea", {"wind": 0.95}),
        ("a calm sea", {"wind": 0.15}),
    ],
)
def test_modifiers_change_what_they_name(prompt: str, said: dict[str, Any]) -> None:
    """Time, weather, season and wind are read in every place that has them; what is not said, the place says."""
    scene = msgspec.structs.asdict(imagine(prompt, 1).scene)
    assert {key: scene[key] for key in said} == said


def test_moods_are_ways_to_develop_the_film() -> None:
    """A mood changes exposure, contrast, saturation or warmth, and nothing else."""
    plain, dark, vintage = (imagine(prompt, 1).scene.grade for prompt in ("ocean", "gloomy ocean", "vintage ocean"))
    assert dark.exposure < plain.exposure
    assert vintage.saturation < plain.saturation
    assert vintage.warmth > plain.warmth


def test_places_without_a_sky_ignore_the_weather() -> None:
    """Words that cannot change anything are said to be of no use."""
    idea = imagine("rain in space in winter", 1)
    assert (idea.used, idea.ignored) == (["space"], ["rain", "winter"])


@pytest.mark.parametrize(
    ("prompt", "move"),
    [("zoom out over the ocean", "zoom_out"), ("handheld city", "handheld"), ("dolly out, desert", "pull_out")],
)
def test_the_camera_is_directed_in_words(prompt: str, move: str) -> None:
    """Phrases of two words come before single words."""
    assert imagine(prompt, 1).scene.camera == MOVES[move]


def test_words_used_and_ignored_are_named() -> None:
    """The notes say which words made the scene and which did nothing."""
    idea = imagine("a grumpy ocean at sunset with accountants", 1)
    assert idea.used == ["ocean", "sunset"]
    assert idea.ignored == ["grumpy", "accountants"]


def test_lists_of_words_are_bounded() -> None:
    """A prompt of a thousand words does not end up in the notes."""
    idea = imagine(" ".join(f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(600)), 1)
    assert len(idea.ignored) <= 40


def test_the_seed_makes_the_take() -> None:
    """The same prompt and seed give the same scene, another seed another one of the same kind."""
    first, again, other = (imagine("ocean at dawn", seed).scene for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert (first.name, first.time) == (other.name, other.time)
    assert seed_of("task-1") == seed_of("task-1") != seed_of("task-2")


@pytest.mark.parametrize("prompt", ["ocean", "saturn", "snowy forest", "ink"])
def test_scenes_survive_being_stored(prompt: str) -> None:
    """A scene is plain JSON and comes back equal."""
    scene = imagine(prompt, 7).scene
    assert msgspec.json.decode(msgspec.json.encode(scene), type=Scene) == scene


def test_the_camera_is_closed_in_a_loop_and_steady_otherwise() -> None:
    """After one period the camera is where it was; without a loop it never jumps, before the start either."""
    camera = Camera(pan=0.03, rise=0.02, zoom=0.05, roll=0.01)
    start, end = pose(camera, 0.0, 5.0), pose(camera, 5.0, 5.0)
    assert msgspec.structs.astuple(end) == pytest.approx(msgspec.structs.astuple(start), abs=1e-9)
    places = [pose(camera, step / 24, 0.0) for step in range(-480, 2400)]
    assert max(abs(a.x - b.x) + abs(a.view - b.view) for a, b in pairwise(places)) < 0.006


def test_importing_the_engine_is_cheap() -> None:
    """The service's own process never loads the libraries that draw and encode."""
    program = (
        "import sys; from filmgate.adapters.engines.studio import StudioEngine; StudioEngine(); "
        "print(sorted({'av', 'cv2', 'numpy', 'moderngl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
