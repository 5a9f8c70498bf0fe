"""The subjects of a scene: found in a prompt, put on a stage, drawn, moved, and closed in a loop."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from itertools import combinations

import msgspec
import numpy as np
import pytest

from filmgate.adapters.engines.studio.model.cast import ACTIONS, SUBJECTS
from filmgate.adapters.engines.studio.model.catalogue import PLACES
from filmgate.adapters.engines.studio.model.place import StageArea
from filmgate.adapters.engines.studio.model.scene import Figure, Scene
from filmgate.adapters.engines.studio.model.subject import Way
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render import gl
from filmgate.adapters.engines.studio.render.areas import Box
from filmgate.adapters.engines.studio.render.gl import NoGl, renderer_name
from filmgate.adapters.engines.studio.render.renderer import RenderBackend, renderer_for
from filmgate.adapters.engines.studio.staging import figures
from tests.engines.shop import psnr

WIDTH, HEIGHT = 128, 72
LOOP = 121 / 24
MEDIA = ("land", "water", "air")
"""What subjects can be in; under water is like air."""


def staged(medium: str, name: str, action: str) -> Scene:
    """A subject that does something in a medium, on a stage in front of ink, which is drawn fastest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLACES, "ink", msgspec.structs.replace(PLACES["ink"], stage=StageArea(medium=medium)))
        return imagine(f"ink, a {name} {action}", 3).scene


PERFORMANCES = [
    (name, action, medium)
    for name, subject in SUBJECTS.items()
    for medium in MEDIA
    for action in subject.actions
    if medium in subject.ways and staged(medium, name, action).figures[0].action == action
]
everything = pytest.mark.parametrize(("name", "action", "medium"), PERFORMANCES)


@pytest.fixture(autouse=True, scope="module")
def means() -> RenderBackend:
    """The renderer that draws subjects, where there is one."""
    try:
        renderer_name()
    except NoGl as error:
        pytest.skip(f"no OpenGL here: {error}")
    return RenderBackend("gl")


def drawn(means: RenderBackend, scene: Scene, moments: list[float], period: float = 0.0) -> list[Picture]:
    """Draw moments of a scene."""
    renderer = renderer_for(means, scene, WIDTH, HEIGHT, period)
    try:
        return [renderer.frame(moment).copy() for moment in moments]
    finally:
        renderer.close()


def only(prompt: str) -> Figure:
    """The one figure a prompt leads to."""
    [figure] = imagine(prompt, 1).scene.figures
    return figure


def test_every_subject_does_everything_somewhere() -> None:
    """No motion is out of reach, but for those that take a place under water."""
    shown = {(name, action) for name, action, _ in PERFORMANCES}
    assert {(name, action) for name, subject in SUBJECTS.items() for action in subject.actions} == shown


def test_the_box_follows_the_camera(means: RenderBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the camera has moved and turned, a figure is drawn where it is."""
    scene = imagine("a horse running in the desert, orbit", 3, ("zoom_in", "roll_left", "crane_up")).scene
    within = drawn(means, scene, [8.0, -8.0])
    monkeypatch.setattr(figures, "box", lambda *_: Box(0, 0, WIDTH, HEIGHT))
    for part, whole in zip(within, drawn(means, scene, [8.0, -8.0]), strict=True):
        assert np.abs(part.astype(int) - whole).max() <= 8


@everything
def test_subjects_close_the_loop(means: RenderBackend, name: str, action: str, medium: str) -> None:
    """A subject comes back to where it was: frame N is frame 0, and the step to it is like others.

    Who walks to and fro turns round faster than it walks.
    """
    scene = staged(medium, name, action)
    a, b, c, d, e, f = drawn(means, scene, [index / 24 for index in (0, 1, 60, 61, 120, 121)], LOOP)
    assert psnr(a, f) >= 60
    assert psnr(e, f) > min(psnr(a, b), psnr(c, d)) - 8


@everything
def test_subjects_are_seen_whole_and_move(
    means: RenderBackend, name: str, action: str, medium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subject covers a part of the frame, looks another way a moment later, and its box cuts nothing off."""
    monkeypatch.setattr(gl, "CROWDED", 1.0)  # so that frames with and without it have one size
    scene = staged(medium, name, action)
    [figure] = scene.figures
    back = msgspec.structs.replace(scene, figures=(msgspec.structs.replace(figure, facing=-figure.facing),))
    now, later = drawn(means, scene, [2.5, 2.9])
    bare, bare_later = drawn(means, msgspec.structs.replace(scene, figures=()), [2.5, 2.9])
    other = drawn(means, back, [2.5])[0]
    covered = max((np.abs(a.astype(int) - b).max(axis=2) > 12).mean() for a, b in ((now, bare), (later, bare_later)))
    assert 0.006 < covered < 0.6
    moved = (now.astype(int) - bare) - (later.astype(int) - bare_later)
    assert np.abs(moved).max() > (8 if action in {"stand", "sit"} else 24)
    monkeypatch.setattr(figures, "box", lambda *_: Box(0, 0, WIDTH, HEIGHT))
    wholes = (drawn(means, scene, [2.5])[0], drawn(means, back, [2.5])[0])
    for part, whole in zip((now, other), wholes, strict=True):
        assert np.abs(part.astype(int) - whole).max() <= 8


def test_frames_with_subjects_are_reproducible(means: RenderBackend) -> None:
    """The same prompt and seed give the same cat, to the bit; another seed gives another one."""

    def digest(seed: int) -> str:
        frames = drawn(means, imagine("cat dance", seed).scene, [0.0, 1.0])
        return hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()

    assert digest(3) == digest(3) != digest(4)


def test_subjects_stand_the_same_way_in_every_shape_of_frame(means: RenderBackend) -> None:
    """However narrow the frame, whoever is put on the stage is in it."""
    scene = imagine("three people standing in the desert", 5).scene
    for half in (0.38, 0.67, 0.77):
        for figure in scene.figures:
            at = figures.stand(scene, PLACES["desert"].stage, figure, 0.0, 0.0, half)
            assert abs(at.x) < half


@pytest.mark.parametrize(
    ("prompt", "name", "action", "place"),
    [
        ("cat dance", "cat", "dance", None),
        ("A kitten is dancing in the desert", "cat", "dance", "desert"),
        ("a woman walks through a forest", "person", "walk", "forest"),
        ("puppy", "dog", "walk", None),
        ("a galloping stallion", "horse", "run", None),
        ("seagulls over the sea", "bird", "fly", "ocean"),
        ("a shark jumps", "fish", None, None),
        ("sailing ship at sunset", "boat", "sail", "ocean"),
        ("a ferry on the lake", "boat", "steam", None),
        ("an old taxi", "car", "drive", None),
        ("locomotives in the mountains", "train", "drive", "mountains"),
        ("spaceship", "rocket", "fly", "space"),
        ("an astronaut floating in space", "astronaut", "float", "space"),
        ("hot air balloons", "balloon", "fly", None),
        ("lighthouse", "lighthouse", "shine", "ocean"),
        ("a humpback whale in the ocean", "whale", "blow", "ocean"),
        ("猫跳舞", "cat", "dance", None),
    ],
)
def test_nouns_and_verbs_become_figures(prompt: str, name: str, action: str | None, place: str | None) -> None:
    """Synonyms, plurals and endings lead to a subject, its motion and, where none is named, its home."""
    scene = imagine(prompt, 1).scene
    assert {figure.name for figure in scene.figures} == {name}
    assert action in {None, scene.figures[0].action}
    assert place in {None, scene.name}


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("a dog", 1),
        ("dogs", 2),
        ("three dogs", 3),
        ("a couple", 2),
        ("four cats", 4),
        ("birds", 7),
        ("a flock of geese", 7),
        ("a fish", 1),
        ("fish", 6),
        ("a bird", 1),
        ("three birds", 3),
        ("forty cats", 2),
    ],
)
def test_numbers_are_counted(prompt: str, count: int) -> None:
    """A number before a noun, or its plural, is how many there are; birds and fish keep together."""
    assert len(imagine(prompt, 1).scene.figures) == count


def test_a_scene_and_several_subjects_combine() -> None:
    """All nouns of a prompt are in the picture, from far to near, apart from each other and smaller than alone."""
    scene = imagine("a man, a dog and a horse in the desert with a balloon and a bird", 1).scene
    assert {figure.name for figure in scene.figures} == {"person", "dog", "horse", "balloon", "bird"}
    assert [figure.depth for figure in scene.figures] == sorted(figure.depth for figure in scene.figures)
    assert min(abs(a.x - b.x) for a, b in combinations(scene.figures, 2)) > 0.05
    man, dog = (next(f for f in scene.figures if f.name == name) for name in ("person", "dog"))
    assert dog.metres < man.metres < only("a man").metres


def test_a_colour_before_a_noun_is_that_of_the_subject() -> None:
    """A red car makes no red sky, and a red sky makes no red car."""
    red = only("a red car in the desert").colour
    assert red is not None
    assert red[0] > 2 * red[1]
    plain, red_car, red_desert = (
        imagine(prompt, 1).scene.palette.sky
        for prompt in ("a car in the desert", "a red car in the desert", "red desert")
    )
    assert red_car[0] / red_car[2] == pytest.approx(plain[0] / plain[2], rel=0.15)
    assert red_desert[0] / red_desert[2] > 1.3 * plain[0] / plain[2]


def test_who_cannot_be_there_is_not_and_the_words_say_so() -> None:
    """A boat in a desert is left out and its word is told to be of no use; the desert stays."""
    idea = imagine("a boat in the desert", 1)
    assert (idea.scene.name, idea.scene.figures) == ("desert", ())
    assert "boat" in idea.ignored


def test_words_of_subjects_are_used() -> None:
    """Nouns, their numbers, colours and verbs are told to be of use; verbs of nobody are not."""
    idea = imagine("two grumpy black cats dancing in the desert, swimming", 1)
    assert idea.used == ["two", "black", "cats", "dancing", "desert"]
    assert idea.ignored == ["grumpy", "swimming"]


def test_a_scene_without_subjects_says_so() -> None:
    """Where the renderer cannot draw subjects, their words are of no use."""
    idea = imagine("cat dance in the desert", 1, peopled=False)
    assert (idea.scene.figures, idea.used) == ((), ["desert"])
    assert idea.ignored == ["cat", "dance"]


def test_land_animals_take_a_raft_and_float_in_space() -> None:
    """Somebody who can neither swim nor fly is shown all the same."""
    assert only("a cat on the ocean").way == Way.RAFT
    assert only("a cat in space").way == Way.ADRIFT
    assert only("a cat walking in space").action == "float"
    assert only("a cat in the desert").way == Way.GROUND


@pytest.mark.parametrize("name", SUBJECTS)
def test_entries_are_whole(name: str) -> None:
    """What an entry names exists: its GLSL, its actions and their words, the media, one home at least."""
    subject = SUBJECTS[name]
    assert (files("filmgate.adapters.engines.studio.render") / "subjects" / f"{name}.glsl").is_file()
    assert set(subject.usual.values()) <= set(subject.actions)
    assert set(subject.ways) <= {"land", "water", "deep", "air"}
    assert set(subject.actions) <= set(ACTIONS)
    assert set(subject.homes) & set(PLACES)
    assert subject.colours


def test_no_noun_means_two_subjects() -> None:
    """Each word leads to one subject."""
    words = [word for subject in SUBJECTS.values() for word in subject.words.split()]
    assert len(words) == len(set(words))
