"""What the studio does besides clips: pictures, upscales, reframes and directed cameras, and what it refuses."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.adapters.engines.studio.job.order import order_of
from filmgate.adapters.engines.studio.job.retake import retake
from filmgate.adapters.engines.studio.job.take import plan
from filmgate.adapters.engines.studio.model.cameras import MOVES, combine
from filmgate.adapters.engines.studio.model.scene import Camera, Scene, pose
from filmgate.adapters.engines.studio.pixels import film
from filmgate.adapters.engines.studio.pixels import picture as pictures
from filmgate.adapters.engines.studio.pixels.reel import Reel
from filmgate.adapters.engines.studio.prompt.imagine import imagine, unread
from filmgate.adapters.engines.studio.render.renderer import RenderBackend, probe, renderer_for
from filmgate.adapters.engines.worker import JobFailed
from filmgate.domain.errors import EngineFailed
from filmgate.domain.generation import (
    Generation,
    Guide,
    GuideRole,
    ImageFormat,
    Kind,
    Operation,
    Reference,
    ReferenceKind,
)
from filmgate.domain.sizes import frame_size
from filmgate.ports.engine import Clip, Job, Product
from tests.engines.shop import Shop, clip, decoded, picture, psnr

RENDERED = pytest.mark.asyncio(loop_scope="session")

KEYS = [
    "truck_left",
    "pan_right",
    "pedestal_down",
    "low_angle",
    "pedestal_up",
    "selfie",
    "pan_left",
    "roll_right",
    "zoom_in",
    "over_the_shoulder",
    "orbit_right",
    "orbit_left",
    "static",
    "tiny_planet",
    "high_angle",
    "bolt_cam",
    "dolly_zoom",
    "overhead",
    "zoom_out",
    "handheld",
    "roll_left",
    "pov",
    "aerial_drone",
    "push_in",
    "crane_down",
    "truck_right",
    "tilt_down",
    "elevator_doors",
    "tilt_up",
    "ground_level",
    "pull_out",
    "aerial",
    "crane_up",
    "eye_level",
]
"""Every key that clients send."""


def still(notes: dict[str, Any], width: int, height: int) -> np.ndarray:
    """Draw the picture that notes describe, at full scale."""
    renderer = renderer_for(probe(), msgspec.convert(notes["scene"], Scene), width, height, 0.0, still=True)
    try:
        return pictures.cover(renderer.frame(notes["first_frame"] / 24), width, height)
    finally:
        renderer.close()


@RENDERED
async def test_picture_is_a_still_of_the_scene(shop: Shop) -> None:
    """A PNG shows the moment two seconds into the scene with every pixel drawn, and its notes tell how to draw it."""
    made = await shop.make("winter forest", kind=Kind.IMAGE, image_format=ImageFormat.PNG, aspect_ratio="9:21")
    assert made.file.suffix == ".png"
    with Image.open(made.file) as image:
        assert (image.format, image.size) == ("PNG", frame_size("9:21", "540p"))
        assert np.array_equal(np.asarray(image), still(made.notes, *image.size))
    expected = {"technique": "scene", "first_frame": 48, "frames": 1, "loop": 0, "preview": True}
    assert {key: made.notes[key] for key in expected} == expected
    assert (made.notes["words_used"], made.notes["scene"]["name"]) == (["winter", "forest"], "forest")


@RENDERED
async def test_picture_is_a_jpeg_unless_asked_otherwise(shop: Shop) -> None:
    """Without a format, and even where a loop is asked for, a picture is one JPEG."""
    made = await shop.make("pink ink", kind=Kind.IMAGE, loop=True)
    assert made.file.suffix == ".jpg"
    with Image.open(made.file) as image:
        assert (image.format, image.size) == ("JPEG", (960, 540))
        assert psnr(np.asarray(image), still(made.notes, 960, 540)) > 35


@RENDERED
async def test_picture_can_be_framed_anew(shop: Shop) -> None:
    """A reframed picture is the same moment of the same scene in another shape, and can be framed again."""
    made = await shop.make("pink ink", kind=Kind.IMAGE, image_format=ImageFormat.PNG)
    asked: dict[str, Any] = {"kind": Kind.IMAGE, "named": Operation.REFRAME, "image_format": ImageFormat.PNG}
    square = await shop.make("", start=clip(made), aspect_ratio="1:1", resolution=None, **asked)
    assert (square.notes["scene"], square.notes["first_frame"]) == (made.notes["scene"], 48)
    with Image.open(square.file) as image:
        assert image.size == frame_size("1:1", "540p")
        assert np.array_equal(np.asarray(image), still(made.notes, *image.size))
    back = await shop.make("", start=clip(square), aspect_ratio="16:9", **asked)
    assert back.file.read_bytes() == made.file.read_bytes()


@RENDERED
async def test_clip_can_be_framed_anew(ink: Product, tall: Product) -> None:
    """A reframe has the moments of its source in another shape, at the source's resolution where none is asked for."""
    assert film.facts(tall.file) == film.ClipInfo(540, 960, 25)
    assert {**tall.notes, "words_used": [], "words_ignored": []} == {
        **ink.notes,
        "words_used": [],
        "words_ignored": [],
    }
    assert psnr(decoded(tall.file)[0], still(ink.notes, 540, 960)) > 28


@RENDERED
async def test_upscale_is_the_same_film_with_more_pixels(shop: Shop, ink: Product) -> None:
    """An upscale shows the very moments of its source at the next resolution, and can be extended like it."""
    large = await shop.make("", start=clip(ink), named=Operation.UPSCALE, resolution=None, aspect_ratio="1:1")
    assert film.facts(large.file) == film.ClipInfo(1280, 720, 25)
    assert large.notes["scene"] == ink.notes["scene"]
    for before, after in list(zip(decoded(ink.file), decoded(large.file), strict=True))[::8]:
        assert psnr(before, pictures.cover(after, 960, 540)) > 32


@RENDERED
@pytest.mark.parametrize("operation", [Operation.UPSCALE, Operation.REFRAME])
async def test_foreign_clip_is_not_taken_again(shop: Shop, ink: Product, operation: Operation) -> None:
    """What has no scene of ours ends the task with a sentence that names the engine."""
    with pytest.raises(EngineFailed) as caught:
        await shop.make("", start=Clip(ink.file, {}), named=operation, resolution="1080p")
    assert caught.value.failure.code == "unsupported_by_engine"
    assert caught.value.failure.message.startswith(f"The engine studio cannot {operation}")


class Archive:
    """Earlier works of two frames with notes that fit, and the plans to take them again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.means: RenderBackend = probe()

    def work(self, width: int = 960, height: int = 540, **noted: Any) -> Clip:
        path = self.folder / f"{width}x{height}.mp4"
        film.write(path, [np.full((40, 60, 3), shade, np.uint8) for shade in (90, 160)], width, height)
        scene = msgspec.to_builtins(imagine("ink", 1).scene)
        notes = {"engine": "studio", "scene": scene, "renderer": self.means.renderer}
        return Clip(path, notes | {"first_frame": -25, "frames": 2, "loop": 121} | noted)

    def plan(self, start: Clip | Path | None, operation: Operation, **asked: Any) -> Reel:
        job = Job("task-1", 1, Generation("", named=operation, **asked), self.folder, start=start)
        return retake(order_of(job, "draft"), self.means)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A folder of earlier works."""
    return Archive(tmp_path)


@pytest.mark.parametrize(
    ("source", "asked", "target"),
    [
        ((1360, 752), None, (1920, 1080)),
        ((540, 960), None, (720, 1280)),
        ((1464, 632), "1080p", (2200, 944)),
        ((720, 720), "4k", (2880, 2880)),
        ((1664, 1248), None, (3328, 2496)),
    ],
)
def test_upscale_keeps_the_shape_and_goes_up(
    archive: Archive, source: tuple[int, int], asked: str | None, target: tuple[int, int]
) -> None:
    """The resolution asked for, else the next one above the source, in the source's shape, with all its moments."""
    reel = archive.plan(archive.work(*source), Operation.UPSCALE, resolution=asked, aspect_ratio="4:3")
    assert (reel.width, reel.height) == target
    assert (reel.first, reel.count, reel.loop, reel.technique) == (-25, 2, 121, "scene")


@pytest.mark.parametrize(("source", "asked"), [((3840, 2160), None), ((1280, 720), "720p"), ((1920, 1080), "540p")])
def test_upscale_never_goes_down(archive: Archive, source: tuple[int, int], asked: str | None) -> None:
    """What would not become larger is a verdict that gives the size."""
    with pytest.raises(JobFailed, match=f"The engine draft cannot upscale a clip of {source[0]}x{source[1]}") as caught:
        archive.plan(archive.work(*source), Operation.UPSCALE, resolution=asked)
    assert caught.value.code == "unsupported_by_engine"


@pytest.mark.parametrize(
    ("source", "ratio", "asked", "target"),
    [
        ((1360, 752), "9:16", None, (752, 1360)),
        ((1280, 720), "1:1", None, (960, 960)),
        ((1280, 720), "21:9", "540p", (1096, 472)),
        ((2200, 944), "4:3", None, (1664, 1248)),
    ],
)
def test_reframe_keeps_the_resolution(
    archive: Archive, source: tuple[int, int], ratio: str, asked: str | None, target: tuple[int, int]
) -> None:
    """A reframe has the shape asked for, and the source's resolution unless another one is asked for."""
    reel = archive.plan(archive.work(*source), Operation.REFRAME, aspect_ratio=ratio, resolution=asked)
    assert (reel.width, reel.height) == target
    assert (reel.first, reel.count, reel.loop) == (-25, 2, 121)


@pytest.mark.parametrize(
    "noted",
    [
        {"engine": "other"},
        {"scene": None, "technique": "drift"},
        {"scene": {"name": "a scene of another version"}},
        {"renderer": "another"},
        {"frames": 3},
    ],
)
def test_only_scenes_that_can_be_drawn_again_are(archive: Archive, noted: dict[str, Any]) -> None:
    """Works of other engines, versions and renderers, from images, or that were cut, are refused with a sentence."""
    for operation in (Operation.UPSCALE, Operation.REFRAME):
        with pytest.raises(JobFailed, match=f"The engine draft cannot {operation}") as caught:
            archive.plan(archive.work(**noted), operation)
        assert caught.value.code == "unsupported_by_engine"


def test_a_bare_picture_or_nothing_is_not_taken_again(archive: Archive, tmp_path: Path) -> None:
    """A picture from elsewhere has no scene; neither has what was not given."""
    for start in (picture(tmp_path / "a.png", 96, 54), None):
        with pytest.raises(JobFailed, match="cannot reframe"):
            archive.plan(start, Operation.REFRAME, kind=Kind.IMAGE)


IMAGE = Reference(ReferenceKind.IMAGE, "https://example.com/a.png")
VIDEO = Reference(ReferenceKind.VIDEO, "https://example.com/a.mp4")


@pytest.mark.parametrize(
    ("generation", "reason"),
    [
        (Generation("x", named=Operation.MODIFY, start=VIDEO), "modify"),
        (Generation("x", named=Operation.ADD_AUDIO, start=VIDEO), "audio"),
        (Generation("x", kind=Kind.IMAGE, guides=(Guide(GuideRole.STYLE, "https://example.com/a.png"),)), "pictures"),
        (Generation("x", kind=Kind.IMAGE, start=IMAGE), "picture from a picture"),
        (Generation("x", kind=Kind.IMAGE, end=IMAGE), "picture from a picture"),
    ],
)
def test_what_takes_more_than_scenes_is_refused(generation: Generation, reason: str) -> None:
    """The refusal names the engine as its operator did, and says what it cannot."""
    refusal = StudioEngine("draft").refuse(generation)
    assert refusal is not None
    assert refusal.code == "unsupported_by_engine"
    assert refusal.message.startswith("The engine draft cannot ")
    assert reason in refusal.message


@pytest.mark.parametrize(
    "generation",
    [
        Generation("anything"),
        Generation("", start=IMAGE, end=VIDEO),
        Generation("x", kind=Kind.IMAGE),
        Generation("", kind=Kind.IMAGE, named=Operation.REFRAME, start=IMAGE),
        Generation("", named=Operation.UPSCALE, start=VIDEO),
        Generation("x", concepts=("selfie", "no such thing")),
    ],
)
def test_everything_else_is_not_refused(generation: Generation) -> None:
    """Every other generation is tried."""
    assert StudioEngine().refuse(generation) is None


@pytest.mark.parametrize(
    ("keys", "field", "sign"),
    [
        ("pan_left truck_left orbit_left", "pan", -1),
        ("pan_right truck_right orbit_right", "pan", 1),
        ("zoom_in push_in bolt_cam pov aerial_drone", "zoom", 1),
        ("zoom_out pull_out", "zoom", -1),
        ("tilt_up pedestal_up crane_up aerial", "rise", 1),
        ("tilt_down pedestal_down crane_down", "rise", -1),
        ("roll_left", "roll", 1),
        ("roll_right", "roll", -1),
        ("handheld pov", "shake", 1),
    ],
)
def test_concepts_direct_the_camera(keys: str, field: str, sign: int) -> None:
    """Each camera move does what it is called, whatever the prompt says of the camera."""
    for key in keys.split():
        idea = imagine("ocean, camera pans left, zoom out", 1, (key,))
        assert getattr(idea.scene.camera, field) * sign > 0
        assert idea.used == ["ocean", key]


def test_concepts_are_used_or_named_as_ignored() -> None:
    """Every key is taken; what the scenes cannot show is listed with the words of no use, each once."""
    idea = imagine("grumpy ocean", 1, (*KEYS, *KEYS, "no such thing"))
    assert set(idea.used) == {"ocean", *MOVES}
    assert idea.ignored == ["grumpy", *(key for key in KEYS if key not in MOVES), "no such thing"]
    assert set(MOVES) < set(KEYS)
    assert unread("more ink", ["zoom_in"]) == ["more", "ink", "zoom_in"]
    assert len(unread("ink", [f"key{number}" for number in range(100)])) == 40


def test_concepts_only_change_the_camera() -> None:
    """The same prompt with a directed camera is the same place in the same light."""
    plain, static = imagine("ocean, pan left", 1).scene, imagine("ocean, pan left", 1, ("static",)).scene
    assert msgspec.structs.replace(static, camera=plain.camera) == plain
    assert static.camera == Camera(pan=0.0)
    assert imagine("ocean", 1, ("selfie",)).scene == imagine("ocean", 1).scene


def test_moves_add_up() -> None:
    """Several moves are made at once."""
    both = combine(("pan_left", "zoom_in"))
    assert (both.pan, both.zoom) == (MOVES["pan_left"].pan, MOVES["zoom_in"].zoom)
    assert combine(("pan_left", "pan_right")).pan == 0


def test_a_hand_trembles_without_jumps_and_closes_in_a_loop() -> None:
    """A camera in the hand moves a little all the time, and in a loop is back after one period."""
    camera = combine(("handheld",))
    places = [pose(camera, step / 24, 0.0) for step in range(-120, 480)]
    assert max(abs(place.x) for place in places) < 0.01
    assert max(place.x for place in places) - min(place.x for place in places) > 0.003
    assert max(abs(a.x - b.x) for a, b in pairwise(places)) < 0.002
    start, end = pose(camera, 0.0, 121 / 24), pose(camera, 121 / 24, 121 / 24)
    assert msgspec.structs.astuple(end) == pytest.approx(msgspec.structs.astuple(start), abs=1e-9)


def test_quality_is_an_option_of_the_engine(tmp_path: Path) -> None:
    """Draft, standard or high; anything else is refused with what there is, when the service starts."""
    job = Job("task-1", 1, Generation("ink"), tmp_path)
    assert order_of(job, "studio").quality == "standard"
    assert StudioEngine(options={"quality": "draft"})._quality == "draft"
    with pytest.raises(ValueError, match="draft, standard, high"):
        StudioEngine(options={"quality": "best"})
    with pytest.raises(ValueError, match='no key "speed"'):
        StudioEngine(options={"speed": 9})


def test_extends_are_drawn_as_well_as_their_source(archive: Archive) -> None:
    """A draft is continued as a draft and upscaled as well as its engine can."""
    draft = archive.work(quality="draft")
    job = Job("task-1", 1, Generation("", duration=1), archive.folder, start=draft)
    reel = plan(order_of(job, "studio", "high"), imagine("ink", 1).scene, archive.means)
    assert (reel.technique, reel.quality) == ("scene", "draft")
    assert archive.plan(draft, Operation.UPSCALE).quality == "standard"
