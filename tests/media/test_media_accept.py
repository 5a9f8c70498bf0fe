"""What a provider made is verified to the last frame, and written anew without what came along."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from tests.media.films import SECRETS, loudness, make_film, pictures
from tests.media.painting import Paint, brightening, names, near, plain

from filmgate.adapters.decode import SandboxedTools, footage
from filmgate.domain.errors import InvalidMedia

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ORANGE = (230, 120, 30)
_FOREIGN = [*SECRETS.values(), "secret handler", "secret subtitle", "x264 - core", "Lavf"]
Film = Callable[..., Path]


@pytest.fixture
def film(tmp_path: Path) -> Film:
    """Return a function that makes clips with sound and foreign metadata."""

    def make(name: str, paint: Paint = brightening, frames: int = 48, **options: object) -> Path:
        return make_film(tmp_path / name, paint, frames, **options)  # type: ignore[arg-type]

    return make


def noise(number: int) -> Image.Image:
    """Paint what takes many bytes."""
    return Image.effect_noise((160, 96), 90).convert("RGB")


@pytest.mark.parametrize(
    ("rate", "sound", "movflags"),
    [(24, "aac", "+faststart"), (25, None, ""), (30, "aac", "+frag_keyframe+empty_moov"), (24, "aac", "")],
)
async def test_what_plays_is_copied(
    shared_tools: SandboxedTools, film: Film, box: Path, rate: int, sound: str | None, movflags: str
):
    """H.264 with AAC or nothing keeps every bit of its pictures, and is found to be what it was."""
    source = film("film.mp4", rate=rate, sound=sound, movflags=movflags)
    facts = await shared_tools.accept_video(source, box / "out.mp4")
    assert (facts.type, facts.width, facts.height, facts.frames) == ("video/mp4", 160, 96, 48)
    assert facts.duration == round(48 / rate, 6)
    assert pictures(box / "out.mp4") == pictures(source)
    if sound:
        assert loudness(box / "out.mp4") == pytest.approx((48 / rate, 440), abs=1.5)
    assert (await shared_tools.develop(box / "out.mp4", box)).clip == facts


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
async def test_titles_that_are_not_utf_8_are_no_damage(shared_tools: SandboxedTools, film: Film, box: Path, codec: str):
    """A clip whose titles are in another encoding is read, copied or encoded anew, and loses the titles."""
    source = film("film.mp4", codec=codec, sound="aac")
    coded = source.read_bytes()
    assert b"secret title" in coded
    assert b"secret handler" in coded
    source.write_bytes(
        coded.replace(b"secret title", b"s\xe9cret t\xeftle").replace(b"secret handler", b"s\xe9cret handler")
    )
    facts = await shared_tools.accept_video(source, box / "out.mp4")
    assert facts.frames == 48
    assert b"cret" not in (box / "out.mp4").read_bytes()
    assert (await shared_tools.develop(source, box)).clip.frames == 48


@pytest.mark.parametrize(
    ("name", "codec", "rate", "sound", "pix_fmt"),
    [
        ("a.webm", "libvpx-vp9", 30, "libopus", "yuv420p"),
        ("a.mkv", "libvpx", 25, "libmp3lame", "yuv420p"),
        ("a.mp4", "libx265", 25, "aac", "yuv420p"),
        ("a.mp4", "libsvtav1", 24, None, "yuv420p"),
        ("a.mp4", "libx264", 24, "aac", "yuv444p"),
        ("a.mp4", "libx264", 24, None, "yuv420p10le"),
        ("a.mkv", "libx264", Fraction(24000, 1001), "flac", "yuv420p"),
        ("a.mov", "mpeg4", 15, "pcm_s16le", "yuv420p"),
    ],
)
async def test_what_does_not_play_is_encoded_anew(
    shared_tools: SandboxedTools,
    film: Film,
    box: Path,
    name: str,
    codec: str,
    rate: int | Fraction,
    sound: str | None,
    pix_fmt: str,
):
    """Other codecs become H.264 and AAC of the same size, frames, pace and tone."""
    if codec not in av.codecs_available:
        pytest.skip(f"there is no {codec} to make a clip with")
    source = film(name, plain(_ORANGE), codec=codec, rate=rate, sound=sound, pix_fmt=pix_fmt)
    facts = await shared_tools.accept_video(source, box / "out.mp4")
    assert (facts.type, facts.width, facts.height, facts.frames) == ("video/mp4", 160, 96, 48)
    assert facts.duration == round(float(48 / rate), 6)
    with av.open(str(box / "out.mp4"), format="mov") as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt, video.average_rate) == ("h264", "yuv420p", rate)
        assert [track.codec_context.name for track in container.streams.audio] == (["aac"] if sound else [])
        frames = list(container.decode(video))
    assert [frame.pts * Fraction(frame.time_base) for frame in frames] == [
        number / Fraction(rate) for number in range(48)
    ]
    assert near(frames[-1].to_image().getpixel((80, 48)), _ORANGE, 8)
    if sound:
        assert loudness(box / "out.mp4") == pytest.approx((float(48 / rate), 440), abs=1.5)
    assert (await shared_tools.develop(box / "out.mp4", box)).clip == facts


async def test_sound_that_does_not_play(shared_tools: SandboxedTools, film: Film, box: Path):
    """Pictures are copied also where the sound has to be encoded anew."""
    source = film("film.mov", sound="pcm_s16le")
    await shared_tools.accept_video(source, box / "out.mp4")
    assert pictures(box / "out.mp4") == pictures(source)
    assert loudness(box / "out.mp4") == pytest.approx((2, 440), abs=1.5)


@pytest.mark.parametrize(("codec", "sound"), [("libx264", None), ("libx264", "pcm_s16le"), ("mpeg4", "pcm_s16le")])
async def test_only_picture_and_sound_are_left(
    shared_tools: SandboxedTools, film: Film, box: Path, codec: str, sound: str | None
):
    """Titles, places, names of encoders and other tracks stay behind, and playing can begin with the first bytes."""
    source = film("film.mov", codec=codec, sound=sound, subtitles=True)
    assert b"secret title" in source.read_bytes()
    assert b"secret subtitle" in source.read_bytes()
    await shared_tools.accept_video(source, box / "out.mp4")
    data = (box / "out.mp4").read_bytes()
    ours = () if codec == "libx264" else ("x264 - core",)
    assert [text for text in _FOREIGN if text.encode() in data and text not in ours] == []
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(box / "out.mp4"), format="mov") as container:
        assert [track.type for track in container.streams] == (["video", "audio"] if sound else ["video"])
        assert set(container.metadata) == {"major_brand", "minor_version", "compatible_brands"}
        assert {track.metadata["language"] for track in container.streams} == {"und"}


async def test_size_that_is_not_even(shared_tools: SandboxedTools, film: Film, box: Path):
    """An odd size loses one line or column, as players need even ones."""
    source = film("film.mp4", plain(_ORANGE, (161, 97)), 12, pix_fmt="yuv444p")
    facts = await shared_tools.accept_video(source, box / "out.mp4")
    assert (facts.width, facts.height) == (160, 96)


async def test_turned_clip_becomes_upright(shared_tools: SandboxedTools, film: Film, box: Path):
    """A clip that players have to turn is written upright."""
    source = film("film.mp4", frames=12)
    one, none = (1 << 16).to_bytes(4, "big"), bytes(4)
    last = (1 << 30).to_bytes(4, "big")
    straight = one + none * 3 + one + none * 3 + last
    turned = none + one + none + (-(1 << 16)).to_bytes(4, "big", signed=True) + none * 4 + last
    data = source.read_bytes()
    at = data.index(straight, data.index(b"tkhd"))
    source.write_bytes(data[:at] + turned + data[at + 36 :])
    facts = await shared_tools.accept_video(source, box / "out.mp4")
    assert (facts.width, facts.height, facts.frames) == (96, 160, 12)


async def test_uneven_pace_is_kept(shared_tools: SandboxedTools, tmp_path: Path, box: Path):
    """Frames that are shown for different times stay where they were."""
    times = [0, 40, 80, 500, 540, 1000, 1500]
    with av.open(str(tmp_path / "film.webm"), "w") as output:
        stream = output.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_image(brightening(number))
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    facts = await shared_tools.accept_video(tmp_path / "film.webm", box / "out.mp4")
    assert facts.frames == 7
    with av.open(str(box / "out.mp4"), format="mov") as container:
        shown = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    assert shown == pytest.approx([time / 1000 for time in times], abs=0.002)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize(
    ("name", "codec", "movflags"),
    [
        ("a.mp4", "libx264", "+faststart"),
        ("a.mp4", "libx264", ""),
        ("a.mp4", "libx264", "+frag_keyframe+empty_moov"),
        ("a.webm", "libvpx", ""),
    ],
)
async def test_cut_off(
    shared_tools: SandboxedTools, film: Film, box: Path, name: str, codec: str, movflags: str, share: float
):
    """A download that stopped early is no clip, wherever it stopped."""
    source = film(name, noise, codec=codec, movflags=movflags, rate=24, options={"g": "12"})
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidMedia, match=r"cut off|damaged"):
        await shared_tools.accept_video(source, box / "out.mp4")
    assert names(box) == []


async def test_cut_off_between_frames(shared_tools: SandboxedTools, film: Film, box: Path):
    """Frames that the index promises and the data lacks are missed, though every byte that is there makes sense."""
    source = film("film.mp4", noise, movflags="+faststart")
    data = bytearray(source.read_bytes())
    at = data.index(b"mdat") - 4
    with av.open(str(source)) as container:
        ends = sorted(packet.pos + packet.size for packet in container.demux(video=0) if packet.size)
    # A box of length 0 goes on to the end of the file, wherever that is.
    data[at : at + 4] = bytes(4)
    source.write_bytes(data[: ends[-4]])
    with pytest.raises(InvalidMedia, match=r"45 of 48|cut off"):
        await shared_tools.accept_video(source, box / "out.mp4")


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [(b"\0\0\0\x14ftypisom", "mov"), (b"\x1a\x45\xdf\xa3", "matroska"), (b"GIF89a", "gif")],
    ids=["mov", "matroska", "gif"],
)
async def test_the_demuxer_is_that_of_the_first_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, demuxer: str
):
    """The library does not choose one itself, and may open no other file or address."""
    source = tmp_path / "a.m3u8"
    source.write_bytes(head + b"#EXTM3U")
    given: dict[str, Any] = {}

    def refuse(_name: str, **options: Any) -> None:
        given.update(options)
        raise av.error.InvalidDataError(1, "refused")

    monkeypatch.setattr(av, "open", refuse)
    monkeypatch.setattr(footage, "check_extent", lambda *_: None)
    with pytest.raises(InvalidMedia, match="cannot be opened"), footage.open_container(str(source), ("h264",)):
        pass
    assert given["format"] == demuxer
    assert given["options"] == {"protocol_whitelist": "file", "codec_whitelist": "h264"}


async def test_hole_in_the_data(shared_tools: SandboxedTools, film: Film, box: Path):
    """Pictures or sound lost in the middle are found out, too."""
    for sound in (None, "aac"):
        source = film("film.mp4", noise, sound=sound)
        data = bytearray(source.read_bytes())
        data[len(data) // 2 : len(data) // 2 + len(data) // 5] = bytes(len(data) // 5)
        source.write_bytes(data)
        with pytest.raises(InvalidMedia, match="damaged"):
            await shared_tools.accept_video(source, box / "out.mp4")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"this is no film",
        b'{"error": "not found"}',
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hostname'\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'/>",
    ],
)
async def test_other_files(shared_tools: SandboxedTools, box: Path, data: bytes):
    """Errors, pages and playlists are no clips, whatever they are called."""
    (box / "film.mp4").write_bytes(data)
    with pytest.raises(InvalidMedia, match="not a video we can read"):
        await shared_tools.accept_video(box / "film.mp4", box / "out.mp4")
    with pytest.raises(InvalidMedia, match="not a picture we can read"):
        await shared_tools.accept_image(box / "film.mp4", box / "out.png")


async def test_unusual_codecs(shared_tools: SandboxedTools, film: Film, box: Path):
    """Codecs that are not on the list are not decoded, though the library could."""
    source = film("film.mkv", codec="ffv1")
    for attempt in (shared_tools.accept_video, shared_tools.normalise_video):
        with pytest.raises(InvalidMedia, match="no video in it that can be decoded"):
            await attempt(source, box / "out.mp4")


async def test_limits(shared_tools: SandboxedTools, film: Film, box: Path):
    """Too many pixels and too many seconds are refused by the header."""
    with pytest.raises(InvalidMedia, match="at most 3840x2160"):
        await shared_tools.accept_video(film("a.mp4", plain((0, 0, 0), (4096, 4096)), 1), box / "out.mp4")
    with pytest.raises(InvalidMedia, match="at most 60 are allowed"):
        await shared_tools.accept_video(film("b.mp4", plain((0, 0, 0), (32, 32)), 75, rate=1), box / "out.mp4")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_pictures(shared_tools: SandboxedTools, tmp_path: Path, box: Path, kind: str):
    """A picture of a provider is written anew, upright, at its size, and without what was noted in it."""
    picture = Image.new("RGB", (300, 200), _ORANGE)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret description"
    extra = {"icc_profile": b"", "exif": exif, "comment": b"secret comment"}
    picture.save(tmp_path / "picture", kind, quality=95, **extra)
    assert b"secret" in (tmp_path / "picture").read_bytes()
    for suffix, made, media_type in ((".png", "PNG", "image/png"), (".jpg", "JPEG", "image/jpeg")):
        target = box / f"out{suffix}"
        facts = await shared_tools.accept_image(tmp_path / "picture", target)
        assert (facts.type, facts.width, facts.height) == (media_type, 200, 300)
        with Image.open(target, formats=[made]) as written:
            assert (written.size, written.mode) == ((200, 300), "RGB")
            assert near(written.getpixel((100, 100)), _ORANGE)
            assert set(written.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert b"secret" not in target.read_bytes()


async def test_alpha(shared_tools: SandboxedTools, tmp_path: Path, box: Path):
    """PNG keeps what is transparent; JPEG shows it white."""
    Image.new("RGBA", (20, 10), (0, 0, 255, 0)).save(tmp_path / "a.png")
    await shared_tools.accept_image(tmp_path / "a.png", box / "out.png")
    await shared_tools.accept_image(tmp_path / "a.png", box / "out.jpg")
    with Image.open(box / "out.png") as written:
        assert written.getpixel((5, 5)) == (0, 0, 255, 0)
    with Image.open(box / "out.jpg") as written:
        assert near(written.getpixel((5, 5)), (255, 255, 255))


async def test_cut_off_picture(shared_tools: SandboxedTools, tmp_path: Path, box: Path):
    """A picture that stops early is refused."""
    noise(0).save(tmp_path / "a.jpg", "JPEG")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidMedia, match="damaged or cut off"):
        await shared_tools.accept_image(tmp_path / "a.jpg", box / "out.jpg")
    assert names(box) == []
