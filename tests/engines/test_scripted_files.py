"""The files of the scripted engine, read by decoders."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import av
import pytest
from PIL import Image

from filmgate.adapters.decode.clips import develop
from filmgate.adapters.decode.messages import SOURCE
from filmgate.adapters.decode.pictures import develop_picture
from filmgate.adapters.engines.scripted.clip import clip, palette, picture, write_clip, write_picture
from filmgate.adapters.engines.scripted.h264 import columns
from filmgate.domain.generation import ImageFormat
from filmgate.domain.sizes import ASPECT_RATIOS, RESOLUTIONS, frame_size

_SIZES = sorted({frame_size(ratio, resolution) for ratio in ASPECT_RATIOS for resolution in (None, *RESOLUTIONS)})
_ODD = [(16, 16), (18, 34), (64, 48)]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder for what is decoded."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("width", "height"), [*_SIZES, *_ODD], ids=str)
def test_every_size_decodes_exactly(width: int, height: int):
    """Each pixel of the last frame is what the encoder computed: nothing drifts, nothing is cropped wrongly."""
    with av.open(io.BytesIO(clip(width, height, 3))) as container:
        first, *_, last = list(container.decode(video=0))
    wanted = bytes(grey for grey in columns(width, 40, 200) for _ in range(16))[:width]
    for frame in (first, last):
        luma, *chroma = frame.planes
        lines = [bytes(luma)[row * luma.line_size :][:width] for row in (0, height // 2, height - 1)]
        assert lines == [wanted] * 3
        assert {value for plane in chroma for value in bytes(plane)[: width // 2]} == {128}
    assert wanted[0] < wanted[-1] or width == 16


@pytest.mark.parametrize("frames", [1, 2, 121, 241, 1300])
def test_every_length_plays(frames: int):
    """A clip has as many frames as it says, 24 a second, in the colours it says."""
    with av.open(io.BytesIO(clip(96, 64, frames))) as container:
        stream = container.streams.video[0]
        shown = list(container.decode(video=0))
        assert (len(shown), stream.frames, stream.average_rate) == (frames, frames, 24)
        assert [frame.pts for frame in shown] == [512 * number for number in range(frames)]
        assert container.duration == pytest.approx(frames * 1_000_000 / 24, abs=1)
        assert (shown[-1].color_range, shown[-1].colorspace) == (1, 1)


@pytest.mark.parametrize("size", [(1360, 752), (752, 1360), (960, 540)], ids=str)
def test_the_engine_knows_what_a_decoder_finds(box: Path, size: tuple[int, int]):
    """The facts it hands over are those that are read from its clip, and so are its stills."""
    path, told = write_clip(box, *size, 25)
    path.rename(box / SOURCE)
    made = [Image.open(still).convert("RGB") for still in (told.thumbnail, told.last_frame)]
    found = develop()
    assert told.clip == found[0]
    assert (told.last_frame_facts, told.thumbnail_facts.palette is None) == (found[2], False)
    for still, name in zip(made, ("thumbnail.jpg", "last_frame.jpg"), strict=True):
        decoded = Image.open(name).convert("RGB")
        assert still.size == decoded.size == size
        near = (abs(one - other) for one, other in zip(still.tobytes(), decoded.tobytes(), strict=True))
        assert max(near) <= 12  # quality 90, at the edges of the columns
    assert _near(told.thumbnail_facts.palette, found[1].palette)


@pytest.mark.parametrize("form", list(ImageFormat))
@pytest.mark.parametrize("size", [(1360, 752), (18, 34), (4400, 1888)], ids=str)
def test_the_engine_knows_what_is_in_a_picture(box: Path, size: tuple[int, int], form: ImageFormat):
    """The facts of a picture and of its thumbnail, which is smaller where the picture is large, are true."""
    path, told = write_picture(box, *size, form)
    path.rename(box / SOURCE)
    thumbnail = Image.open(told.thumbnail)
    thumbnail.load()
    found = develop_picture()
    assert (told.image, thumbnail.size) == (found[0], (found[1].width, found[1].height))
    assert (told.thumbnail_facts.width, told.thumbnail_facts.height) == thumbnail.size
    assert _near(told.thumbnail_facts.palette, found[1].palette)


@pytest.mark.parametrize("form", list(ImageFormat))
def test_pictures_have_the_columns_of_clips(form: ImageFormat):
    """A picture shows grey columns, each wholly of one grey, from dark to bright."""
    shown = Image.open(io.BytesIO(picture(1360, 752, form))).convert("L")
    rows = [shown.crop((0, row, 1360, row + 1)).tobytes() for row in (0, 400, 751)]
    assert rows[0] == rows[1] == rows[2] == bytes(sorted(rows[0]))
    assert len(set(rows[0])) == 85


def _near(one: str | None, other: str | None) -> bool:
    """Return whether two palettes are the same but for what JPEG loses."""
    assert one is not None
    assert other is not None
    pairs = zip(base64.b64decode(one), base64.b64decode(other), strict=True)
    return max(abs(here - there) for here, there in pairs) <= 3


def test_the_palette_goes_from_dark_to_bright():
    """It has 25 colours, the same in each row."""
    colours = base64.b64decode(palette(1360))
    assert len(colours) == 75
    assert colours[:15] == colours[15:30] == bytes(sorted(colours[:15]))
