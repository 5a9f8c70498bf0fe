"""Frames of a clip: turned upright, fitted to a size, in the colours of a screen, and the track they are written to."""

from __future__ import annotations

from fractions import Fraction

from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream
from PIL import Image

_BLACK = 20
_UPRIGHT = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def h264_track(output: OutputContainer, width: int, height: int, rate: Fraction) -> VideoStream:
    """Add a track for pictures of this even size: H.264, 8 bits, 4:2:0, BT.709."""
    # Stitchable: what other settings of the same encoder make can be joined to it without encoding it again.
    options = {"preset": "veryfast", "crf": "18", "x264-params": "stitchable=1"}
    stream = output.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    context = stream.codec_context
    context.thread_count = 2
    context.gop_size = max(1, round(2 * rate))
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    return stream


def even_size(frame: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Return the even width and height of the upright frame with square pixels; `aspect` is the shape of its own."""
    width, height = frame.width, frame.height
    if Fraction(1, 4) <= aspect <= 4:
        # Only ever shrink: the pixel limit holds for what is written, too.
        width, height = (round(width * aspect), height) if aspect < 1 else (width, round(height / aspect))
    if frame.rotation % 180:
        width, height = height, width
    return max(16, width - width % 2), max(16, height - height % 2)


def fit(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """Return the frame upright and in this size, as `h264_track` takes it."""
    if frame.rotation % 360 in _UPRIGHT:
        turned = picture(frame)
        frame = VideoFrame.from_bytes(turned.convert("RGBA").tobytes(), turned.width, turned.height, "rgba")
    return frame.reformat(
        width,
        height,
        format="yuv420p",
        src_colorspace=_matrix(frame),
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )


def picture(frame: VideoFrame) -> Image.Image:
    """Convert a frame to an upright RGB picture."""
    rgb = frame.reformat(format="rgb24", src_colorspace=_matrix(frame), dst_color_range=ColorRange.JPEG)
    image = _image(rgb, "RGB")
    turn = _UPRIGHT.get(int(frame.rotation) % 360)
    return image.transpose(turn) if turn is not None else image


def is_black(frame: VideoFrame) -> bool:
    """Return whether there is next to nothing to see on a frame."""
    levels = _image(frame.reformat(16, 16, format="gray", dst_color_range=ColorRange.JPEG), "L").tobytes()
    return sum(levels) < _BLACK * len(levels)


def _matrix(frame: VideoFrame) -> Colorspace:
    """Return the colour matrix: by default BT.709 for large pictures and BT.601 for small ones."""
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
    """Take the only plane of a packed frame; its lines may be padded."""
    plane = frame.planes[0]
    return Image.frombytes(mode, (frame.width, frame.height), bytes(plane), "raw", mode, plane.line_size, 1)
