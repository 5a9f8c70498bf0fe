"""The studio engine from a job to a file."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.adapters.engines.studio.job.order import order_of
from filmgate.adapters.engines.studio.job.take import plan
from filmgate.adapters.engines.studio.pixels import film
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.renderer import probe
from filmgate.domain.errors import EngineCrashed, EngineFailed
from filmgate.domain.generation import Generation, Kind
from filmgate.domain.sizes import ASPECT_RATIOS, frame_size
from filmgate.ports.engine import Clip, Job, Product
from tests.engines.shop import Shop, clip, decoded, packets, picture, psnr

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_clip_is_what_players_expect(ink: Product) -> None:
    """H.264 in MP4, 24 frames per second, the true number of frames, BT.709 limited range, index in front."""
    with av.open(str(ink.file)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 960, 540)
        assert (stream.average_rate, stream.frames) == (24, 25)
        assert (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range) == (1, 1, 1, 1)
    assert len(decoded(ink.file)) == 25
    head = ink.file.read_bytes()[:4096]
    assert b"ftyp" in head and b"moov" in head  # noqa: PT018


async def test_notes_tell_what_was_made(ink: Product) -> None:
    """The notes are a preview's: the scene, how it was drawn, and which words were of use."""
    notes = ink.notes
    assert (notes["engine"], notes["preview"], notes["frames"], notes["first_frame"]) == ("studio", True, 25, 0)
    assert notes["scene"]["name"] == "ink"
    assert notes["renderer"] in {"gl", "reduced"}
    assert (notes["words_used"], notes["words_ignored"]) == (["pink", "ink", "pans", "left"], ["grumpy"])


async def test_progress_rises_to_the_end(shop: Shop, ink: Product) -> None:
    """Percents never fall, and 100 is left to the service, which has yet to keep the file."""
    progress = shop.progress[ink.file]
    assert progress == sorted(progress)
    assert len(progress) >= 25
    assert (progress[0], progress[-1]) == (0, 99)


@pytest.mark.parametrize(
    ("ratio", "resolution"),
    [*((ratio, None) for ratio in ASPECT_RATIOS), ("3:4", "540p"), ("21:9", "720p"), ("9:21", "1080p"), ("1:1", "4k")],
)
async def test_every_shape_of_frame(tmp_path: Path, ratio: str, resolution: str | None) -> None:
    """All shapes, and the sizes that are unlike others, can be ordered and encoded."""
    order = order_of(Job("task-1", 1, Generation("ink", ratio, resolution), tmp_path), "studio")
    path = Path(order.output)
    film.write(path, [np.full((40, 60, 3), shade, np.uint8) for shade in (90, 160)], order.width, order.height)
    width, height = frame_size(ratio, resolution)
    assert film.facts(path) == film.ClipInfo(width, height, 2)


async def test_loop_is_closed(shop: Shop) -> None:
    """The step from the last frame of a loop to its first is like any other step."""
    frames = decoded((await shop.make("ink", loop=True)).file)
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert psnr(frames[-1], frames[0]) > min(steps) - 2


async def test_start_image_is_the_first_frame(shop: Shop, tmp_path: Path) -> None:
    """A picture of the same size is where the clip begins, and then it moves."""
    path = picture(tmp_path / "start.png", 960, 540)
    product = await shop.make("come closer", start=path)
    frames = decoded(product.file)
    assert psnr(frames[0], np.asarray(Image.open(path))) > 36
    assert psnr(frames[0], frames[-1]) < 35
    assert (product.notes["technique"], product.notes["scene"]) == ("drift", None)
    assert product.notes["words_ignored"] == ["come", "closer"]


async def test_end_image_is_the_last_frame(shop: Shop, tmp_path: Path) -> None:
    """With an end image alone, the clip arrives at it."""
    path = picture(tmp_path / "end.png", 960, 540)
    frames = decoded((await shop.make("", end=path)).file)
    assert len(frames) == 25
    assert psnr(frames[-1], np.asarray(Image.open(path))) > 34


async def test_two_images_become_a_morph(shop: Shop, tmp_path: Path) -> None:
    """Between a start and an end image of any size, the clip goes from one to the other."""
    start, end = picture(tmp_path / "a.png", 960, 540), picture(tmp_path / "b.png", 1920, 1080, hue=90)
    product = await shop.make("", start=start, end=end)
    frames = decoded(product.file)
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


async def test_extend_goes_on_without_a_seam(ink: Product, longer: Product) -> None:
    """The new frames follow the old ones as if they had always been one clip; the old ones are copied as they are."""
    assert packets(longer.file)[:25] == packets(ink.file)
    frames = decoded(longer.file)
    assert (len(frames), longer.notes["frames"]) == (50, 50)
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert steps[24] > min(steps[:24] + steps[25:]) - 2.5
    assert longer.notes["scene"] == ink.notes["scene"]
    assert longer.notes["words_ignored"] == ["with", "more", "dolphins", "zoom_in"]


async def test_extend_keeps_the_size_of_its_source(ink: Product, longer: Product) -> None:
    """Whatever size the extend asks for, a clip has one size."""
    before, after = film.facts(ink.file), film.facts(longer.file)
    assert (after.width, after.height) == (before.width, before.height)


async def test_extends_can_be_chained_both_ways(shop: Shop, ink: Product, longer: Product) -> None:
    """Again and again, forwards and backwards: the length adds up and every join is smooth."""
    three = await shop.make("", end=clip(longer))
    four = await shop.make("", start=clip(three))
    chain = (ink, longer, three, four)
    assert [p.notes["frames"] for p in chain] == [25, 50, 75, 100]
    assert [p.notes["first_frame"] for p in chain] == [0, 0, -25, -25]
    frames = decoded(four.file)
    assert len(frames) == 100
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    joins = [steps[24], steps[49], steps[74]]
    assert min(joins) > min(step for step in steps if step not in joins) - 2.5


async def test_foreign_clip_is_extended_from_its_last_frame(shop: Shop, ink: Product) -> None:
    """Without our notes there is no scene: the clip drifts on from where it ended, and would a second time, too."""
    longer = await shop.make("", start=Clip(ink.file, {}))
    frames = decoded(longer.file)
    assert len(frames) == longer.notes["frames"] == 50
    assert psnr(frames[24], frames[25]) > 30
    assert (longer.notes["technique"], longer.notes["scene"]) == ("drift", None)
    reel = plan(order_of(shop.job("", start=clip(longer)), "studio"), imagine("", 1).scene, probe())
    assert (reel.technique, reel.before, reel.count) == ("drift", longer.file, 25)


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
    frames = decoded(longer.file)
    assert len(frames) == 12 + 25
    assert frames[0].shape == (240, 320, 3)
    assert psnr(frames[0], np.full((240, 320, 3), 60, np.uint8)) > 35


async def test_extend_towards_an_image_and_from_an_image(shop: Shop, ink: Product, tmp_path: Path) -> None:
    """A clip can end at a picture, and a picture can lead into a clip."""
    path = picture(tmp_path / "goal.png", 960, 540)
    still = np.asarray(Image.open(path))
    towards = decoded((await shop.make("", start=clip(ink), end=path)).file)
    assert len(towards) == 50
    assert psnr(towards[-1], still) > 34
    into = decoded((await shop.make("", start=path, end=clip(ink))).file)
    assert len(into) == 50
    assert psnr(into[0], still) > 34
    assert psnr(into[24], into[25]) > 24


async def test_interpolation_leads_from_one_clip_to_another(shop: Shop, ink: Product, tall: Product) -> None:
    """Between two clips only the way from the one to the other is made."""
    between = decoded((await shop.make("", start=clip(ink), end=clip(tall))).file)
    assert len(between) == 25
    assert psnr(between[0], decoded(ink.file)[-1]) > 30
    assert between[0].shape == (540, 960, 3)


async def test_reduced_renderer_makes_clips_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenGL there is a video all the same, and the notes say how it was made."""
    monkeypatch.setenv("FILMGATE_STUDIO_RENDERER", "reduced")
    engine = StudioEngine()
    product = await Shop(engine, tmp_path).make("ocean")
    await engine.close()
    assert product.notes["renderer"] == "reduced"
    frames = decoded(product.file)
    assert len(frames) == 25
    assert frames[0].std() > 10
    assert psnr(frames[0], frames[-1]) < 45


async def at_work(shop: Shop) -> asyncio.Task[Product]:
    """Begin a long clip and return when its first frames are there."""
    begun = asyncio.Event()
    job = shop.job("ink", duration=10)
    task = asyncio.create_task(shop.engine.run(job, lambda percent: begun.set() if percent else None))
    await asyncio.wait_for(begun.wait(), 60)
    return task


async def test_cancel_in_the_middle_leaves_the_slot_usable(shop: Shop) -> None:
    """A cancelled render stops at the next frame; the same worker does the next job."""
    task = await at_work(shop)
    [worker] = shop.engine._pool.workers
    pid = worker.pid
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert task.cancelled()
    assert (await shop.make("ink", kind=Kind.IMAGE)).notes["frames"] == 1
    assert worker.pid == pid


async def test_killed_worker_is_a_crash_and_the_next_job_works(shop: Shop) -> None:
    """The engine outlives its worker."""
    task = await at_work(shop)
    [worker] = shop.engine._pool.workers
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        await asyncio.wait_for(task, 20)
    assert (await shop.make("ink", kind=Kind.IMAGE)).notes["frames"] == 1
