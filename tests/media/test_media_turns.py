"""Whose file is decoded next, and how much of one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import av
import pytest
from PIL import Image
from tests.media.painting import MakeClip, plain
from tests.media.test_media_sandbox import children, helpers
from tests.support.processes import until

from filmgate.adapters.decode import SandboxedTools
from filmgate.domain.errors import InvalidMedia
from filmgate.domain.media import Facts


class Decoders:
    """Tools whose children can be frozen: what is frozen never ends by itself."""

    def __init__(self, tools: SandboxedTools, box: Path, clip: Path) -> None:
        self.tools = tools
        self.begun: list[asyncio.Task[Facts]] = []
        self._box = box
        self._clip = clip
        self._frozen: set[int] = set()

    def upload(self, application: str) -> asyncio.Task[Facts]:
        """Begin to decode a clip of an application."""
        target = self._box / f"{len(self.begun)}.mp4"
        work = asyncio.create_task(self.tools.normalise_video(self._clip, target, application=application))
        self.begun.append(work)
        return work

    async def freeze(self, count: int) -> None:
        """Wait until so many children run that are not frozen, and freeze them."""
        [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()), bool)
        fresh = await asyncio.to_thread(
            until, lambda: {*children(helper)} - self._frozen, lambda found: len(found) >= count
        )
        assert len(fresh) == count
        for child in fresh:
            os.kill(child, signal.SIGSTOP)
        self._frozen |= fresh


@pytest.fixture
def clip(make_clip: MakeClip) -> Path:
    """A clip that takes seconds to re-encode."""
    noise = [Image.effect_noise((960, 540), 90).convert("RGB") for _ in range(4)]
    return make_clip("long.mp4", lambda number: noise[number % 4], 55, rate=1)


@pytest.fixture
async def decoders(tools: SandboxedTools, box: Path, clip: Path) -> AsyncIterator[Decoders]:
    """Tools with a clip that takes long."""
    found = Decoders(tools, box, clip)
    yield found
    for work in found.begun:
        work.cancel()
    await asyncio.gather(*found.begun, return_exceptions=True)


async def soon(work: Awaitable[object]) -> None:
    """Wait for work that must not wait for others, which never end."""
    async with asyncio.timeout(60):
        await work


async def test_the_files_of_one_application_do_not_stop_another(decoders: Decoders, box: Path):
    """While all that one application may decode at once stands still, another's picture is decoded."""
    for _ in range(6):
        decoders.upload("a")
    await decoders.freeze(1)
    Image.new("RGB", (16, 9)).save(box / "picture", "PNG")
    await soon(decoders.tools.normalise_image(box / "picture", box / "ours.png", application="b"))
    assert not any(work.done() for work in decoders.begun)


async def test_finished_tasks_wait_for_no_external_file(decoders: Decoders, make_clip: MakeClip, box: Path):
    """While external files hold all slots they have, clips and pictures of tasks are accepted and developed."""
    for application in "abab":
        decoders.upload(application)
    await decoders.freeze(2)
    small, picture = make_clip("small.mp4", plain((9, 9, 9), (32, 32)), 3), box / "picture.png"
    Image.new("RGB", (16, 9)).save(picture, "PNG")
    tools = decoders.tools
    for application in "ab":
        await soon(tools.develop(small, box, application=application))
        await soon(tools.develop_image(picture, box, application=application))
        await soon(tools.accept_video(small, box / "accepted.mp4", application=application))
        await soon(tools.accept_image(picture, box / "accepted.png", application=application))
    assert not any(work.done() for work in decoders.begun)


async def test_external_files_stand_back(decoders: Decoders):
    """A child that re-encodes an external clip leaves the processor to whoever works on tasks."""
    decoders.upload("a")
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()), bool)
    own = os.getpriority(os.PRIO_PROCESS, helper)
    await asyncio.to_thread(
        until, lambda: [os.getpriority(os.PRIO_PROCESS, child) for child in children(helper)], [own + 10].__eq__
    )


async def test_a_clip_of_too_many_pixels(make_clip: MakeClip, box: Path):
    """Pixels times frames are bounded, those that are written too: by the header where it says so, else on the way."""
    small = make_clip("small.mp4", plain((9, 9, 9), (64, 48)), 24)
    slow = make_clip("slow.mp4", plain((9, 9, 9), (64, 48)), 3, rate=1)
    unsaid = box / "unsaid.mkv"
    with av.open(str(small)) as source, av.open(str(unsaid), "w", format="matroska", options={"live": "1"}) as output:
        track = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = track
                output.mux(packet)
    with av.open(str(unsaid)) as opened:
        assert (opened.streams.video[0].frames, opened.duration) == (0, None)
    exact, over = SandboxedTools(max_video_pixels=64 * 48 * 24), SandboxedTools(max_video_pixels=64 * 48 * 10)
    try:
        assert (await exact.normalise_video(small, box / "out.mp4", application="a")).frames == 24
        for tools, source, frames in ((over, small, 24), (exact, slow, 72), (over, unsaid, 11)):
            with pytest.raises(InvalidMedia, match=rf" {frames} frames or more of 64x48 pixels.* over all frames"):
                await tools.normalise_video(source, box / "out.mp4", application="a")
        # What a task has made is not bounded by it.
        assert (await over.develop(small, box, application="a")).clip.frames == 24
        assert (await over.accept_video(small, box / "out.mp4", application="a")).frames == 24
    finally:
        await exact.close()
        await over.close()
