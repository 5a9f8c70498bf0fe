"""Clips and tools for the tests of foreign files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest
import pytest_asyncio
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from tests.media.painting import MakeClip, Paint, names

from filmgate.adapters.decode import SandboxedTools


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Return a function that encodes painted pictures, tagged BT.709."""

    def make(
        name: str, paint: Paint, frames: int, *, rate: int = 24, codec: str = "libx264", faststart: bool = True
    ) -> Path:
        path = tmp_path / name
        mp4 = name.endswith(("mp4", "mov"))
        options = {"movflags": "+faststart"} if faststart and mp4 else {}
        with av.open(str(path), "w", options=options) as output:
            quality = {"preset": "ultrafast", "crf": "10"} if codec == "libx264" else {}
            stream = output.add_stream(codec, rate=rate, options=quality)
            stream.width, stream.height = paint(0).size
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            context = stream.codec_context
            context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
            context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
            for number in range(frames):
                # VP8 knows no other matrix than that of BT.601.
                matrix = Colorspace.ITU601 if codec == "libvpx" else Colorspace.ITU709
                frame = av.VideoFrame.from_image(paint(number)).reformat(
                    format=stream.pix_fmt, dst_colorspace=matrix, dst_color_range=ColorRange.MPEG
                )
                frame.pts = number
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
        return path

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_tools() -> AsyncIterator[SandboxedTools]:
    """Return tools whose helper process is started once for a module."""
    tools = SandboxedTools()
    yield tools
    await tools.close()


@pytest.fixture
async def tools() -> AsyncIterator[SandboxedTools]:
    """Return tools that are closed after the test."""
    tools = SandboxedTools()
    yield tools
    await tools.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Path]:
    """Return a folder for results, in which no temporary folder may stay behind."""
    folder = tmp_path / "results"
    folder.mkdir()
    yield folder
    assert [name for name in names(folder) if name.startswith(".")] == []
