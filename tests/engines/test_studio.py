"""The studio engine from a job to a file."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.domain.errors import EngineCrashed, EngineFailed
from filmgate.domain.generation import Generation
from filmgate.domain.sizes import ASPECT_RATIOS, frame_size
from filmgate.ports.engine import Clip, Job, Product

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL = {"resolution": "540p", "duration": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio() -> AsyncIterator[StudioEngine]:
    """An engine with one slot and so one worker, which is used again by all tests."""
    engine = StudioEngine()
    yield engine
    await engine.close()


class Shop:
    """Orders clips and keeps their files apart."""

    def __init__(self, engine: StudioEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.count = 0
        self.progress: list[int] = []

    def job(self, prompt: str, *, start: Any = None, end: Any = None, **asked: Any) -> Job:
        self.count += 1
        workdir = self.folder / f"job{self.count}"
        workdir.mkdir()
        generation = Generation(prompt, **(SMALL | asked))
        return Job("task-1", 1, generation, workdir, start=start, end=end)

    async def make(self, prompt: str, *, start: Any = None, end: Any = None, **asked: Any) -> Product:
        self.progress = []
        job = self.job(prompt, start=start, end=end, **asked)
        product = await self.engine.run(job, self.progress.append)
        assert product.video.parent == job.workdir
        return product


@pytest.fixture
def shop(studio: StudioEngine, tmp_path: Path) -> Shop:
    """A place to order clips of one second at 540p."""
    return Shop(studio, tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sea(studio: StudioEngine, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """One clip of the ocean that several tests look at or go on from."""
    return await Shop(studio, tmp_path_factory.mktemp("sea")).make("a grumpy ocean at sunset, camera pans left")


def decoded(path: Path) -> list[np.ndarray]:
    """Decode all frames."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def packets(path: Path) -> list[bytes]:
    """Give the encoded frames."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def clip(product: Product) -> Clip:
    """The product as the input of the next job."""
    return Clip(product.video, product.notes)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Likeness in decibels; equal pictures are 99."""
    error = float(np.mean((a[::3, ::3].astype(np.float32) - b[::3, ::3]) ** 2))
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def picture(path: Path, width: int, height: int, hue: int = 0) -> Path:
    """Write a PNG with gradients and a disc."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - width // 2) ** 2 + (y - height // 2) ** 2 < (height // 3) ** 2
    channels = [x * 255 // width, y * 255 // height, np.where(disc, 220, 40 + hue)]
    Image.fromarray(np.stack(channels, axis=2).astype(np.uint8)).save(path)
    return path


async def test_clip_is_what_players_expect(sea: Product) -> None:
    """H.264 in MP4, 24 frames per second, the true number of frames, BT.709 limited range, index in front."""
    with av.open(str(sea.video)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 960, 540)
        assert (stream.average_rate, stream.frames) == (24, 25)
        assert (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range) == (1, 1, 1, 1)
    assert len(decoded(sea.video)) == 25
    head = sea.video.read_bytes()[:4096]
    assert b"ftyp" in head and b"moov" in head  # noqa: PT018


async def test_notes_tell_what_was_made(sea: Product) -> None:
    """The notes are a preview's: the scene, how it was drawn, and which words were of use."""
    notes = sea.notes
    assert (notes["engine"], notes["preview"], notes["frames"], notes["first_frame"]) == ("studio", True, 25, 0)
    assert notes["scene"]["name"] == "ocean"
    assert notes["renderer"] in {"gl", "reduced"}
    assert (notes["words_used"], notes["words_ignored"]) == (["ocean", "sunset", "pans", "left"], ["grumpy"])


async def test_progress_rises_to_the_end(shop: Shop) -> None:
    """Percents never fall, and 100 is left to the service, which has yet to keep the file."""
    await shop.make("ink")
    assert shop.progress == sorted(shop.progress)
    assert len(shop.progress) >= 25
    assert (shop.progress[0], shop.progress[-1]) == (0, 99)


@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
async def test_every_shape_of_frame(shop: Shop, ratio: str) -> None:
    """All aspect ratios come out in the size the table gives."""
    product = await shop.make("ink", aspect_ratio=ratio)
    width, height = frame_size(ratio, "540p")
    frames = decoded(product.video)
    assert {frame.shape for frame in frames} == {(height, width, 3)}


async def test_loop_is_closed(shop: Shop) -> None:
    """The step from the last frame of a loop to its first is like any other step."""
    frames = decoded((await shop.make("ink", loop=True)).video)
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert psnr(frames[-1], frames[0]) > min(steps) - 2


async def test_start_image_is_the_first_frame(shop: Shop, tmp_path: Path) -> None:
    """A picture of the same size is where the clip begins, and then it moves."""
    path = picture(tmp_path / "start.png", 960, 540)
    product = await shop.make("come closer", start=path)
    frames = decoded(product.video)
    assert psnr(frames[0], np.asarray(Image.open(path))) > 36
    assert psnr(frames[0], frames[-1]) < 35
    assert (product.notes["technique"], product.notes["scene"]) == ("drift", None)
    assert product.notes["words_ignored"] == ["come", "closer"]


async def test_end_image_is_the_last_frame(shop: Shop, tmp_path: Path) -> None:
    """With an end image alone, the clip arrives at it."""
    path = picture(tmp_path / "end.png", 960, 540)
    frames = decoded((await shop.make("", end=path)).video)
    assert len(frames) == 25
    assert psnr(frames[-1], np.asarray(Image.open(path))) > 34


async def test_two_images_become_a_morph(shop: Shop, tmp_path: Path) -> None:
    """Between a start and an end image of any size, the clip goes from one to the other."""
    start, end = picture(tmp_path / "a.png", 960, 540), picture(tmp_path / "b.png", 1920, 1080, hue=90)
    product = await shop.make("", start=start, end=end)
    frames = decoded(product.video)
    assert product.notes["technique"] == "morph"
    assert psnr(frames[0], np.asarray(Image.open(start))) > 34
    assert psnr(frames[-1], np.asarray(Image.open(end).resize((960, 540), Image.Resampling.BOX))) > 30


async def test_broken_image_is_a_verdict(shop: Shop, tmp_path: Path) -> None:
    """What is no picture ends the task with a sentence, not with a crash."""
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    with pytest.raises(EngineFailed) as caught:
        await shop.make("", start=path)
    assert caught.value.failure.code == "invalid_media"


async def test_extend_goes_on_without_a_seam(shop: Shop, sea: Product) -> None:
    """The new frames follow the old ones as if they had always been one clip; the old ones are copied as they are."""
    longer = await shop.make("with more dolphins", start=clip(sea))
    assert packets(longer.video)[:25] == packets(sea.video)
    frames = decoded(longer.video)
    assert (len(frames), longer.notes["frames"]) == (50, 50)
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert steps[24] > min(steps[:24] + steps[25:]) - 2.5
    assert longer.notes["scene"] == sea.notes["scene"]
    assert longer.notes["words_ignored"] == ["with", "more", "dolphins"]


async def test_extends_can_be_chained_both_ways(shop: Shop) -> None:
    """Again and again, forwards and backwards: the length adds up and every join is smooth."""
    one = await shop.make("forest at dawn")
    two = await shop.make("", start=clip(one))
    three = await shop.make("", end=clip(two))
    four = await shop.make("", start=clip(three))
    assert [p.notes["frames"] for p in (one, two, three, four)] == [25, 50, 75, 100]
    assert [p.notes["first_frame"] for p in (one, two, three, four)] == [0, 0, -25, -25]
    frames = decoded(four.video)
    assert len(frames) == 100
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    joins = [steps[24], steps[49], steps[74]]
    assert min(joins) > min(step for step in steps if step not in joins) - 2.5


async def test_extend_keeps_the_size_of_its_source(shop: Shop) -> None:
    """Whatever size the extend asks for, a clip has one size."""
    first = await shop.make("saturn", aspect_ratio="1:1")
    longer = await shop.make("", start=clip(first), aspect_ratio="16:9", resolution="720p")
    assert {frame.shape for frame in decoded(longer.video)} == {(720, 720, 3)}


async def test_foreign_clip_is_extended_from_its_last_frame(shop: Shop, sea: Product) -> None:
    """Without our notes there is no scene: the clip drifts on from where it ended, and a second time, too."""
    longer = await shop.make("", start=Clip(sea.video, {}))
    frames = decoded(longer.video)
    assert len(frames) == 50
    assert psnr(frames[24], frames[25]) > 30
    assert (longer.notes["technique"], longer.notes["scene"]) == ("drift", None)
    longest = await shop.make("", start=clip(longer))
    assert longest.notes["frames"] == len(decoded(longest.video)) == 75


async def test_clip_of_another_encoder_is_joined_by_encoding_again(shop: Shop, tmp_path: Path) -> None:
    """Where packets cannot be copied, the whole is encoded anew and nothing is lost."""
    path = tmp_path / "other.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "bf": "0", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for shade in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 60 + shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    longer = await shop.make("", start=Clip(path, {}))
    frames = decoded(longer.video)
    assert len(frames) == 12 + 25
    assert frames[0].shape == (240, 320, 3)
    assert psnr(frames[0], np.full((240, 320, 3), 60, np.uint8)) > 35


async def test_extend_towards_an_image_and_from_an_image(shop: Shop, sea: Product, tmp_path: Path) -> None:
    """A clip can end at a picture, and a picture can lead into a clip."""
    path = picture(tmp_path / "goal.png", 960, 540)
    still = np.asarray(Image.open(path))
    towards = decoded((await shop.make("", start=clip(sea), end=path)).video)
    assert len(towards) == 50
    assert psnr(towards[-1], still) > 34
    into = decoded((await shop.make("", start=path, end=clip(sea))).video)
    assert len(into) == 50
    assert psnr(into[0], still) > 34
    assert psnr(into[24], into[25]) > 24


async def test_interpolation_leads_from_one_clip_to_another(shop: Shop, sea: Product) -> None:
    """Between two clips only the way from the one to the other is made."""
    fire = await shop.make("fire", aspect_ratio="9:16")
    between = decoded((await shop.make("", start=clip(sea), end=clip(fire))).video)
    assert len(between) == 25
    assert psnr(between[0], decoded(sea.video)[-1]) > 30
    assert between[0].shape == (540, 960, 3)


@pytest.mark.parametrize("prompt", ["ocean", "saturn", "forest", "ink"])
async def test_reduced_renderer_makes_clips_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompt: str) -> None:
    """Without OpenGL there is a video all the same, and the notes say how it was made."""
    monkeypatch.setenv("FILMGATE_STUDIO_RENDERER", "reduced")
    engine = StudioEngine()
    product = await Shop(engine, tmp_path).make(prompt)
    await engine.close()
    assert product.notes["renderer"] == "reduced"
    frames = decoded(product.video)
    assert len(frames) == 25
    assert frames[0].std() > 10
    assert psnr(frames[0], frames[-1]) < 45


async def test_cancel_in_the_middle_leaves_the_slot_usable(shop: Shop) -> None:
    """A cancelled render stops at the next frame; the same worker makes the next clip."""
    await shop.make("ink")
    [worker] = shop.engine._pool.workers
    pid = worker.pid
    at_work = asyncio.Event()
    job = shop.job("ocean", duration=10)
    task = asyncio.create_task(shop.engine.run(job, lambda percent: at_work.set() if percent else None))
    await asyncio.wait_for(at_work.wait(), 60)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert task.cancelled()
    assert (await shop.make("ink")).notes["frames"] == 25
    assert worker.pid == pid


async def test_killed_worker_is_a_crash_and_the_next_job_works(shop: Shop) -> None:
    """The engine outlives its worker."""
    at_work = asyncio.Event()
    job = shop.job("ocean", duration=10)
    task = asyncio.create_task(shop.engine.run(job, lambda percent: at_work.set() if percent else None))
    await asyncio.wait_for(at_work.wait(), 60)
    [worker] = shop.engine._pool.workers
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        await asyncio.wait_for(task, 20)
    assert (await shop.make("ink")).notes["frames"] == 25


async def test_nothing_is_refused() -> None:
    """Every valid generation becomes a clip."""
    assert StudioEngine("draft").refuse(Generation("anything")) is None
