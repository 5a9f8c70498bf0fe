"""Clips: foreign ones re-encoded, finished ones verified and developed into stills."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream
from PIL import Image

from filmgate.adapters.media.footage import Footage, open_footage
from filmgate.adapters.media.pictures import palette
from filmgate.adapters.media.work import CLIP, LAST_FRAME, SOURCE, THUMBNAIL
from filmgate.domain.media import Facts

RATE = 24
_JPEG_QUALITY = 90
_BLACK = 20
_UPRIGHT = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def normalise_clip() -> list[Facts]:
    """Re-encode the clip in `SOURCE` to `CLIP`: H.264, 24 frames per second, BT.709, even sizes, no sound."""
    with open_footage(SOURCE) as footage, av.open(CLIP, "w", options={"movflags": "+faststart"}) as output:
        stream: VideoStream | None = None
        count = 0
        for frame in _paced(footage):
            if stream is None:
                stream = _track(output, *_shape(frame, footage.aspect))
            picture = _fitted(frame, stream.width, stream.height)
            picture.pts, picture.time_base = count, Fraction(1, RATE)
            output.mux(stream.encode(picture))
            count += 1
        if stream is None:
            raise AssertionError("footage without frames is refused while it is read")
        output.mux(stream.encode(None))
        return [_clip_facts("video/mp4", stream.width, stream.height, count, Fraction(RATE))]


def develop() -> list[Facts]:
    """Decode `SOURCE` to its end, write `THUMBNAIL` and `LAST_FRAME`, and give the facts of all three."""
    with open_footage(SOURCE) as footage:
        count, shown, last = 0, None, None
        for _, frame in footage.frames():
            count += 1
            if shown is None or (count <= RATE and _is_black(shown) and not _is_black(frame)):
                shown = frame
            last = frame
        if shown is None or last is None:
            raise AssertionError("footage without frames is refused while it is read")
        still, end = _picture(shown), _picture(last)
        still.save(THUMBNAIL, "JPEG", quality=_JPEG_QUALITY)
        end.save(LAST_FRAME, "JPEG", quality=_JPEG_QUALITY)
        return [
            _clip_facts(footage.type, end.width, end.height, count, footage.rate),
            Facts(type="image/jpeg", width=still.width, height=still.height, palette=palette(still)),
            Facts(type="image/jpeg", width=end.width, height=end.height),
        ]


def _clip_facts(kind: str, width: int, height: int, count: int, rate: Fraction) -> Facts:
    return Facts(type=kind, width=width, height=height, duration=round(float(count / rate), 6), frames=count)


def _paced(footage: Footage) -> Iterator[VideoFrame]:
    """Give the frame to be seen at every 24th of a second."""
    shown: VideoFrame | None = None
    count = 0
    end = Fraction(0)
    for time, frame in footage.frames():
        slot = round(time * RATE)
        while shown is not None and count < slot:
            yield shown
            count += 1
        shown = frame
        end = time + 1 / footage.rate
    while shown is not None and count < max(1, round(end * RATE)):
        yield shown
        count += 1


def _track(output: OutputContainer, width: int, height: int) -> VideoStream:
    # Stitchable: what other settings of the same encoder make can be joined to it without encoding it again.
    options = {"preset": "veryfast", "crf": "18", "x264-params": "stitchable=1"}
    stream = output.add_stream("libx264", rate=RATE, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.thread_count = 2
    context.gop_size = 2 * RATE
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    return stream


def _shape(frame: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Give the even width and height of the upright frame with square pixels."""
    width, height = frame.width, frame.height
    if Fraction(1, 4) <= aspect <= 4:
        # Only ever shrink: the pixel limit holds for what is written, too.
        width, height = (round(width * aspect), height) if aspect < 1 else (width, round(height / aspect))
    if frame.rotation % 180:
        width, height = height, width
    return max(16, width - width % 2), max(16, height - height % 2)


def _fitted(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    if frame.rotation % 360 in _UPRIGHT:
        picture = _picture(frame)
        frame = VideoFrame.from_bytes(picture.convert("RGBA").tobytes(), picture.width, picture.height, "rgba")
    return frame.reformat(
        width,
        height,
        format="yuv420p",
        src_colorspace=_matrix(frame),
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )


def _picture(frame: VideoFrame) -> Image.Image:
    """Convert a frame to an upright RGB picture."""
    rgb = frame.reformat(format="rgb24", src_colorspace=_matrix(frame), dst_color_range=ColorRange.JPEG)
    picture = _image(rgb, "RGB")
    turn = _UPRIGHT.get(int(frame.rotation) % 360)
    return picture.transpose(turn) if turn is not None else picture


def _matrix(frame: VideoFrame) -> Colorspace:
    """Give the colour matrix; where the file names none, it is BT.709 for large pictures and BT.601 for small ones."""
    named = {
        1: Colorspace.ITU709,
        5: Colorspace.ITU601,
        6: Colorspace.ITU601,
        7: Colorspace.SMPTE240M,
        9: Colorspace.BT2020,
    }
    fallback = Colorspace.ITU709 if frame.height >= 720 or frame.width >= 1280 else Colorspace.ITU601
    return named.get(int(frame.colorspace), fallback)


def _image(frame: VideoFrame, mode: str) -> Image.Image:
    """Take the only plane of a packed frame, whose lines may be padded."""
    plane = frame.planes[0]
    return Image.frombytes(mode, (frame.width, frame.height), bytes(plane), "raw", mode, plane.line_size, 1)


def _is_black(frame: VideoFrame) -> bool:
    levels = _image(frame.reformat(16, 16, format="gray", dst_color_range=ColorRange.JPEG), "L").tobytes()
    return sum(levels) < _BLACK * len(levels)
