"""Foreign clips are re-encoded, finished ones verified; what is missing or dangerous is found out."""

from __future__ import annotations

import base64
import io
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image, ImageDraw
from tests.media.painting import MakeClip, brightening, names, near, plain

from filmgate.adapters.decode import SandboxedTools
from filmgate.domain.errors import InvalidMedia

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ORANGE = (230, 120, 30)


def opened(path: Path) -> Image.Image:
    """Load a JPEG."""
    with Image.open(path, formats=["JPEG"]) as picture:
        picture.load()
    return picture


async def test_develop_tells_the_true_facts(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """121 frames at 24 per second last 5.041667 seconds; the stills have the size of the clip."""
    stills = await shared_tools.develop(make_clip("clip.mp4", plain(_ORANGE), 121), box)
    clip = stills.clip
    assert (clip.type, clip.width, clip.height, clip.duration, clip.frames) == ("video/mp4", 160, 96, 5.041667, 121)
    for path, facts in ((stills.thumbnail, stills.thumbnail_facts), (stills.last_frame, stills.last_frame_facts)):
        assert (facts.type, facts.width, facts.height, facts.duration) == ("image/jpeg", 160, 96, None)
        assert opened(path).size == (160, 96)
        assert near(opened(path).getpixel((80, 48)), _ORANGE)
    assert stills.last_frame_facts.palette is None


async def test_palette_is_a_grid_of_average_colours(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """The palette holds 25 RGB triples of the thumbnail, row by row."""

    def paint(number: int) -> Image.Image:
        picture = Image.new("RGB", (160, 80), "black")
        draw = ImageDraw.Draw(picture)
        for row in range(5):
            for column in range(5):
                colour = (column * 50, row * 50, 120)
                draw.rectangle((column * 32, row * 16, column * 32 + 31, row * 16 + 15), fill=colour)
        return picture

    stills = await shared_tools.develop(make_clip("clip.mp4", paint, 3), box)
    assert len(stills.thumbnail_facts.palette or "") == 100
    grid = base64.b64decode(stills.thumbnail_facts.palette or "")
    for row in range(5):
        for column in range(5):
            at = 3 * (5 * row + column)
            assert near(tuple(grid[at : at + 3]), (column * 50, row * 50, 120), 14)


async def test_last_frame_is_the_last_one(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """The stills are the first frame that shows something, and exactly the last."""
    stills = await shared_tools.develop(make_clip("clip.mp4", brightening, 48), box)
    assert near(opened(stills.last_frame).getpixel((80, 48)), (235, 235, 235), 2)
    assert near(opened(stills.thumbnail).getpixel((80, 48)), (25, 25, 25), 6)


async def test_black_clip_has_a_black_thumbnail(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """Where no early frame shows anything, the first one is the thumbnail."""
    stills = await shared_tools.develop(make_clip("clip.mp4", plain((0, 0, 0)), 30), box)
    assert near(opened(stills.thumbnail).getpixel((80, 48)), (0, 0, 0))


@pytest.mark.parametrize("faststart", [True, False])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
async def test_cut_off_mp4_is_found_out(
    shared_tools: SandboxedTools, make_clip: MakeClip, box: Path, share: float, faststart: bool
):
    """A file that stops early is refused, although its header promises every frame."""
    clip = make_clip("clip.mp4", brightening, 48, faststart=faststart)
    data = clip.read_bytes()
    clip.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidMedia, match=r"cut off|damaged"):
        await shared_tools.develop(clip, box)
    with pytest.raises(InvalidMedia, match=r"cut off|damaged"):
        await shared_tools.normalise_video(clip, box / "out")
    assert names(box) == []


async def test_cut_off_webm_is_found_out(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """A WebM says how long it is; fewer seconds are a cut."""
    clip = make_clip("clip.webm", brightening, 48, codec="libvpx")
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidMedia, match="cut off"):
        await shared_tools.normalise_video(clip, box / "out")


async def test_hole_in_the_data_is_found_out(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """A clip of the right length with a part of its data lost is refused."""
    clip = make_clip("clip.mp4", lambda number: Image.effect_noise((160, 96), 90).convert("RGB"), 48)
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + len(data) // 5] = bytes(len(data) // 5)
    clip.write_bytes(data)
    with pytest.raises(InvalidMedia, match="damaged"):
        await shared_tools.develop(clip, box)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "libx264", 24),
        ("a.mov", "libx264", 30),
        ("a.webm", "libvpx-vp9", 25),
        ("a.mkv", "libx264", 60),
        ("a.webm", "libvpx", 12),
        ("a.gif", "gif", 10),
        ("a.mp4", "libx265", 24),
        ("a.mp4", "mpeg4", 15),
    ],
)
async def test_foreign_clips_become_ours(
    shared_tools: SandboxedTools, make_clip: MakeClip, box: Path, name: str, codec: str, rate: int
):
    """Whatever came, H.264 in BT.709 at constant 24 frames per second of the same length leaves."""
    source = make_clip(name, plain(_ORANGE), 2 * rate, rate=rate, codec=codec)
    facts = await shared_tools.normalise_video(source, box / "out.mp4")
    assert (facts.type, facts.width, facts.height, facts.frames, facts.duration) == ("video/mp4", 160, 96, 48, 2.0)
    with av.open(str(box / "out.mp4"), format="mov") as container:
        assert [stream.type for stream in container.streams] == ["video"]
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 24)
        assert (context.colorspace, context.color_range, context.color_primaries, context.color_trc) == (1, 1, 1, 1)
        frames = list(container.decode(stream))
    assert [frame.pts * Fraction(frame.time_base) for frame in frames] == [Fraction(n, 24) for n in range(48)]
    assert near(frames[20].to_image().getpixel((80, 48)), _ORANGE, 22 if codec == "gif" else 6)
    head = (box / "out.mp4").read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


async def test_what_was_normalised_can_be_developed(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """Our own clips pass our own verification, with the same facts."""
    facts = await shared_tools.normalise_video(make_clip("a.webm", brightening, 30, codec="libvpx"), box / "ours.mp4")
    assert (await shared_tools.develop(box / "ours.mp4", box)).clip == facts


async def test_odd_sizes_become_even(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """Players of yuv420p need even sizes."""
    source = make_clip("a.gif", plain(_ORANGE, (101, 57)), 12, rate=12, codec="gif")
    facts = await shared_tools.normalise_video(source, box / "out")
    assert (facts.width, facts.height) == (100, 56)


async def test_rotated_clips_are_turned_upright(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """A clip filmed with the telephone upright is stored and developed upright."""

    def paint(number: int) -> Image.Image:
        picture = Image.new("RGB", (160, 96), "white")
        picture.paste((220, 20, 20), (0, 0, 80, 48))
        return picture

    clip = make_clip("a.mp4", paint, 12)
    one, none = (1 << 16).to_bytes(4, "big"), bytes(4)
    last = (1 << 30).to_bytes(4, "big")
    straight = one + none * 3 + one + none * 3 + last
    # A quarter turn clockwise, as telephones write it into the track header.
    turned = none + one + none + (-(1 << 16)).to_bytes(4, "big", signed=True) + none * 4 + last
    data = clip.read_bytes()
    at = data.index(straight, data.index(b"tkhd"))
    clip.write_bytes(data[:at] + turned + data[at + 36 :])

    stills = await shared_tools.develop(clip, box)
    assert (stills.clip.width, stills.clip.height) == (96, 160)
    assert near(opened(stills.thumbnail).getpixel((72, 40)), (220, 20, 20), 25)
    facts = await shared_tools.normalise_video(clip, box / "out.mp4")
    assert (facts.width, facts.height) == (96, 160)
    ours = await shared_tools.develop(box / "out.mp4", box)
    assert near(opened(ours.last_frame).getpixel((72, 40)), (220, 20, 20), 25)
    assert near(opened(ours.last_frame).getpixel((20, 40)), (255, 255, 255), 25)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        b"RIFF\0\1\0\0AVI LIST" + bytes(60),
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(60),
        b"G" + bytes(187) + b"G" + bytes(187),
        b"concat:/etc/passwd",
    ],
)
async def test_other_files_are_refused_with_what_is_allowed(shared_tools: SandboxedTools, box: Path, data: bytes):
    """Playlists, manifests and other containers are no videos, whatever they are called."""
    source = box / "film.mp4"
    source.write_bytes(data)
    for attempt in (shared_tools.normalise_video(source, box / "out"), shared_tools.develop(source, box)):
        with pytest.raises(InvalidMedia, match="allowed are MP4, MOV, WebM, Matroska and GIF"):
            await attempt


@pytest.mark.parametrize("magic", [b"\0\0\0\x14ftypisom\0\0\2\0isom", b"\x1a\x45\xdf\xa3", b"GIF89a"])
async def test_magic_bytes_alone_are_no_video(shared_tools: SandboxedTools, box: Path, magic: bytes):
    """A file that only begins like a video is refused."""
    source = box / "fake"
    source.write_bytes(magic + b"\x5a" * 500)
    with pytest.raises(InvalidMedia):
        await shared_tools.normalise_video(source, box / "out")


async def test_playlist_behind_a_video_header_opens_nothing(shared_tools: SandboxedTools, box: Path):
    """A playlist that begins like an MP4 meets the MP4 demuxer, never the playlist's."""
    source = box / "film.mp4"
    source.write_bytes(b"\0\0\0\x14ftypisom\0\0\2\0isom\nffconcat version 1.0\nfile '/etc/hostname'\n")
    with pytest.raises(InvalidMedia, match=r"cut off|damaged"):
        await shared_tools.normalise_video(source, box / "out")


async def test_sound_alone_is_no_video(shared_tools: SandboxedTools, box: Path):
    """A file with nothing to see is refused."""
    source = box / "sound.mp4"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        frame.sample_rate = 44100
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with pytest.raises(InvalidMedia, match="no video in it"):
        await shared_tools.normalise_video(source, box / "out")


async def test_sound_is_dropped(shared_tools: SandboxedTools, box: Path):
    """A clip with sound loses it and nothing else."""
    source = box / "both.mp4"
    with av.open(str(source), "w") as output:
        video, audio = output.add_stream("libx264", rate=24), output.add_stream("aac", rate=44100)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        sound = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        sound.sample_rate = 44100
        for plane in sound.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(24):
            frame = av.VideoFrame.from_image(brightening(number))
            frame.pts = number
            output.mux(video.encode(frame))
            output.mux(audio.encode(sound))
        output.mux(video.encode())
        output.mux(audio.encode())
    facts = await shared_tools.normalise_video(source, box / "out.mp4")
    assert facts.frames == 24
    with av.open(str(box / "out.mp4"), format="mov") as container:
        assert [stream.type for stream in container.streams] == ["video"]


async def test_too_many_pixels(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """A small file of huge frames is refused by its header."""
    source = make_clip("bomb.mp4", plain((0, 0, 0), (4096, 4096)), 1)
    with pytest.raises(InvalidMedia, match="4096x4096 pixels; at most 3840x2160 are allowed"):
        await shared_tools.normalise_video(source, box / "out")


async def test_too_long(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """More than a minute is refused with its length."""
    source = make_clip("long.mp4", plain((0, 0, 0), (32, 32)), 75, rate=1)
    with pytest.raises(InvalidMedia, match=r"75\.0 seconds long; at most 60 are allowed"):
        await shared_tools.normalise_video(source, box / "out")


async def test_too_many_frames(shared_tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """More frames than 60 per second for a minute are refused."""
    source = box / "many.mp4"
    picture = io.BytesIO()
    plain((0, 0, 0), (32, 32))(0).save(picture, "JPEG")
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mjpeg", rate=120)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 32, 32, "yuvj420p", Fraction(1, 120)
        for number in range(3700):
            packet = av.Packet(picture.getvalue())
            packet.stream, packet.time_base = stream, Fraction(1, 120)
            packet.pts = packet.dts = number
            output.mux(packet)
    with pytest.raises(InvalidMedia, match="more than 3600 frames"):
        await shared_tools.normalise_video(source, box / "out")


async def test_gap_between_frames_is_no_bomb(shared_tools: SandboxedTools, box: Path):
    """Two frames a year apart are refused and not filled up with frames of ours."""
    source = box / "gap.mkv"
    with av.open(str(source), "w", format="matroska") as output:
        stream = output.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for pts in (0, 24 * 3600 * 24 * 20):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = pts
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    with pytest.raises(InvalidMedia, match="long"):
        await shared_tools.normalise_video(source, box / "out")
